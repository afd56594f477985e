"""A column's cells as canonical JSON of contributions, written once for every different cell.

What a record says of a cell depends on the cell alone, but for its relevance: so the JSON before and behind that number
is written once for all rows that have the cell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.deciding.assembly import ColumnFacts, contribution, of_cell
from lrp_audit.language.display import plain
from lrp_audit.records.canonical import text
from lrp_audit.records.record import ColumnContribution

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_NUMBER = "relevance"
_NAMES = sorted(ColumnContribution.model_fields)
_OF_CELLS = ("display", "value", "transformed", "missing", "imputed")
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
    before_form, after_form = _forms(column)
    pieces: dict[object, tuple[str, str]] = {}
    before, after = [], []
    keys = zip(map(plain, cells.tolist()), map(tuple, seen.tolist()), missing.tolist(), imputed.tolist(), strict=True)
    for cell, values, absent, filled in keys:
        key = (type(cell), cell or str(cell), values, absent, filled)  # 0.0 and -0.0 are equal, and read otherwise
        found = pieces.get(key)
        if found is None:
            own = {**of_cell(column, cell), "transformed": values, "missing": absent, "imputed": filled}
            fields = {name: text(value) for name, value in own.items()}
            found = pieces[key] = before_form % fields, after_form % fields
        before.append(found[0])
        after.append(found[1])
    return before, after


def _forms(column: ColumnFacts) -> tuple[str, str]:
    """The JSON before and behind the relevance, with `%(name)s` for what depends on the cell."""
    any_cell = contribution(column, None, np.zeros(0), 0.0, missing=False, imputed=False)
    constant = any_cell.model_dump(mode="json", exclude={*_OF_CELLS, _NUMBER})
    fields = {name: text(value).replace("%", "%%") for name, value in constant.items()}
    fields |= {name: f"%({name})s" for name in _OF_CELLS}
    return f'{{{_joined(fields, _BEFORE)},"{_NUMBER}":', f",{_joined(fields, _AFTER)}}}"


def _joined(fields: dict[str, str], names: Iterable[str]) -> str:
    return ",".join(f'"{name}":{fields[name]}' for name in names)
