"""The first page of the internal audit: the decision, why, and what to look at, each in a line or two."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from lrp_audit.config import AuditConfig
from lrp_audit.display import scale_name
from lrp_audit.messages import Messages, for_reviewers
from lrp_audit.reasons import against
from lrp_audit.record import Check, ColumnContribution, Dates, FamilyContribution, Record
from lrp_audit.report.charts import ScoreMarks, score_line
from lrp_audit.report.fonts import FAMILY
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
    say, decision = for_reviewers(config), record.decision
    asked_for = ", ".join(filter(None, (decision.product, decision.amount)))
    return Glance(
        decision=clip(decision.id, 80),
        applicant=decision.applicant,
        product=clip(asked_for or say(NOT_SUPPLIED), 120),
        standing=_standing(record, say),
        outcome=_outcome(record, say),
        adverse=record.model.adverse,
        score=_score(record, say),
        score_chart=_score_chart(record, say),
        supplied_reasons=tuple(r.text for r in record.reasons) if decision.decided_by != "score" else (),
        why=_why(record, config, say) if record.families else None,
        lines=(*_checks(record, say), _protected(record, say), *_background(record, say)),
    )


def _standing(record: Record, say: Messages) -> Standing:
    due, first = due_date(record.decision.dates, say), record.refusal
    if first is None:
        return Standing(True, say("Letter ready for review"), (_flags(record, say),), due)
    step = say("Next step: {step}", step=clip(first.next_step, 240))
    if others := len(record.refusals) - 1:
        step += " " + say.plural("{count} more below.", "{count} more below.", others)
    headline = say("Refused: {state}", state=first.state)
    return Standing(False, headline, (f"{first.rule}: {clip(first.evidence, 240)}", step), due)


def _flags(record: Record, say: Messages) -> str:
    if not record.flags:
        return say("No refusal; no flags for the reviewer.")
    return say.plural(
        "No refusal; {count} flag for the reviewer.",
        "No refusal; {count} flags for the reviewer.",
        len(record.flags),
    )


def due_date(dates: Dates, say: Messages) -> str:
    """When the notice is due, and how that stands on the notice's own date: there is no clock here."""
    if dates.notice_due is None:
        if dates.completion is None and dates.decision is None:
            return say("not known, since no completion or decision date is supplied")
        return say("without delay; no law sets a day for this letter")
    due = say.date(dates.notice_due)
    if dates.notice_sent is not None:
        sent, late = say.date(dates.notice_sent), (dates.notice_sent - dates.notice_due).days
        if late <= 0:
            return say("{due}; sent {sent}, in time", due=due, sent=sent)
        return say.plural(
            "{due}; sent {sent}, {count} day late", "{due}; sent {sent}, {count} days late", late, due=due, sent=sent
        )
    if dates.notice is None:
        return due
    on, left = say.date(dates.notice), (dates.notice_due - dates.notice).days
    if left >= 0:
        return say.plural("{due}; {count} day left on {on}", "{due}; {count} days left on {on}", left, due=due, on=on)
    return say.plural(
        "{due}; overdue by {count} day on {on}", "{due}; overdue by {count} days on {on}", -left, due=due, on=on
    )


def is_late(dates: Dates) -> bool:
    """Whether the notice was, or would be, sent after it is due."""
    sent = dates.notice_sent or dates.notice
    return sent is not None and dates.notice_due is not None and sent > dates.notice_due


def _outcome(record: Record, say: Messages) -> tuple[str, ...]:
    decided_by, outcome = record.decision.decided_by, record.outcome
    if record.decision.action == "incomplete":
        return (say("Not decided: the application is incomplete"),)
    if outcome is None:
        decided = {
            "score": say("Decided by the score"),
            "rule": say("Decided by a rule"),
            "human": say("Decided by a person"),
        }
        return (decided[decided_by], say("the row could not be scored"))
    label = record.model.adverse
    result = say("Adverse (“{label}”)", label=label) if outcome.adverse else say("Not adverse")
    decided = {
        "score": say("{result}, decided by the score", result=result),
        "rule": say("{result}, decided by a rule", result=result),
        "human": say("{result}, decided by a person", result=result),
    }
    return (decided[decided_by], recorded(record, say))


def recorded(record: Record, say: Messages) -> str:
    """What the lender's system recorded, against what the model computes (G-01)."""
    facts = record.decision.recorded
    given = []
    if facts.outcome is not None:
        given.append(say("outcome {value}", value=clip(facts.outcome, 40)))
    if facts.score is not None:
        given.append(say("score {value}", value=measure(facts.score, say)))
    if facts.model_version is not None:
        given.append(say("model version {value}", value=clip(facts.model_version, 40)))
    listed = ", ".join(given)
    if not given:
        return say("nothing recorded to compare with")
    if record.outcome is None:
        return say("recorded {listed}: not compared", listed=listed)
    if any(refusal.state == "DECISION_NOT_REPRODUCED" for refusal in record.refusals):
        return say("recorded {listed}: NOT reproduced", listed=listed)
    return say("recorded {listed}: reproduced", listed=listed)


def _score(record: Record, say: Messages) -> str | None:
    outcome = record.outcome
    if outcome is None:
        return None
    scale, score, cutoff = scale_name(outcome, say), measure(outcome.score, say), measure(outcome.cutoff, say)
    text = say("{scale} {score}, cutoff {cutoff}", scale=scale, score=score, cutoff=cutoff)
    return f"{text}; {say('nearer to the cutoff than rounding can tell')}" if outcome.near_cutoff else text


def _score_chart(record: Record, say: Messages) -> Markup | None:
    outcome, reference = record.outcome, record.reference
    if outcome is None:
        return None
    marks = ScoreMarks(outcome.margin, outcome.cutoff_margin, reference.mean_margin if reference else None)
    decimals = decimals_for(value for value in (marks.applicant, marks.cutoff, marks.reference) if value is not None)
    adverse, applicant = record.model.adverse, signed(marks.applicant, decimals, say)
    cutoff = signed(marks.cutoff, decimals, say)
    if marks.reference is None:
        title = say(
            "Margin toward “{adverse}”: this applicant {applicant}, the cutoff {cutoff}; values to the right of the "
            "cutoff are adverse.",
            adverse=adverse,
            applicant=applicant,
            cutoff=cutoff,
        )
    else:
        title = say(
            "Margin toward “{adverse}”: this applicant {applicant}, the reference mean {mean}, the cutoff {cutoff}; "
            "values to the right of the cutoff are adverse.",
            adverse=adverse,
            applicant=applicant,
            mean=signed(marks.reference, decimals, say),
            cutoff=cutoff,
        )
    return score_line(marks, title, family=FAMILY, say=say)


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
        if ranking.near_tie:
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
