"""What many decisions say together, as immutable values that reports print and attach.

`+` is toward the adverse outcome. None stands for a figure that there is not: nothing varied, nobody was approved, or
fewer than 50 people are behind it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from lrp_audit.records.record import Frozen

SMALLEST_GROUP = 50  # people that a printed aggregate stands for (G-07)

Correction = Literal["benjamini-hochberg", "benjamini-yekutieli", "holm"]
Outcomes = Literal["all", "adverse", "favourable"]
Turn = Literal["appears", "vanishes", ""]


class Summary(Frozen):
    """Moments are exact, quantiles are a sketch's. A quantile is never a single decision's own extreme (G-07)."""

    count: int
    mean: float
    strength: float  # mean absolute value
    standard_deviation: float
    tenth: float
    quarter: float
    median: float
    three_quarters: float
    nine_tenths: float


class Profile(Frozen):
    """How the relevance of a column is spread over the decisions of one outcome, or of all."""

    column: str
    outcome: Outcomes
    summary: Summary


class Standing(Frozen):
    """How far a decision's relevance is from the mean: root mean square of its columns' standard scores."""

    id: str
    distance: float


class Prototypes(Frozen):
    decisions: int
    adverse: int
    profiles: tuple[Profile, ...]  # of all decisions, the strongest column first; then of each outcome with 50 or more
    typical: tuple[Standing, ...]  # nearest to the mean first
    unusual: tuple[Standing, ...]  # farthest first

    def of(self, outcome: Outcomes) -> tuple[Profile, ...]:
        return tuple(item for item in self.profiles if item.outcome == outcome)


class SwarmCounts(Frozen):
    """How many sampled decisions lie in each bin of relevance, by column, bin, and third of the column's own value."""

    decisions: int
    columns: tuple[str, ...]
    limit: float  # the bins run from -limit to +limit
    counts: tuple[tuple[tuple[int, int, int], ...], ...]


class Cell(Frozen):
    """One value, or numbers from `low` on and below `high`; an end without a number is open."""

    kind: Literal["value", "range", "other", "missing"]
    value: str = ""
    low: float | None = None
    high: float | None = None


class ValueCell(Frozen):
    """Decisions whose column has one value, or one between two quantiles; few of them are not printed (G-07)."""

    column: str
    cell: Cell
    summary: Summary | None  # of the column's relevance; None: fewer than 50 decisions


class Mark(Frozen):
    """An input that sets a strategy apart: its mean relevance here and elsewhere."""

    column: str
    here: float
    elsewhere: float


class Strategy(Frozen):
    decisions: int
    share: float
    adverse_rate: float
    marks: tuple[Mark, ...]  # its name: the inputs whose relevance differs most, in standard deviations
    concentration: float  # share of absolute relevance on the first mark's column
    concentration_elsewhere: float
    suspicious: bool  # small, and rests on one input that others do not rest on: look at it
    examples: tuple[str, ...]  # ids, nearest to its middle first
    found_again: float | None = None  # share of searches among part of the decisions that find it again

    @property
    def name(self) -> str:
        return ", ".join(f"{mark.column} {'+' if mark.here > mark.elsewhere else '−'}" for mark in self.marks)


class Place(Frozen):
    """A decision in the plane, where near ones rest on the same inputs; `strategy` counts from 0."""

    x: float
    y: float
    strategy: int


class Strategies(Frozen):
    """Without strategies, the decisions fall into groups no more than structureless ones would."""

    decisions: int
    clustered: int  # decisions that the graph was made of; the others joined their neighbours
    eigenvalues: tuple[float, ...]
    least_null: float  # the smallest second eigenvalue of the structureless samples
    strategies: tuple[Strategy, ...]  # the smallest first
    picture: tuple[Place, ...] = ()


class WordLine(Frozen):
    """A word (case folded) over the masked texts of many people."""

    word: str
    outcome: Outcomes
    people: int
    places: int
    mean: float  # over places
    standard_deviation: float
    concentration: float  # its share of a text's absolute relevance, mean over the texts it stands in
    suspicious: bool  # in few texts, which rest on it: look at it


class Words(Frozen):
    texts: int
    adverse: int
    lines: tuple[WordLine, ...]  # of every outcome the strongest first


class ColumnDrift(Frozen):
    column: str
    share_before: float  # of all absolute relevance
    share_after: float
    change: float
    lower: float
    upper: float
    adjusted_p: float | None  # Benjamini-Hochberg over columns
    reason_before: float | None  # share of denials with the column among the strongest reasons
    reason_after: float | None
    reason_adjusted_p: float | None  # Fisher's exact test, Benjamini-Hochberg over columns
    turn: Turn
    stability: float  # population stability index of the column's relevance
    value_stability: float | None  # of its values


class Drift(Frozen):
    before: int  # decisions
    after: int
    sampled: int  # of each side at most, for intervals and stability indices
    paired: bool  # the same decisions, by two models
    score_stability: float  # population stability index of the score
    only_before: tuple[str, ...]  # columns of one side
    only_after: tuple[str, ...]
    columns: tuple[ColumnDrift, ...]  # by falling absolute change


class GroupOutcome(Frozen):
    """One group against the reference group."""

    group: str
    decisions: int | None = None  # None: fewer than 50, and nothing else is said
    approved: int | None = None
    approval_rate: float | None = None
    approval_ratio: float | None = None  # adverse impact ratio: this group's approval rate over the reference group's
    ratio_lower: float | None = None
    ratio_upper: float | None = None
    mean_score: float | None = None  # margin of the adverse outcome
    standardised_difference: float | None = None  # of mean scores, in pooled standard deviations


class RelevanceDifference(Frozen):
    """Mean relevance of a column in a group less that in the reference group; `+` counts against the group more."""

    group: str
    column: str
    difference: float
    lower: float | None  # None: the sample has nobody of the group
    upper: float | None
    share: float | None  # of the difference between the groups' whole mean relevance
    p: float | None  # Welch's test
    adjusted_p: float | None = None  # over all groups and columns of this comparison


class GroupComparison(Frozen):
    name: str
    reference: str
    correction: Correction
    unknown: int  # decisions without a group
    sampled: int  # decisions that the bootstrap drew from
    level: float  # of the intervals
    outcomes: tuple[GroupOutcome, ...]
    differences: tuple[RelevanceDifference, ...]  # by group and falling absolute difference

    @field_validator("outcomes")
    @classmethod
    def _suppress_small_groups(cls, outcomes: tuple[GroupOutcome, ...]) -> tuple[GroupOutcome, ...]:
        return tuple(
            item if (item.decisions or 0) >= SMALLEST_GROUP else GroupOutcome(group=item.group) for item in outcomes
        )


class Proxy(Frozen):
    column: str
    read: Literal["value", "relevance"]
    group: str
    auc: float  # out of fold; 0.5 says nothing of the group, 1 tells it
    null_mean: float  # of the same over permuted groups
    p: float  # of this column alone
    familywise_p: float  # over all columns and groups that were screened


class ProxyScreen(Frozen):
    name: str
    permutations: int
    decisions: int
    proxies: tuple[Proxy, ...]  # by falling AUC
