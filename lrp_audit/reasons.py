"""From contributions to ranked principal reasons, or to the named states in which no letter may go out.

Pure: a `Case` and the settings in, a `Judgement` out. Families are summed before ranking (RS-08), ranking is
deterministic (RS-09), and every refusal names its rules, its evidence with numbers and the next step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lrp_audit.config import AuditConfig
from lrp_audit.record import (
    Addressee,
    ColumnContribution,
    DecisionFacts,
    FamilyContribution,
    ModelFacts,
    Outcome,
    Ranking,
    Reason,
    ReferenceFacts,
    Refusal,
)

ROUNDING = 1e-12  # contributions below this share of the largest are rounding, not reasons


@dataclass(frozen=True)
class Faithfulness:
    """Mean fall of the adverse margin with the stated families put back to the reference, and with as many random ones."""

    stated: float
    random: float


@dataclass(frozen=True)
class Case:
    """Everything one decision is judged by.

    Attributes:
        outcome: None where the row could not be scored; `problem` then says why.
        reference: None where there is none.
        directions: family -> direction, only for families whose direction test passed (RS-11).
        faithfulness: None where it was not measured.
        addressee: only whether it is complete matters here; none of it enters a judgement.
        problem: why the row is invalid; names the column and holds no other person's data.
        tolerance: relative agreement promised between the model and its graph, for recorded scores.
    """

    decision: DecisionFacts
    model: ModelFacts
    outcome: Outcome | None
    reference: ReferenceFacts | None = None
    contributions: tuple[ColumnContribution, ...] = ()
    directions: Mapping[str, Literal["low", "high"]] = field(default_factory=dict)
    faithfulness: Faithfulness | None = None
    addressee: Addressee = field(default_factory=Addressee)
    problem: str | None = None
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Judgement:
    """Reasons as they would be sent, how they were ranked, and what stands against sending them.

    `reasons` is filled as far as it can be even where `refusals` is not empty, for drafts and reviewers: a family
    without approved wording has the text "", a protected family is left out.
    """

    reasons: tuple[Reason, ...]
    ranking: Ranking
    refusals: tuple[Refusal, ...]
    flags: tuple[str, ...]


def group(
    contributions: Iterable[ColumnContribution], labels: Mapping[str, str] | None = None
) -> tuple[FamilyContribution, ...]:
    """Families with the exact sum of their columns' relevance, most adverse first, ties by name (RS-08, RS-09).

    Args:
        contributions: one decision's columns, in any order.
        labels: family -> name for reviewers; default: the label of its only column, else the family's own name.
    """
    members: dict[str, list[ColumnContribution]] = {}
    for item in contributions:
        members.setdefault(item.family, []).append(item)
    families = [
        FamilyContribution(
            family=name,
            label=(labels or {}).get(name) or (items[0].label if len(items) == 1 else name),
            relevance=math.fsum(item.relevance for item in items),
            columns=tuple(item.column for item in sorted(items, key=lambda item: (-abs(item.relevance), item.column))),
        )
        for name, items in members.items()
    ]
    return tuple(sorted(families, key=lambda item: (-item.relevance, item.family)))


def stated(families: Sequence[FamilyContribution], max_reasons: int) -> tuple[FamilyContribution, ...]:
    """The families that are principal reasons: those that count against the applicant, at most `max_reasons` (RS-01)."""
    return against(families)[:max_reasons]


def against(families: Sequence[FamilyContribution]) -> tuple[FamilyContribution, ...]:
    """The families that count against the applicant by more than rounding, most adverse first."""
    floor = ROUNDING * max((abs(item.relevance) for item in families), default=0.0)
    return tuple(item for item in families if item.relevance > floor)


def judge(case: Case, config: AuditConfig) -> Judgement:
    """Reasons, ranking, refusals in their order of precedence, and flags for the reviewer."""
    raise NotImplementedError
