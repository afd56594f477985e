"""A column's cells as canonical JSON of contributions, written once for every different cell.

What a record says of a cell depends on the cell alone, but for its relevance: so the JSON before and behind that number
is written once for all rows that have the cell.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.deciding.assembly import ColumnFacts, contribution
from lrp_audit.language.display import plain, showing
from lrp_audit.records.canonical import listed, numbers, text
from lrp_audit.records.record import ColumnContribution

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_NUMBER = "relevance"
_NAMES = sorted(ColumnContribution.model_fields)
_BEFORE, _AFTER = (_NAMES[: _NAMES.index(_NUMBER)], _NAMES[_NAMES.index(_NUMBER) + 1 :])


def written_cells(
    column: ColumnFacts, cells: pd.Series[Any], seen: FloatArray, missing: BoolArray, imputed: BoolArray
) -> tuple[list[str], list[str]]:
    """The JSON of a column's contribution before and behind its relevance, for N rows.

    Args:
        column: what is the same for every row.
        cells: as given.
        seen: what the network saw of them; (N, elements).
        missing: whether they are.
        imputed: and were filled in.
    """
    given, flags = [plain(cell) for cell in cells.tolist()], list(zip(imputed.tolist(), missing.tolist(), strict=True))
    told_apart = [cell or str(cell) for cell in given]  # 0.0 and -0.0 are equal, and read otherwise
    places, first = _different(zip(map(type, given), told_apart, _bits(seen), flags, strict=True))
    before_forms, after_form = _forms(column)
    shown = showing(column.settings, column.say)
    before = [before_forms[flags[row]] % text(shown(given[row])) for row in first]
    after = [after_form % (vector, text(given[row])) for row, vector in zip(first, _vectors(seen[first]), strict=True)]
    return [before[place] for place in places], [after[place] for place in places]


def _different(keys: Iterable[Hashable]) -> tuple[list[int], list[int]]:
    """Of every key its place among the different ones, and of those where each comes first."""
    known: dict[Hashable, int] = {}
    places: list[int] = []
    first: list[int] = []
    for row, key in enumerate(keys):
        place = known.setdefault(key, len(first))
        if place == len(first):
            first.append(row)
        places.append(place)
    return places, first


def _bits(rows: FloatArray) -> list[bytes]:
    """What tells rows apart."""
    size = rows.shape[1] * rows.itemsize
    return np.ascontiguousarray(rows).view(f"V{size}")[:, 0].tolist() if size else [b""] * len(rows)


def _vectors(rows: FloatArray) -> list[str]:
    """Every row as an array."""
    written = numbers(rows.ravel().tolist())
    parts = [iter(written)] * rows.shape[1]  # of one iterator, so that every row takes the next ones
    return list(map(listed, zip(*parts, strict=True))) if parts else ["[]"] * len(rows)


def _forms(column: ColumnFacts) -> tuple[dict[tuple[bool, ...], str], str]:
    """The JSON before the relevance, by whether the cell was filled in and missing, and the JSON behind it.

    What else depends on the cell is `%s`.
    """
    any_cell = contribution(column, None, np.zeros(0), 0.0, missing=False, imputed=False)
    fields = {name: text(getattr(any_cell, name)).replace("%", "%%") for name in _NAMES}
    fields |= dict.fromkeys(("display", "transformed", "value"), "%s")
    before = {
        flags: f'{{{_joined(fields | {"imputed": text(flags[0]), "missing": text(flags[1])}, _BEFORE)},"{_NUMBER}":'
        for flags in product((False, True), repeat=2)
    }
    return before, f",{_joined(fields, _AFTER)}}}"


def _joined(fields: dict[str, str], names: Iterable[str]) -> str:
    return ",".join(f'"{name}":{fields[name]}' for name in names)
