"""One reading of the decisions, chunk by chunk: every sum that is asked of them, and a random sample for the rest.

Memory grows with columns, groups and the sample's size, never with decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from lrp_audit.aggregate.extremes import Extremes
from lrp_audit.aggregate.membership import Grouping
from lrp_audit.aggregate.sample import SIZE, Sampler
from lrp_audit.aggregate.stream import Moments, Spreads
from lrp_audit.aggregate.table import ExplainedTable, IntArray
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import Outcomes

PRINCIPAL = 4  # reasons of a denial


class GroupSums:
    """Decisions of one group: how many, how many approved, and moments of all columns and, last, of the score."""

    def __init__(self, columns: int) -> None:
        self.approved = 0
        self.moments = Moments(columns + 1)

    def add(self, part: ExplainedTable) -> None:
        self.approved += int((~part.adverse).sum())
        self.moments.add(np.column_stack([part.array, part.score.to_numpy(dtype=np.float64)]))

    @property
    def decisions(self) -> int:
        return self.moments.count


@dataclass(frozen=True, eq=False)
class Gathered:
    """What one reading keeps."""

    columns: tuple[str, ...]
    spreads: Mapping[Outcomes, Spreads]
    reasons: IntArray  # (C,): denials with the column among the strongest reasons against
    extremes: Extremes
    groups: Mapping[str, Mapping[str, GroupSums]]  # grouping -> group
    sample: ExplainedTable
    left_out: int  # decisions that were not explained
    overlapping: int  # decisions whose ids are among those that were given as the reference's

    @property
    def decisions(self) -> int:
        return self.spreads["all"].moments.count

    @property
    def adverse(self) -> int:
        return self.spreads["adverse"].moments.count

    def __len__(self) -> int:
        return self.decisions

    def with_sample(self, sample: ExplainedTable) -> Gathered:
        """The same with a sample of the same decisions that knows their values."""
        return replace(self, sample=sample)


def gather(  # what an analyst sets
    parts: Iterable[ExplainedTable],
    groupings: Sequence[Grouping] = (),
    *,
    reference: pd.Index[str] | None = None,
    principal: int = PRINCIPAL,
    size: int = SIZE,
    seed: int = 0,
) -> Gathered:
    """Everything at once.

    Args:
        parts: tables with the same columns, read once.
        groupings: whose groups to keep apart.
        reference: ids of those that decisions were compared with, where they are known.
        principal: reasons of a denial.
        size: decisions of the sample.
        seed: of the sample.

    Raises:
        DataError: there are no decisions, or tables differ in their columns.
    """
    state: _State | None = None
    for part in parts:
        state = state or _State(tuple(part.columns), groupings, Sampler(size, seed), principal)
        state.add(part, reference)
    if state is None:
        raise DataError("There are no explained decisions to aggregate; explain some first.")
    return Gathered(
        columns=state.columns,
        spreads=state.spreads,
        reasons=state.reasons,
        extremes=state.extremes,
        groups=state.groups,
        sample=replace(state.sampler.table(), left_out=0),
        left_out=state.left_out,
        overlapping=state.overlapping,
    )


@dataclass
class _State:
    columns: tuple[str, ...]
    groupings: Sequence[Grouping]
    sampler: Sampler
    principal: int
    spreads: dict[Outcomes, Spreads] = field(init=False)
    reasons: IntArray = field(init=False)
    extremes: Extremes = field(default_factory=Extremes)
    groups: dict[str, dict[str, GroupSums]] = field(init=False)
    left_out: int = 0
    overlapping: int = 0

    def __post_init__(self) -> None:
        count = len(self.columns)
        self.spreads = {"all": Spreads(count), "adverse": Spreads(count), "favourable": Spreads(count)}
        self.reasons = np.zeros(count, dtype=np.int64)
        self.groups = {item.name: {} for item in self.groupings}

    def add(self, part: ExplainedTable, reference: pd.Index[str] | None) -> None:
        if odd := sorted({*part.columns} ^ {*self.columns}):
            raise DataError(
                f"The tables differ in the column {odd[0]!r}; aggregate the decisions of one model at a time."
            )
        part = replace(part, relevance=part.relevance[list(self.columns)])
        adverse = part.adverse.to_numpy(dtype=bool)
        self.spreads["all"].add(part.array)
        self.spreads["adverse"].add(part.array[adverse])
        self.spreads["favourable"].add(part.array[~adverse])
        self.reasons += self._principal(part.array[adverse])
        self.extremes.add(part, self.spreads["all"].moments)
        self.sampler.add(part)
        self.left_out += part.left_out
        if reference is not None:
            self.overlapping += int(part.ids.isin(reference).sum())
        for item in self.groupings:
            labels = pd.Series(item.of(part))
            for label, rows in labels.groupby(labels).indices.items():
                sums = self.groups[item.name].setdefault(str(label), GroupSums(len(self.columns)))
                sums.add(part.only(np.asarray(rows, dtype=np.int64)))

    def _principal(self, denied: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> IntArray:
        """(C,): in how many rows a column is among those that counted against most."""
        ranks = np.argsort(np.argsort(-denied, axis=1, kind="stable"), axis=1)
        return np.asarray(((ranks < self.principal) & (denied > 0)).sum(0), dtype=np.int64)
