"""Feature × value profiles: how the relevance of a column moves with the column's own value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from lrp_audit.aggregate.stream import Stream, Summary
from lrp_audit.aggregate.table import SMALLEST_GROUP, ExplainedTable
from lrp_audit.errors import DataError

OTHER, MISSING = "(other)", "(missing)"
_MOST_SEEN = 1000  # categories counted before the rest are taken together


@dataclass(frozen=True)
class ValueCell:
    """Decisions whose column has one value, or one between two quantiles; few of them are not printed (G-07)."""

    column: str
    value: str  # a category, or "from to" of a number
    summary: Summary | None  # of the column's relevance; None: fewer than 50 decisions


@dataclass(frozen=True)
class ValueProfiles:
    cells: tuple[ValueCell, ...]

    def table(self) -> pd.DataFrame:
        """A row per cell, `suppressed` where it stands for fewer than 50 decisions."""
        empty = dict.fromkeys(Summary.__dataclass_fields__, math.nan)
        return pd.DataFrame(
            [
                {
                    "column": cell.column,
                    "value": cell.value,
                    "suppressed": cell.summary is None,
                    **(empty if cell.summary is None else asdict(cell.summary)),
                }
                for cell in self.cells
            ]
        )


class _Cells:
    """The cells of one column: numbers by quantile, others by category."""

    def __init__(self, bins: int, most: int) -> None:
        self._bins, self._most = bins, most
        self._numbers, self._numeric = Stream(), True
        self._seen: Counter[str] = Counter()
        self._edges = np.empty(0)
        self._kept: set[str] = set()
        self.streams: dict[str, Stream] = {}

    def look(self, values: pd.Series) -> None:
        known = values.dropna()
        numbers = pd.to_numeric(known, errors="coerce")
        self._numeric = self._numeric and not bool(numbers.isna().any())
        if self._numeric:
            self._numbers.add(numbers.to_numpy(dtype=np.float64))
        for name, count in _words(known).value_counts().items():
            if str(name) in self._seen or len(self._seen) < _MOST_SEEN:
                self._seen[str(name)] += int(count)

    def settle(self) -> None:
        self._numeric = self._numeric and len(self._seen) > self._bins
        inner = (self._numbers.quantile(rank / self._bins) for rank in range(1, self._bins))
        self._edges = np.unique([*inner]) if self._numeric else self._edges
        self._kept = {name for name, _ in self._seen.most_common(self._most)}
        names = self._names() if self._numeric else sorted(self._kept)
        self.streams = {name: Stream() for name in [*names, OTHER, MISSING]}

    def add(self, values: pd.Series, relevance: pd.Series) -> None:
        for name, numbers in relevance.groupby(self._cell(values)):
            self.streams[str(name)].add(numbers.to_numpy(dtype=np.float64))

    def _cell(self, values: pd.Series) -> pd.Series:
        if self._numeric:
            names = np.array(self._names(), dtype=object)
            numbers = pd.to_numeric(values).to_numpy(dtype=np.float64)
            cells = pd.Series(names[np.searchsorted(self._edges, numbers, side="right")], index=values.index)
        else:
            words = _words(values)
            cells = words.where(words.isin(self._kept), OTHER)
        return cells.where(values.notna(), MISSING)

    def _names(self) -> list[str]:
        ends = [f"{edge:.6g}" for edge in self._edges]
        if not ends:
            return ["all"]
        return [f"below {ends[0]}", *(f"{a} to {b}" for a, b in pairwise(ends)), f"from {ends[-1]}"]


def value_profiles(parts: Iterable[ExplainedTable], *, bins: int = 10, most: int = 20) -> ValueProfiles:
    """The spread of every column's relevance, by the column's value.

    Args:
        parts: tables with values, read twice as those of `prototypes`.
        bins: of columns of numbers, by quantiles; a column with no more different values than this has a cell for each.
        most: categories of a column that have a cell of their own, the most frequent ones.

    Raises:
        DataError: a table has no values.
        TypeError: `parts` can be read only once.
    """
    if iter(parts) is parts:
        raise TypeError("The tables are read twice: give a list, or an object whose iteration starts anew.")
    cells: dict[str, _Cells] = {}
    for part in parts:
        for name, values in _values(part).items():
            cells.setdefault(str(name), _Cells(bins, most)).look(values)
    for cell in cells.values():
        cell.settle()
    for part in parts:
        for name, values in _values(part).items():
            cells[str(name)].add(values, part.relevance[name])
    return ValueProfiles(
        tuple(
            ValueCell(column, value, stream.summary() if stream.count >= SMALLEST_GROUP else None)
            for column, cell in cells.items()
            for value, stream in cell.streams.items()
            if stream.count
        )
    )


def _words(values: pd.Series) -> pd.Series:
    """Values as text, a number in one way whatever the type of its chunk."""
    numbers = pd.to_numeric(values, errors="coerce")
    if values.dtype == bool or bool((numbers.isna() & values.notna()).any()):
        return values.astype(str)
    return (numbers + 0.0).map("{:.12g}".format)


def _values(part: ExplainedTable) -> pd.DataFrame:
    if part.values is None:
        raise DataError(
            "These decisions have no values to profile relevance by; collect them by column, not by family."
        )
    return part.values
