"""Whether the explanation carries its reasons, and whether there are words for them."""

from __future__ import annotations

from lrp_audit.judging.refusals.findings import Findings
from lrp_audit.records.record import Refusal


def no_adverse_contribution(findings: Findings) -> Refusal | None:
    """NO_ADVERSE_CONTRIBUTION: nothing counts against the applicant in this comparison."""
    if findings.stated:
        return None
    say = findings.say
    largest = max((item.relevance for item in findings.families), default=0.0)
    return Refusal(
        state="NO_ADVERSE_CONTRIBUTION",
        rule="RS-08",
        evidence=say.plural(
            "The {count} family does not count against the applicant; its sum is {largest}.",
            "None of {count} families counts against the applicant; the largest sum is {largest}.",
            len(findings.families),
            largest=say.number(largest, "+.4g"),
        ),
        next_step=say(
            "Compare with another population in reference.population, and check decision.adverse and the cutoff."
        ),
    )


def unfaithful(findings: Findings) -> Refusal | None:
    """UNFAITHFUL_EXPLANATION: putting the stated reasons back lowers the margin less than random families do.

    So is an explanation that nothing was measured of, although it could have been: a letter states as principal
    reasons only what was seen to carry the decision (G-02, RS-02).
    """
    case, unchecked = findings.case, findings.config.checks.level == "none"
    compared = case.reference is not None and case.reference.members > 0
    measured = case.faithfulness
    if measured is None and not compared and not unchecked:
        return None  # nobody to put back to
    if not findings.stated or len(findings.stated) == len(findings.families):
        return None  # nothing but the stated families to compare with
    if measured is not None and measured.stated >= measured.random - 1e-9 * (
        abs(measured.stated) + abs(measured.random)
    ):
        return None
    say = findings.say
    evidence = say("The effect of the stated reasons was not measured.")
    if measured is not None:
        evidence = say(
            "With the stated reasons put back the adverse margin falls by {stated}, with as many random families by "
            "{random}.",
            stated=say.number(measured.stated, ".4g"),
            random=say.number(measured.random, ".4g"),
        )
    step = say('Raise reference.members or use explanation.rules = "lrp0"; review the decision by hand meanwhile.')
    if unchecked:
        step = say('Set checks.level to "letter" in audit.toml and run again.')
    return Refusal(
        state="UNFAITHFUL_EXPLANATION",
        rule="RS-02, RS-03",
        evidence=evidence,
        next_step=f"{step} {findings.draft}",
    )


def contradictory(findings: Findings) -> Refusal | None:
    """CONTRADICTORY_REASONS: two statements are the same, or opposites about one thing."""
    pairs = findings.ready.contradictions(tuple(word.text for word in findings.words if word.text))
    if not pairs:
        return None
    say = findings.say
    quoted = [say("'{first}' and '{second}'", first=first, second=second) for first, second in pairs]
    step = say("Put the columns behind them into one family, with one statement.")
    return Refusal(
        state="CONTRADICTORY_REASONS",
        rule="2.6, RS-08",
        evidence=say("Statements repeat or contradict each other: {listed}.", listed="; ".join(quoted)),
        next_step=f"{step} {findings.draft}",
    )


def unmapped(findings: Findings) -> Refusal | None:
    """UNMAPPED_PRINCIPAL_REASON: a stated family has no approved statement, or one that no reason may make.

    A statement with a forbidden phrase counts as none: it does not state the factor (1002.9(b)(2)), and the closest
    match is not enough (RS-10).
    """
    say, problems = findings.say, []
    for rank, (family, word) in enumerate(zip(findings.stated, findings.words, strict=True), start=1):
        why = findings.fault(word.text) if word.text else say("has no statement")
        if why and family.family not in findings.guarded_families:
            named = say("reason {rank} '{label}' ({key})", rank=rank, label=family.label, key=word.key)
            problems.append(" ".join((named, *([f"'{word.text}'"] if word.text else []), why)))
    if not problems:
        return None
    step = say("Write and approve the statement under that key of audit.toml.")
    return Refusal(
        state="UNMAPPED_PRINCIPAL_REASON",
        rule="RS-10, 2.6",
        evidence=say("Without a usable statement: {listed}.", listed="; ".join(problems)),
        next_step=f"{step} {findings.draft}",
    )
