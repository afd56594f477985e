"""Feature × value profiles: how the relevance of a column moves with the column's own value."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from lrp_audit.aggregate.stream import summary
from lrp_audit.aggregate.table import ExplainedTable, IntArray
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import SMALLEST_GROUP, Cell, ValueCell

_PER_BIN = 60  # decisions at least, so that ties seldom leave fewer than 50


def value_profiles(sample: ExplainedTable, *, bins: int = 10, most: int = 20) -> tuple[ValueCell, ...]:
    """The spread of every column's relevance, by the column's value.

    Args:
        sample: decisions with values.
        bins: of columns of numbers, by quantiles; fewer where decisions are few. A column with no more different values
            than this has a cell for each.
        most: categories of a column that have a cell of their own, the most frequent ones.

    Raises:
        DataError: the decisions have no values.
    """
    if sample.values is None:
        raise DataError("These decisions have no values to profile relevance by; their source keeps no records.")
    return tuple(
        ValueCell(
            column=str(name),
            cell=cell,
            summary=summary(np.asarray(numbers, dtype=np.float64)) if len(numbers) >= SMALLEST_GROUP else None,
        )
        for name, values in sample.values.items()
        for cell, numbers in _cells(values, sample.relevance[name], bins, most)
    )


def _cells(
    values: pd.Series[Any], relevance: pd.Series[float], bins: int, most: int
) -> list[tuple[Cell, pd.Series[float]]]:
    """The relevance of every cell, numbers in order and what is missing last."""
    numbers = pd.to_numeric(values, errors="coerce")
    cells: list[Cell]
    codes: IntArray
    if values.dtype != bool and bool((numbers.isna() == values.isna()).all()):
        cells, codes = _of_numbers(numbers, bins)
    else:
        words = values.astype(str)
        names = sorted(map(str, words[values.notna()].value_counts().index[:most]))
        cells = [Cell(kind="value", value=name) for name in names]
        places = words.map({name: code for code, name in enumerate(names)}).fillna(len(names))
        codes = np.asarray(places, dtype=np.int64)
    codes = np.where(values.isna(), len(cells) + 1, codes).astype(np.int64)
    cells = [*cells, Cell(kind="other"), Cell(kind="missing")]
    return [(cell, relevance[codes == code]) for code, cell in enumerate(cells) if (codes == code).any()]


def _of_numbers(numbers: pd.Series[float], bins: int) -> tuple[list[Cell], IntArray]:
    known = numbers.dropna()
    if known.nunique() <= bins:
        distinct = np.unique(known)
        cells = [Cell(kind="value", value=f"{value:.12g}") for value in distinct]
        return cells, np.searchsorted(distinct, numbers).astype(np.int64)
    bins = min(bins, max(2, len(known) // _PER_BIN))
    edges = np.unique(known.quantile([rank / bins for rank in range(1, bins)]))
    ends = [None, *(float(f"{edge:.6g}") for edge in edges), None]
    cells = [Cell(kind="range", low=low, high=high) for low, high in pairwise(ends)]
    return cells, np.searchsorted(edges, numbers, side="right").astype(np.int64)
