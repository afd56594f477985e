"""Feature × value profiles: how the relevance of a column moves with the column's own value."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from lrp_audit.aggregate.stream import summary
from lrp_audit.aggregate.table import ExplainedTable, FloatArray, IntArray
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import SMALLEST_GROUP, ValueCell

OTHER, MISSING = "(other)", "(missing)"


def value_profiles(sample: ExplainedTable, *, bins: int = 10, most: int = 20) -> tuple[ValueCell, ...]:
    """The spread of every column's relevance, by the column's value.

    Args:
        sample: decisions with values.
        bins: of columns of numbers, by quantiles; a column with no more different values than this has a cell for each.
        most: categories of a column that have a cell of their own, the most frequent ones.

    Raises:
        DataError: the decisions have no values.
    """
    if sample.values is None:
        raise DataError(
            "These decisions have no values to profile relevance by; collect them by column, not by family."
        )
    return tuple(
        ValueCell(
            column=str(name),
            value=value,
            summary=summary(numbers.to_numpy(dtype=np.float64)) if len(numbers) >= SMALLEST_GROUP else None,
        )
        for name, values in sample.values.items()
        for value, numbers in _cells(values, sample.relevance[name], bins, most)
    )


def _cells(values: pd.Series[Any], relevance: pd.Series[float], bins: int, most: int) -> list[tuple[str, pd.Series]]:
    """The relevance of every cell, numbers in order and what is missing last."""
    numbers = pd.to_numeric(values, errors="coerce")
    numeric = values.dtype != bool and bool((numbers.isna() == values.isna()).all())
    codes: IntArray
    if numeric and numbers.nunique() > bins:
        edges = np.unique(numbers.dropna().quantile([rank / bins for rank in range(1, bins)]))
        names, codes = _between(edges), np.searchsorted(edges, numbers, side="right").astype(np.int64)
    elif numeric:
        names = [f"{value:.12g}" for value in np.unique(numbers.dropna())]
        codes = np.searchsorted(np.unique(numbers.dropna()), numbers).astype(np.int64)
    else:
        words = values.astype(str)
        names = sorted(map(str, words[values.notna()].value_counts().index[:most]))
        places = words.map({name: code for code, name in enumerate(names)}).fillna(len(names))
        codes = np.asarray(places, dtype=np.int64)
    codes = np.where(values.isna(), len(names) + 1, codes).astype(np.int64)
    names = [*names, OTHER, MISSING]
    return [(name, relevance[codes == code]) for code, name in enumerate(names) if (codes == code).any()]


def _between(edges: FloatArray) -> list[str]:
    ends = [f"{edge:.6g}" for edge in edges]
    return [f"below {ends[0]}", *(f"{low} to {high}" for low, high in pairwise(ends)), f"from {ends[-1]}"]
