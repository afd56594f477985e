"""The first page of the internal audit: the decision, why, and what to look at, each in a line or two."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from lrp_audit.judging.reasons import against
from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.records.record import Check, ColumnContribution, FamilyContribution, Record
from lrp_audit.report.formats import (
    NOT_SUPPLIED,
    clip,
    decimals_for,
    measure,
    percent,
    scientific,
    signed,
)
from lrp_audit.report.names import name_of
from lrp_audit.report.standing import Fact, Standing, outcome_lines, score_chart, score_text, standing
from lrp_audit.settings.config import AuditConfig

AGE_LIMIT = 62  # 12 CFR 1002.2(o)
_HASH_SHOWN = 12


@dataclass(frozen=True)
class WhyRow:
    """One family that counts against the applicant."""

    rank: str  # of a stated reason; `next` or a dash for a family that is not stated
    label: str
    contribution: str
    share: str  # length of the bar, percent of the largest
    applicant: str
    reference: str


@dataclass(frozen=True)
class Why:
    """The reasons with their values and the comparison, and how they add up."""

    rows: tuple[WhyRow, ...]
    sums: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Glance:
    """The first page."""

    decision: str
    applicant: str
    product: str
    standing: Standing
    outcome: tuple[str, ...]
    adverse: str
    score: str | None
    score_chart: Markup | None
    supplied_reasons: tuple[str, ...]
    why: Why | None
    lines: tuple[Fact, ...]  # checks, protected columns, reference, model, wording


def glance(record: Record, config: AuditConfig) -> Glance:
    """The first page of a record's audit."""
    say, decision = for_reviewers(config), record.decision
    asked_for = ", ".join(filter(None, (decision.product, decision.amount)))
    return Glance(
        decision=clip(decision.id, 80),
        applicant=decision.applicant,
        product=clip(asked_for or say(NOT_SUPPLIED), 120),
        standing=standing(record, say),
        outcome=outcome_lines(record, say),
        adverse=record.model.adverse,
        score=score_text(record, say),
        score_chart=score_chart(record, say),
        supplied_reasons=tuple(r.text for r in record.reasons) if decision.decided_by != "score" else (),
        why=_why(record, config, say) if record.families else None,
        lines=(*_checks(record, say), _protected(record, say), *_background(record, say)),
    )


def _why(record: Record, config: AuditConfig, say: Messages) -> Why:
    counted = against(record.families)
    ranks = {reason.family: str(reason.rank) for reason in record.reasons}
    shown = counted[: config.documents.max_reasons + 1]
    decimals = decimals_for(family.relevance for family in record.families)
    largest = counted[0].relevance if counted else 1.0
    columns = {item.column: item for item in record.contributions}
    rows = []
    for family in shown:
        applicant, reference = _values(family, columns)
        rows.append(
            WhyRow(
                rank=ranks.get(family.family, say("next") if family.family == record.ranking.next_family else "–"),
                label=clip(family.label, 60),
                contribution=signed(family.relevance, decimals, say),
                share=f"{family.relevance / largest * 100:.1f}",
                applicant=applicant,
                reference=reference,
            )
        )
    sums = _sums(record, counted[len(shown) :], decimals, say)
    return Why(rows=tuple(rows), sums=sums, notes=_notes(record, decimals, say))


def _values(family: FamilyContribution, columns: dict[str, ColumnContribution]) -> tuple[str, str]:
    """Value and comparison of a family's leading column, which is named where the family has several."""
    leading = columns.get(family.columns[0]) if family.columns else None
    if leading is None:
        return "", ""
    name = f"{clip(leading.label, 40)}: " if len(family.columns) > 1 else ""
    return name + clip(leading.display, 40), clip(leading.reference_display, 40)


def _sums(record: Record, rest: tuple[FamilyContribution, ...], decimals: int, say: Messages) -> str:
    """How the families add up to the difference explained."""
    favour = math.fsum(family.relevance for family in record.families if family.relevance < 0)
    other = math.fsum(family.relevance for family in rest)
    parts = [say("other against {value}", value=signed(other, decimals, say))] if rest else []
    parts.append(say("in favour {value}", value=signed(favour, decimals, say)))
    books = record.conservation
    if books is not None:
        parts.append(say("sum {value}", value=signed(books.attributed, decimals, say)))
        if books.sinks:
            parked = signed(math.fsum(books.sinks.values()), decimals, say)
            parts.append(say("reached no input {value}", value=parked))
        parts.append(say("difference explained {value}", value=signed(books.explained, decimals, say)))
        parts.append(say("residual {value}", value=scientific(books.residual, say)))
    return " · ".join(parts)


def _notes(record: Record, decimals: int, say: Messages) -> tuple[str, ...]:
    ranking, count = record.ranking, len(record.reasons)
    notes = []
    if ranking.covered is not None and count:
        notes.append(
            say.plural(
                "The stated reason holds {share} of what counted against the applicant.",
                "The {count} stated reasons hold {share} of what counted against the applicant.",
                count,
                share=percent(ranking.covered, say),
            )
        )
    if ranking.gap is not None and count:
        gap = signed(ranking.gap, decimals, say)
        if ranking.sampled is not None and ranking.sampled.outcome != "tied":
            notes.append(say("Gap from the last stated to the next family: {gap}, decided by sampling.", gap=gap))
        elif ranking.near_tie:
            notes.append(say("Gap from the last stated to the next family: {gap}, a near-tie.", gap=gap))
        else:
            notes.append(say("Gap from the last stated to the next family: {gap}, no near-tie.", gap=gap))
    return tuple(notes)


def numbers(check: Check, say: Messages) -> str:
    """A check's measured quantities and threshold on one line."""
    parts = [f"{name_of(name, say)} {clip(measure(value, say), 80)}" for name, value in check.measured.items()]
    if check.threshold is not None:
        parts.append(say("threshold {value}", value=measure(check.threshold, say)))
    return ", ".join(parts)


def _checks(record: Record, say: Messages) -> tuple[Fact, ...]:
    performed = [
        Fact(check.title, numbers(check, say), check.flag) for check in record.checks if check.status == "performed"
    ]
    waiting = len(record.checks) - len(performed)
    if not waiting:
        return tuple(performed)
    named = say.plural("{count}, named under Limits", "{count}, named under Limits", waiting)
    return (*performed, Fact(say("Checks not performed"), named))


def _protected(record: Record, say: Messages) -> Fact:
    inputs = [item for item in record.contributions if item.protected != "no"]
    decimals = decimals_for(item.relevance for item in record.contributions)
    found = ", ".join(
        f"{item.label} ({name_of(item.protected, say)}) {signed(item.relevance, decimals, say)}" for item in inputs
    )
    age = record.decision.age
    senior = age is not None and age >= AGE_LIMIT
    older = say("age {limit} or older: {answer}", limit=AGE_LIMIT, answer=measure(senior, say))
    if age is None:
        older = say("age not supplied")
    named = say("inputs of the model: {listed}", listed=clip(found, 240))
    if not inputs:
        named = say("none named among the model's inputs")
    return Fact(say("Protected"), f"{named} · {older}", flag=bool(inputs) or senior)


def _background(record: Record, say: Messages) -> tuple[Fact, ...]:
    model, wording = record.model, record.texts
    version = say("version {version}", version=model.version) if model.version else None
    name = ", ".join(filter(None, (model.name, version))) or model.kind
    approved = say("not approved")
    if wording.approved_by is not None and wording.approved_on is not None:
        by, on = clip(wording.approved_by, 60), say.date(wording.approved_on)
        approved = say("approved by {by}, {on}", by=by, on=on)
    texts = say("version {version}", version=wording.version or say(NOT_SUPPLIED))
    weights = f"{model.weights_sha256[:_HASH_SHOWN]}…"
    return (
        Fact(say("Reference"), _compared(record, say)),
        Fact(say("Model"), say("{name}, weights {hash}", name=clip(name, 100), hash=weights)),
        Fact(say("Reason texts"), f"{texts}, {approved}"),
    )


def _compared(record: Record, say: Messages) -> str:
    """Name, size, date and hash of the reference in a line."""
    reference = record.reference
    if reference is None:
        return say("none")
    dated = say("undated") if reference.date is None else say.date(reference.date)
    people = say.plural("{count} person", "{count} people", reference.population)
    members = say.plural("{count} member", "{count} members", reference.members)
    return ", ".join((name_of(reference.name, say), people, members, dated, f"{reference.sha256[:_HASH_SHOWN]}…"))
