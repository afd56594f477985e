"""What was decided, against what is recorded, and whether a letter may go out: the first lines of the audit."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from lrp_audit.language.display import scale_name
from lrp_audit.language.messages import Messages
from lrp_audit.records.record import Dates, Record
from lrp_audit.report.charts import ScoreMarks, score_line
from lrp_audit.report.fonts import FAMILY
from lrp_audit.report.formats import clip, decimals_for, measure, signed


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


def standing(record: Record, say: Messages) -> Standing:
    """Whether a letter may go to review, the first refusal, and the due date."""
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


def outcome_lines(record: Record, say: Messages) -> tuple[str, ...]:
    """The outcome with who decided, and the comparison with what was recorded."""
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


def score_text(record: Record, say: Messages) -> str | None:
    """Score and cutoff; None where the row could not be scored."""
    outcome = record.outcome
    if outcome is None:
        return None
    scale, score, cutoff = scale_name(outcome, say), measure(outcome.score, say), measure(outcome.cutoff, say)
    text = say("{scale} {score}, cutoff {cutoff}", scale=scale, score=score, cutoff=cutoff)
    return f"{text}; {say('nearer to the cutoff than rounding can tell')}" if outcome.near_cutoff else text


def score_chart(record: Record, say: Messages) -> Markup | None:
    """Reference, cutoff and applicant on the margin's axis; None where the row could not be scored."""
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
