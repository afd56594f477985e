"""What the forms of the US notice need besides: a counteroffer, missing information, the right to ask for reasons."""

from __future__ import annotations

from collections.abc import Iterator

from lrp_audit.judging.refusals.deciding import recorded_adverse
from lrp_audit.judging.refusals.findings import Findings
from lrp_audit.language.phrasebook import first_fault
from lrp_audit.records.record import Refusal


def notice_contradicts(findings: Findings) -> Refusal | None:
    """INVALID_INPUT: facts of a counteroffer or of missing information contradict others, or cannot be printed."""
    say, problems = findings.say, list(_contradictions(findings))
    if not problems:
        return None
    return Refusal(
        state="INVALID_INPUT",
        rule="US-11, 1002.9(c), G-06",
        evidence=say("Invalid: {listed}.", listed="; ".join(problems)),
        next_step=say("Correct the value in the data, or the column in [facts] of audit.toml, and run again."),
    )


def _contradictions(findings: Findings) -> Iterator[str]:
    say, facts = findings.say, findings.case.decision
    for text in (*facts.counteroffer.terms, *facts.incompleteness.items):
        if why := first_fault(text, findings.phrases.anywhere, say):
            yield say("the text '{text}' {why}", text=text, why=why)
    notice, until, by = facts.dates.notice, facts.counteroffer.accept_by, facts.incompleteness.respond_by
    if facts.action == "counteroffer" and until is not None and notice is not None and until <= notice:
        yield say(
            "the counteroffer ends on {until}, which is not after the notice of {notice}",
            until=say.date(until),
            notice=say.date(notice),
        )
    if facts.action != "incomplete":
        return
    if by is not None and notice is not None and by <= notice:
        yield say(
            "missing information is needed by {by}, which is not after the notice of {notice}",
            by=say.date(by),
            notice=say.date(notice),
        )
    outcome = facts.recorded.outcome
    if outcome is not None and recorded_adverse(findings, outcome):
        yield say(
            "the recorded outcome '{label}' is a refusal, and a notice of missing information is none", label=outcome
        )
    if facts.decided_reasons:
        yield say("reasons are given for an application that is recorded as incomplete and not decided")


def notice_facts_missing(findings: Findings) -> Refusal | None:
    """PROVENANCE_INCOMPLETE: an offer without terms or end, a request for nothing, or not the primary applicant."""
    say, missing = findings.say, list(_missing(findings))
    if not missing:
        return None
    return Refusal(
        state="PROVENANCE_INCOMPLETE",
        rule="G-02, US-11, US-12, 1002.9(c)(2)",
        evidence=say("Missing: {listed}.", listed=", ".join(what for what, _ in missing)),
        next_step=f"{say('Supply: {listed}.', listed=', '.join(key for _, key in missing))} {findings.draft}",
    )


def _missing(findings: Findings) -> Iterator[tuple[str, str]]:
    say, facts = findings.say, findings.case.decision
    needed: list[tuple[object, str, str]] = [
        (facts.primary_applicant, say("name and address of the primary applicant"), "facts.name, facts.address"),
    ]
    if facts.action == "counteroffer":
        needed.append((facts.counteroffer.terms, say("terms of the counteroffer"), "facts.counteroffer_terms"))
        needed.append((facts.counteroffer.accept_by, say("end of the counteroffer"), "facts.counteroffer_accept_by"))
    if facts.action == "incomplete":
        needed.append((facts.incompleteness.items, say("information that is missing"), "facts.missing_items"))
        needed.append((facts.incompleteness.respond_by, say("date by which it is needed"), "facts.respond_by"))
    yield from ((what, key) for value, what, key in needed if not value)


def reasons_office_missing(findings: Findings) -> Refusal | None:
    """MISSING_LEGAL_TEXT: reasons are given on request, and nobody is named to ask (US-06)."""
    say, institution = findings.say, findings.config.institution
    on_request = findings.config.documents.reasons == "on-request"
    if not on_request or institution is None or (institution.contact and institution.telephone):
        return None
    lacking = [key for key in ("contact", "telephone") if not getattr(institution, key)]
    missing = say(
        "{listed}, the office that gives the reasons on request",
        listed=", ".join(f"institution.{key}" for key in lacking),
    )
    return Refusal(
        state="MISSING_LEGAL_TEXT",
        rule="US-06",
        evidence=say("Missing: {listed}.", listed=missing),
        next_step=f"{say('Complete [institution] of audit.toml.')} {findings.draft}",
    )


def incompleteness_as_reason(findings: Findings) -> Refusal | None:
    """UNMAPPED_PRINCIPAL_REASON: a score was computed, so there was enough data, and incompleteness is no reason."""
    say = findings.say
    said = [f"'{word.text}' {why}" for word in findings.words if (why := findings.ready.incomplete(word.text))]
    if not said:
        return None
    step = say('State the factor that was scored; to ask for what is missing, record the action as "incomplete".')
    return Refusal(
        state="UNMAPPED_PRINCIPAL_REASON",
        rule="US-06, 1002.9(c)",
        evidence=say("Without a usable statement: {listed}.", listed="; ".join(said)),
        next_step=f"{step} {findings.draft}",
    )


def notice_flags(findings: Findings) -> Iterator[str]:
    """What a reviewer should see of a notice of missing information, or of a rule's decision that names it."""
    say, case = findings.say, findings.case
    if case.outcome is None:
        return
    if case.standing == "incomplete":
        yield say("The model could score this row: there may be enough data to decide (comment 9(a)(1)-4).")
    elif case.standing == "routed" and any(findings.ready.incomplete(word.text) for word in findings.words):
        yield say(
            "A reason names missing information, and the model could score this row: with enough data to decide, "
            "that is no reason (comment 9(a)(1)-4)."
        )
