"""What counts against each of the rows that others were judged for: families ranked, stated and left out, as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lrp_audit.deciding.weighed import WeighedTable
from lrp_audit.judging.ready import ready
from lrp_audit.judging.reasons import near_tie_flag
from lrp_audit.language.messages import for_reviewers
from lrp_audit.records.record import Reason
from lrp_audit.settings.config import AuditConfig

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AlikeReasons:
    """Families of M rows of a table, as `judging.reasons` ranks them.

    Attributes:
        table: the explained rows of a chunk.
        rows: (M,) the places of these in it.
        config: the settings.
    """

    table: WeighedTable
    rows: IntArray
    config: AuditConfig

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
    def by_family(self) -> tuple[Reason, ...]:
        """Every family as a reason; without a direction, which only checks confirm, and what differs by row."""
        known = ready(self.config)
        words = {name: known.wording(name, None) for name in self.table.names}
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
            for name, word in words.items()
        )

    @cached_property
    def _counted(self) -> list[tuple[list[float], int, int]]:
        """Of every row the families' relevance, how many of them count against it, and how many are stated."""
        return [*zip(self.sums.tolist(), self.against.tolist(), self.stated.tolist(), strict=True)]
