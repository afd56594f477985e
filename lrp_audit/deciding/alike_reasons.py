"""What counts against each of the rows that others were judged for: families ranked, stated and left out, as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lrp_audit.deciding.tabular_answers import Explanations
from lrp_audit.deciding.weighed import WeighedTable
from lrp_audit.judging.ready import ready
from lrp_audit.judging.reasons import near_tie_flag
from lrp_audit.language.messages import for_reviewers
from lrp_audit.language.wording import DIRECTIONS, Direction
from lrp_audit.records.record import Reason
from lrp_audit.settings.config import AuditConfig

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AlikeReasons:
    """Families of M rows of a chunk, as `judging.reasons` ranks them.

    Attributes:
        explained: the whole chunk.
        rows: (M,) the places of these in it.
        config: the settings.
    """

    explained: Explanations
    rows: IntArray
    config: AuditConfig

    @property
    def table(self) -> WeighedTable:
        """The columns of the chunk."""
        return self.explained.table

    @cached_property
    def families(self) -> IntArray:
        """Places of the families, most adverse first; (M, F)."""
        return np.asarray(self.table.family_ranks[self.rows])

    @cached_property
    def sums(self) -> FloatArray:
        """Their relevance; (M, F)."""
        return np.take_along_axis(self.table.sums[self.rows], self.families, axis=1)

    @cached_property
    def against(self) -> IntArray:
        """How many families count against each; (M,)."""
        return np.asarray((self.sums > self.table.floors[self.rows]).sum(1))

    @cached_property
    def stated(self) -> IntArray:
        """How many of them are stated; (M,)."""
        return np.minimum(self.against, self.config.documents.max_reasons)

    @cached_property
    def covered(self) -> list[float | None]:
        """See `records.record.Ranking`."""
        return [math.fsum(sums[:stated]) / math.fsum(sums[:n]) if stated else None for sums, n, stated in self._counted]

    @cached_property
    def gap(self) -> list[float | None]:
        """See `records.record.Ranking`."""
        return [sums[stated - 1] - sums[stated] if stated < n else None for sums, n, stated in self._counted]

    @cached_property
    def following(self) -> list[str | None]:
        """The first family that counts against each and is not stated."""
        names, counted = self.table.names, zip(self.families.tolist(), self._counted, strict=True)
        return [names[families[stated]] if stated < n else None for families, (_, n, stated) in counted]

    @cached_property
    def near_ties(self) -> BoolArray:
        """Where that one is within `checks.near_tie` of the last stated; (M,)."""
        most, limit = self.config.documents.max_reasons, self.config.checks.near_tie
        return np.asarray(self.table.near_tied(most, limit)[self.rows])

    def near_tie_flags(self) -> Iterator[str]:
        """What a reviewer reads of each near-tie, and nothing of others."""
        say, labels = for_reviewers(self.config), [label for _, label in self.table.named_families]
        tied = zip(self.near_ties.tolist(), self.families.tolist(), self.stated.tolist(), self.gap, strict=True)
        for near_tie, families, stated, gap in tied:
            if near_tie and gap is not None:
                yield near_tie_flag(labels[families[stated - 1]], gap, labels[families[stated]], say)
            else:
                yield ""

    @cached_property
    def worded(self) -> tuple[Reason, ...]:
        """Every family as a reason in every direction, without what differs by row; F times three of them."""
        known = ready(self.config)
        words = [(name, known.wording(name, direction)) for name in self.table.names for direction in DIRECTIONS]
        return tuple(
            Reason(
                rank=0,
                family=name,
                text=word.text,
                text_key=word.key,
                relevance=0.0,
                columns=(),
                direction=word.direction,
                code=known.codes.get(name),
            )
            for name, word in words
        )

    @cached_property
    def words(self) -> IntArray:
        """Which of `worded` each of `families` is, given the direction that its test confirmed; (M, F)."""
        place = {name: at for at, name in enumerate(self.table.names)}
        confirmed = np.zeros(self.families.shape, np.intp)
        for found, directions in zip(confirmed, self._directions, strict=True):
            for family, direction in directions.items():
                found[place[family]] = DIRECTIONS.index(direction)
        return len(DIRECTIONS) * self.families + np.take_along_axis(confirmed, self.families, axis=1)

    @property
    def _directions(self) -> Iterator[Mapping[str, Direction]]:
        return map(self.explained.evidence.directions.__getitem__, self.rows.tolist())

    @cached_property
    def _counted(self) -> list[tuple[list[float], int, int]]:
        """Of every row the families' relevance, how many of them count against it, and how many are stated."""
        return [*zip(self.sums.tolist(), self.against.tolist(), self.stated.tolist(), strict=True)]
