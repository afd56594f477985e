"""One decision as it comes before the judge: what is known of it, what was explained, and what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol, TypeVar

from lrp_audit.records.record import (
    Addressee,
    DecisionFacts,
    ModelFacts,
    Outcome,
    ReferenceFacts,
    TieBreak,
    Variations,
)

Standing = Literal["incomplete", "routed", "unscored", "favourable", "adverse"]


@dataclass(frozen=True)
class Faithfulness:
    """Mean fall of the adverse margin: with the stated families put back to the reference, and with random ones."""

    stated: float
    random: float


class Scored(Protocol):
    """What is judged of a column's contribution."""

    @property
    def column(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def relevance(self) -> float: ...
    @property
    def protected(self) -> Literal["no", "prohibited", "special", "age"]: ...
    @property
    def source(self) -> str | None: ...


class Family(Protocol):
    """What is judged of a family's contribution."""

    @property
    def family(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def relevance(self) -> float: ...
    @property
    def columns(self) -> tuple[str, ...]: ...


AnyFamily = TypeVar("AnyFamily", bound=Family)


def from_report(source: str | None) -> bool:
    """Whether the source of a column, as the settings name it, is a consumer report."""
    return source is not None and any(word in source.lower() for word in ("bureau", "report"))


@dataclass(frozen=True)
class Case:
    """Everything one decision is judged by.

    Attributes:
        outcome: None where the row could not be scored; `problem` then says why.
        reference: None where there is none.
        contributions: all columns, most adverse first.
        protected: those of protected columns,
        reported: those that come from a consumer report, and
        families: their families, most adverse first, where these are known already; None: they are found when judged.
        directions: family -> direction, only for families whose direction test passed (RS-11).
        faithfulness: None where it was not measured.
        variations: None where none were searched for.
        tie: what sampling found of a near-tie at the last place; None where there is none, or none was sampled.
        addressee: only whether it is complete matters here; none of it enters a judgement.
        problem: why the row is invalid; names the column.
        tolerance: relative agreement promised between the model and its graph, for recorded scores.
    """

    decision: DecisionFacts
    model: ModelFacts
    outcome: Outcome | None
    reference: ReferenceFacts | None = None
    contributions: Iterable[Scored] = ()
    protected: Sequence[Scored] | None = None
    reported: Sequence[Scored] | None = None
    families: Sequence[Family] | None = None
    directions: Mapping[str, Literal["low", "high"]] = field(default_factory=dict)
    faithfulness: Faithfulness | None = None
    variations: Variations | None = None
    tie: TieBreak | None = None
    addressee: Addressee = field(default_factory=Addressee)
    problem: str | None = None
    tolerance: float = 1e-9

    @cached_property
    def standing(self) -> Standing:
        """What kind of answer the decision needs: the component that decided comes first (RS-04)."""
        if self.decision.action == "incomplete":
            return "incomplete"  # nothing was decided
        if self.decision.decided_by != "score":
            return "routed"
        if self.outcome is None:
            return "unscored"
        return "adverse" if self.outcome.adverse else "favourable"
