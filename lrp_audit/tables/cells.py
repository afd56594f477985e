"""Cells of a CSV as typed columns: the same whether a column is seen whole or in pieces.

Missing is an empty cell, and in a column whose other cells are all numbers also the words in `MISSING_WORDS`. In a
column of text those words are text, so a category that is called `NA` or `None` stays one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

Kind = Literal["int64", "float64", "bool", "str"]

MISSING_WORDS = frozenset({"NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>"})
Array = np.ndarray[Any, np.dtype[Any]]
_TRUTH = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}


def column(cells: Sequence[str], *, keep: bool = False) -> pd.Series[Any]:
    """The cells as numbers, as true and false, or else as text.

    Args:
        cells: a column, as written.
        keep: leave the cells as they are written, whatever they look like.
    """
    if not keep:
        numbers = _numbers(cells)
        if numbers is not None:
            return pd.Series(numbers)
        if all(cell in _TRUTH for cell in cells):
            return pd.Series([_TRUTH[cell] for cell in cells], dtype="bool")
    return pd.Series([cell if cell.strip() else None for cell in cells], dtype="str")


def kind_of(cells: Sequence[str]) -> Kind:
    """What a column is, as far as these cells of it show."""
    return cast(Kind, column(cells).dtype.name)


def merged(kinds: Iterable[Kind]) -> Kind:
    """What a column is, by what its pieces are: whole numbers beside others are no longer whole."""
    found = set(kinds)
    if len(found) == 1:
        return found.pop()
    return "float64" if found == {"int64", "float64"} else "str"


def as_kind(cells: Sequence[str], kind: Kind) -> pd.Series[Any]:
    """A piece of a column that is of a kind as a whole."""
    found = column(cells, keep=kind == "str")
    return found.astype("float64") if kind == "float64" and found.dtype == "int64" else found


def _numbers(cells: Sequence[str]) -> Array | None:
    """The cells as int64, as float64 where one is missing, no whole number or beyond 64 bits; None: not all numbers."""
    values = np.array([*cells, None], dtype=object)[:-1]  # never an array of characters
    found = _converted(values, "int64")
    if found is None:
        found = _converted(values, "float64")
    if found is None:
        missing = np.array([not cell.strip() or cell in MISSING_WORDS for cell in cells], dtype=bool)
        values[missing] = np.nan
        found = _converted(values, "float64")
        cells = values[~missing].tolist()
    # Python reads as numbers what no table means by them: `1_000`, and digits of other scripts.
    return found if (written := "".join(cells)).isascii() and "_" not in written else None


def _converted(values: Array, kind: str) -> Array | None:
    try:
        return values.astype(kind)
    except (ValueError, OverflowError):
        return None
