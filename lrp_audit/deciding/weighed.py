"""The columns of explained rows: cheap to judge for every row, and whole for the rows whose record is read.

A million decisions are judged by names and numbers alone. The record's own objects are made of a row only when a
document of it is written, and its canonical JSON is put together from pieces that each column writes once per cell.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from lrp_audit.adapters.tabular import Encoded
from lrp_audit.deciding.assembly import ColumnFacts, Protection, contribution
from lrp_audit.deciding.written_rows import WrittenRows
from lrp_audit.judging.case import Family, Scored, from_report
from lrp_audit.judging.reasons import ROUNDING
from lrp_audit.records.record import ColumnContribution, FamilyContribution

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


class Weighed(Protocol):
    """The columns of one explained row, and their families, each most adverse first."""

    def __iter__(self) -> Iterator[Scored]:
        """What is judged of the columns."""

    @property
    def protected(self) -> tuple[Scored, ...]:
        """The protected ones of them."""

    @property
    def reported(self) -> tuple[Scored, ...]:
        """Those of them that come from a consumer report."""

    @property
    def families(self) -> Sequence[Family]:
        """What is judged of the families."""

    def contributions(self) -> tuple[ColumnContribution, ...]:
        """The columns as they stand in the record."""

    def grouped(self) -> tuple[FamilyContribution, ...]:
        """The families as they stand in the record."""

    def written(self) -> tuple[str, str]:
        """The canonical JSON of contributions and families."""

    def by_input(self, inputs: Sequence[str]) -> Sequence[float | None]:
        """Relevance of the model's inputs, a text as a whole."""


class ScoredColumn(NamedTuple):
    """A `Scored`."""

    column: str
    label: str
    family: str
    protected: Protection
    source: str | None
    relevance: float


class ScoredFamily(NamedTuple):
    """A `Family`."""

    family: str
    label: str
    columns: tuple[str, ...]
    relevance: float


@dataclass(frozen=True)
class WeighedTable:
    """The columns of N explained rows.

    Attributes:
        columns: what is the same of a column for every row; C of them.
        encoded: the rows as they were read, and as the network takes them.
        transformed: what it saw of every column.
        relevance: (N, C).
        labels: names of families for reviewers.
    """

    columns: tuple[ColumnFacts, ...]
    encoded: Encoded
    transformed: Sequence[FloatArray]
    relevance: FloatArray
    labels: Mapping[str, str]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The families, by name; F of them."""
        return tuple(sorted({column.family for column in self.columns}))

    @cached_property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """The columns of every family."""
        return tuple(tuple(j for j, column in enumerate(self.columns) if column.family == name) for name in self.names)

    @cached_property
    def named_families(self) -> tuple[tuple[str, str], ...]:
        """Name of every family, and what reviewers call it."""
        return tuple(
            (name, self.labels.get(name) or (self.columns[own[0]].label if len(own) == 1 else name))
            for name, own in zip(self.names, self.members, strict=True)
        )

    @cached_property
    def alone(self) -> tuple[tuple[str, ...], ...]:
        """The column of every family that has one; nothing for others."""
        return tuple((self.columns[own[0]].name,) if len(own) == 1 else () for own in self.members)

    @cached_property
    def protected(self) -> frozenset[int]:
        """The protected columns."""
        return frozenset(j for j, column in enumerate(self.columns) if column.settings.protected != "no")

    @cached_property
    def reported(self) -> frozenset[int]:
        """The columns that come from a consumer report."""
        return frozenset(j for j, column in enumerate(self.columns) if from_report(column.settings.source))

    @cached_property
    def sums(self) -> FloatArray:
        """The exact sum of every family's columns (RS-08); (N, F)."""
        found = np.empty((len(self.relevance), len(self.names)))
        for place, own in enumerate(self.members):
            part = self.relevance[:, own]
            found[:, place] = part.sum(1) if len(own) < 3 else [math.fsum(row) for row in part.tolist()]
        return found

    @cached_property
    def order(self) -> list[list[int]]:
        """The columns of every row, most adverse first, ties by name."""
        by_name = np.array(sorted(range(len(self.columns)), key=lambda j: self.columns[j].name), dtype=np.intp)
        return _ranked(self.relevance[:, by_name], by_name)

    @cached_property
    def family_ranks(self) -> IntArray:
        """The families of every row, most adverse first, ties by name; (N, F)."""
        return np.argsort(-self.sums, axis=1, kind="stable")

    @cached_property
    def family_order(self) -> list[list[int]]:
        """`family_ranks`, as numbers of Python."""
        ranks: list[list[int]] = self.family_ranks.tolist()
        return ranks

    @cached_property
    def values(self) -> list[list[float]]:
        """`relevance`, as numbers of Python."""
        return _lists(self.relevance)

    @cached_property
    def family_values(self) -> list[list[float]]:
        """`sums`, as numbers of Python."""
        return _lists(self.sums)

    @cached_property
    def floors(self) -> FloatArray:
        """Up to where a family's sum is rounding, per row; (N, 1)."""
        return np.asarray(ROUNDING * np.abs(self.sums).max(1, initial=0.0, keepdims=True))

    def stated(self, most: int) -> BoolArray:
        """Which families are principal reasons, at most so many per row (RS-01); (N, F)."""
        place = np.argsort(np.argsort(-self.sums, axis=1, kind="stable"), axis=1, kind="stable")
        return np.asarray((place < most) & (self.sums > self.floors))

    def near_tied(self, most: int, limit: float) -> BoolArray:
        """Where relevance cannot tell the last stated family from the next one (RS-09); (N,)."""
        if len(self.names) <= most:
            return np.zeros(len(self.sums), np.bool_)
        last, following = np.take_along_axis(self.sums, self.family_ranks[:, most - 1 : most + 1], axis=1).T
        return np.asarray((following > self.floors[:, 0]) & (last - following <= limit * last))

    def near_ties(self, most: int, limit: float) -> dict[int, tuple[int, int]]:
        """Row -> its last stated family and the next one, where relevance cannot tell them apart."""
        rows = np.flatnonzero(self.near_tied(most, limit)).tolist()
        return {row: (self.family_order[row][most - 1], self.family_order[row][most]) for row in rows}

    @cached_property
    def written(self) -> WrittenRows:
        """The rows as canonical JSON."""
        return WrittenRows(self)

    def row(self, row: int) -> WeighedRow:
        """One of the rows."""
        return WeighedRow(self, row)

    def family_columns(self, row: int, family: int) -> tuple[str, ...]:
        """The names of a family's columns, by falling |relevance|."""
        own, values = self.members[family], self.values[row]
        ranked = sorted(own, key=lambda j: (-abs(values[j]), self.columns[j].name))
        return tuple(self.columns[j].name for j in ranked)


@dataclass(frozen=True)
class WeighedRow:
    """A `Weighed` of a table."""

    table: WeighedTable
    place: int

    def __iter__(self) -> Iterator[ScoredColumn]:
        """See `Weighed`."""
        return self._scored(self.table.order[self.place])

    @property
    def protected(self) -> tuple[ScoredColumn, ...]:
        """See `Weighed`."""
        return self._among(self.table.protected)

    @property
    def reported(self) -> tuple[ScoredColumn, ...]:
        """See `Weighed`."""
        return self._among(self.table.reported)

    @cached_property
    def families(self) -> tuple[ScoredFamily, ...]:
        """See `Weighed`."""
        table, row = self.table, self.place
        named, alone, values = table.named_families, table.alone, table.family_values[row]
        order = table.family_order[row]
        return tuple([ScoredFamily(*named[f], alone[f] or table.family_columns(row, f), values[f]) for f in order])

    def contributions(self) -> tuple[ColumnContribution, ...]:
        """See `Weighed`."""
        table, row = self.table, self.place
        return tuple(
            contribution(
                table.columns[j],
                table.encoded.table[table.columns[j].name].iat[row],
                table.transformed[j][row],
                table.values[row][j],
                missing=bool(table.encoded.missing[row, j]),
                imputed=bool(table.encoded.imputed[row, j]),
            )
            for j in table.order[row]
        )

    def grouped(self) -> tuple[FamilyContribution, ...]:
        """See `Weighed`."""
        return tuple(FamilyContribution(**item._asdict()) for item in self.families)

    def written(self) -> tuple[str, str]:
        """See `Weighed`."""
        return self.table.written.contributions(self.place), self.table.written.families(self.place)

    def by_input(self, inputs: Sequence[str]) -> list[float]:
        """See `Weighed`; a table's inputs are its columns, in their order."""
        return self.table.values[self.place]

    def _scored(self, columns: Iterable[int]) -> Iterator[ScoredColumn]:
        facts, values = self.table.columns, self.table.values[self.place]
        return (ScoredColumn(*facts[j].judged, values[j]) for j in columns)

    def _among(self, wanted: frozenset[int]) -> tuple[ScoredColumn, ...]:
        return tuple(self._scored(j for j in self.table.order[self.place] if j in wanted)) if wanted else ()


def _ranked(values: FloatArray, names: IntArray) -> list[list[int]]:
    """Per row `names` of the columns of `values`, by falling value; equal ones stay in order."""
    ranked: list[list[int]] = names[np.argsort(-values, axis=1, kind="stable")].tolist()
    return ranked


def _lists(values: FloatArray) -> list[list[float]]:
    rows: list[list[float]] = values.tolist()
    return rows
