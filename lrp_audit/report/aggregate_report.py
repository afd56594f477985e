"""What an aggregate report states of many decisions, as immutable values with one canonical form.

It is descriptive (G-03). Statistics of groups are another report in a file of their own (`group_report`, BA-09).
"""

from __future__ import annotations

from typing import Literal

from lrp_audit.language.messages import Messages, message
from lrp_audit.records.aggregates import (
    SMALLEST_GROUP,
    Drift,
    Prototypes,
    Strategies,
    SwarmCounts,
    ValueCell,
    Words,
)
from lrp_audit.records.record import Frozen

Why = Literal["no values", "all alike", "an input", "nobody", "one group", "few groups"]
_WHY: dict[Why, str] = {
    "no values": message("There is no chapter on values: the source keeps no records."),
    "all alike": message("There is no chapter on strategies: all decisions were explained alike."),
    "an input": message("{what} is left out: it is an input of the model."),
    "nobody": message("{what} is left out: no decision has a group in it."),
    "one group": message("{what} is left out: all decisions are in one group."),
    "few groups": message("{what} is left out: fewer than two of its groups have {count} decisions."),
}


class Unsaid(Frozen):
    """A chapter or grouping that there is not, and why."""

    what: str
    why: Why

    def sentence(self, say: Messages) -> str:
        return say(_WHY[self.why], what=self.what, count=SMALLEST_GROUP)


class AggregateReport(Frozen):
    """Of the decisions of one source; `sampled` of them stand for all where single rows are needed."""

    schema_version: Literal["1"] = "1"
    source: str
    left_out: int  # decisions that were not explained
    sampled: int
    seed: int
    overlapping: int | None  # decisions that are in the reference's own data; None: not known
    prototypes: Prototypes
    swarm: SwarmCounts
    values: tuple[ValueCell, ...] = ()
    strategies: Strategies | None = None
    words: Words | None = None
    drift: Drift | None = None
    compared: str | None = None  # the other source of the drift
    unsaid: tuple[Unsaid, ...] = ()
