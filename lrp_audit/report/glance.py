"""The first page of the internal audit: the decision, why, and what to look at, each in a line or two."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from lrp_audit.config import AuditConfig
from lrp_audit.reasons import against
from lrp_audit.record import Check, ColumnContribution, Dates, FamilyContribution, Record
from lrp_audit.report.charts import ScoreMarks, score_line
from lrp_audit.report.fonts import FAMILY
from lrp_audit.report.formats import (
    NOT_SUPPLIED,
    clip,
    days,
    decimals_for,
    long_date,
    measure,
    percent,
    scientific,
    signed,
)

AGE_LIMIT = 62  # 12 CFR 1002.2(o)
_HASH_SHOWN = 12


@dataclass(frozen=True)
class Fact:
    """A labelled line; `flag` sets it apart."""

    label: str
    text: str
    flag: bool = False


@dataclass(frozen=True)
class Standing:
    """Whether a letter may go to review, and by when the notice is due."""

    ready: bool
    headline: str
    details: tuple[str, ...]
    due: str


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
    decision = record.decision
    return Glance(
        decision=clip(decision.id, 80),
        applicant=decision.applicant,
        product=clip(", ".join(filter(None, (decision.product, decision.amount))) or NOT_SUPPLIED, 120),
        standing=_standing(record),
        outcome=_outcome(record),
        adverse=record.model.adverse,
        score=_score(record),
        score_chart=_score_chart(record),
        supplied_reasons=tuple(r.text for r in record.reasons) if decision.decided_by != "score" else (),
        why=_why(record, config) if record.families else None,
        lines=(*_checks(record), _protected(record), *_background(record)),
    )


def _standing(record: Record) -> Standing:
    due, first = due_date(record.decision.dates), record.refusal
    flags = f"{len(record.flags) or 'no'} flag{'' if len(record.flags) == 1 else 's'} for the reviewer"
    if first is None:
        return Standing(True, "Letter ready for review", (f"No refusal; {flags}.",), due)
    others = len(record.refusals) - 1
    more = f" {others} more below." if others else ""
    details = (f"{first.rule}: {clip(first.evidence, 240)}", f"Next step: {clip(first.next_step, 240)}{more}")
    return Standing(False, f"Refused: {first.state}", details, due)


def due_date(dates: Dates) -> str:
    """When the notice is due, and how that stands on the notice's own date: there is no clock here."""
    if dates.notice_due is None:
        return "not known, since no completion or decision date is supplied"
    due = long_date(dates.notice_due)
    if dates.notice_sent is not None:
        late = (dates.notice_sent - dates.notice_due).days
        return f"{due}; sent {long_date(dates.notice_sent)}, {f'{days(late)} late' if late > 0 else 'in time'}"
    if dates.notice is None:
        return due
    left = (dates.notice_due - dates.notice).days
    state = f"{days(left)} left" if left >= 0 else f"overdue by {days(-left)}"
    return f"{due}; {state} on {long_date(dates.notice)}"


def is_late(dates: Dates) -> bool:
    """Whether the notice was, or would be, sent after it is due."""
    sent = dates.notice_sent or dates.notice
    return sent is not None and dates.notice_due is not None and sent > dates.notice_due


def _outcome(record: Record) -> tuple[str, ...]:
    by = {"score": "the score", "rule": "a rule", "human": "a person"}[record.decision.decided_by]
    outcome = record.outcome
    if outcome is None:
        return (f"Decided by {by}", "the row could not be scored")
    adverse = f"Adverse (“{record.model.adverse}”)" if outcome.adverse else "Not adverse"
    return (f"{adverse}, decided by {by}", recorded(record))


def recorded(record: Record) -> str:
    """What the lender's system recorded, against what the model computes (G-01)."""
    facts = record.decision.recorded
    given = [
        f"{name} {clip(measure(value), 40)}"
        for name, value in (("outcome", facts.outcome), ("score", facts.score), ("model version", facts.model_version))
        if value is not None
    ]
    if not given:
        return "nothing recorded to compare with"
    if record.outcome is None:
        return f"recorded {', '.join(given)}: not compared"
    agrees = all(refusal.state != "DECISION_NOT_REPRODUCED" for refusal in record.refusals)
    return f"recorded {', '.join(given)}: {'reproduced' if agrees else 'NOT reproduced'}"


def _score(record: Record) -> str | None:
    outcome = record.outcome
    if outcome is None:
        return None
    near = "; nearer to the cutoff than rounding can tell" if outcome.near_cutoff else ""
    return f"{outcome.cutoff_on} {measure(outcome.score)}, cutoff {measure(outcome.cutoff)}{near}"


def _score_chart(record: Record) -> Markup | None:
    outcome, reference = record.outcome, record.reference
    if outcome is None:
        return None
    marks = ScoreMarks(outcome.margin, outcome.cutoff_margin, reference.mean_margin if reference else None)
    decimals = decimals_for(value for value in (marks.applicant, marks.cutoff, marks.reference) if value is not None)
    mean = "" if marks.reference is None else f", the reference mean {signed(marks.reference, decimals)}"
    title = (
        f"Margin toward “{record.model.adverse}”: this applicant {signed(marks.applicant, decimals)}{mean}, the cutoff "
        f"{signed(marks.cutoff, decimals)}; values to the right of the cutoff are adverse."
    )
    return score_line(marks, title, family=FAMILY)


def _why(record: Record, config: AuditConfig) -> Why:
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
                rank=ranks.get(family.family, "next" if family.family == record.ranking.next_family else "–"),
                label=clip(family.label, 60),
                contribution=signed(family.relevance, decimals),
                share=f"{family.relevance / largest * 100:.1f}",
                applicant=applicant,
                reference=reference,
            )
        )
    return Why(rows=tuple(rows), sums=_sums(record, counted[len(shown) :], decimals), notes=_notes(record, decimals))


def _values(family: FamilyContribution, columns: dict[str, ColumnContribution]) -> tuple[str, str]:
    """Value and comparison of a family's leading column, which is named where the family has several."""
    leading = columns.get(family.columns[0]) if family.columns else None
    if leading is None:
        return "", ""
    name = f"{clip(leading.label, 40)}: " if len(family.columns) > 1 else ""
    return name + clip(leading.display, 40), clip(leading.reference_display, 40)


def _sums(record: Record, rest: tuple[FamilyContribution, ...], decimals: int) -> str:
    """How the families add up to the difference explained."""
    favour = math.fsum(family.relevance for family in record.families if family.relevance < 0)
    other = math.fsum(family.relevance for family in rest)
    parts = [f"other against {signed(other, decimals)}"] if rest else []
    parts.append(f"in favour {signed(favour, decimals)}")
    books = record.conservation
    if books is not None:
        parts.append(f"sum {signed(books.attributed, decimals)}")
        if books.sinks:
            parts.append(f"reached no input {signed(math.fsum(books.sinks.values()), decimals)}")
        parts.append(f"difference explained {signed(books.explained, decimals)}")
        parts.append(f"residual {scientific(books.residual)}")
    return " · ".join(parts)


def _notes(record: Record, decimals: int) -> tuple[str, ...]:
    ranking, count = record.ranking, len(record.reasons)
    notes = []
    if ranking.covered is not None and count:
        what = "The stated reason holds" if count == 1 else f"The {count} stated reasons hold"
        notes.append(f"{what} {percent(ranking.covered)} of what counted against the applicant.")
    if ranking.gap is not None and count:
        tie = "a near-tie" if ranking.near_tie else "no near-tie"
        notes.append(f"Gap from the last stated to the next family: {signed(ranking.gap, decimals)}, {tie}.")
    return tuple(notes)


def numbers(check: Check) -> str:
    """A check's measured quantities and threshold on one line."""
    parts = [f"{name.replace('_', ' ')} {clip(measure(value), 80)}" for name, value in check.measured.items()]
    if check.threshold is not None:
        parts.append(f"threshold {measure(check.threshold)}")
    return ", ".join(parts)


def _checks(record: Record) -> tuple[Fact, ...]:
    performed = [
        Fact(check.title, numbers(check), check.flag) for check in record.checks if check.status == "performed"
    ]
    waiting = len(record.checks) - len(performed)
    return (*performed, Fact("Checks not performed", f"{waiting}, named under Limits")) if waiting else tuple(performed)


def _protected(record: Record) -> Fact:
    inputs = [item for item in record.contributions if item.protected != "no"]
    decimals = decimals_for(item.relevance for item in record.contributions)
    found = ", ".join(f"{item.label} ({item.protected}) {signed(item.relevance, decimals)}" for item in inputs)
    age = record.decision.age
    older = "age not supplied" if age is None else f"age {AGE_LIMIT} or older: {'yes' if age >= AGE_LIMIT else 'no'}"
    named = f"inputs of the model: {clip(found, 240)}" if inputs else "none named among the model's inputs"
    return Fact("Protected", f"{named} · {older}", flag=bool(inputs) or (age is not None and age >= AGE_LIMIT))


def _background(record: Record) -> tuple[Fact, ...]:
    model, reference, wording = record.model, record.reference, record.texts
    name = ", ".join(filter(None, (model.name, model.version and f"version {model.version}"))) or model.kind
    compared = "none"
    if reference is not None:
        compared = (
            f"{reference.name.replace('_', ' ')}, {reference.population:,} people, {reference.members:,} members, "
            f"{'undated' if reference.date is None else long_date(reference.date)}, {reference.sha256[:_HASH_SHOWN]}…"
        )
    approved = "not approved"
    if wording.approved_by is not None and wording.approved_on is not None:
        approved = f"approved by {clip(wording.approved_by, 60)}, {long_date(wording.approved_on)}"
    return (
        Fact("Reference", compared),
        Fact("Model", f"{clip(name, 100)}, weights {model.weights_sha256[:_HASH_SHOWN]}…"),
        Fact("Reason texts", f"version {wording.version or NOT_SUPPLIED}, {approved}"),
    )
