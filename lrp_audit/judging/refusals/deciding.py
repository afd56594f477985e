"""Who decided, and what: states of routing, input, and agreement with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator

from lrp_audit.judging.refusals.findings import Findings
from lrp_audit.judging.refusals.recorded import allowed, means_refusal, reproduced
from lrp_audit.language.display import scale_name
from lrp_audit.language.messages import Messages
from lrp_audit.language.wording import SUPPLIED
from lrp_audit.records.record import Outcome, Refusal


def decided_elsewhere(findings: Findings) -> Refusal | None:
    """DECIDED_BY_RULE, DECIDED_BY_HUMAN: that component's outcome or reasons are missing, or cannot be printed.

    Attribution is never used in their place (RS-04, RS-05).
    """
    decision = findings.case.decision
    adverse = None if decision.recorded.outcome is None else recorded_adverse(findings, decision.recorded.outcome)
    if adverse is False:
        return None
    say, problems = findings.say, list(_supplied_problems(findings))
    if decision.recorded.outcome is not None and adverse is None:
        problems.append(say("the recorded outcome '{label}' is not a known label", label=decision.recorded.outcome))
    if not problems:
        return None
    by_rule, listed = decision.decided_by == "rule", "; ".join(problems)
    step = say(
        "Supply the specific factors that decided, in the column of {key}, and name the outcomes that mean refusal in "
        "decision.recorded_adverse.",
        key=SUPPLIED,
    )
    return Refusal(
        state="DECIDED_BY_RULE" if by_rule else "DECIDED_BY_HUMAN",
        rule="RS-04, RS-05" if by_rule else "RS-04",
        evidence=say("Decided by a rule, not by the score: {listed}.", listed=listed)
        if by_rule
        else say("Decided by a person, not by the score: {listed}.", listed=listed),
        next_step=f"{step} {findings.draft}",
    )


def _supplied_problems(findings: Findings) -> Iterator[str]:
    if not findings.words:
        yield findings.say("no reasons were supplied")
    for word in findings.words:
        if why := findings.fault(word.text):
            yield findings.say("the supplied reason '{text}' {why}", text=word.text, why=why)


def invalid_input(findings: Findings) -> Refusal | None:
    """INVALID_INPUT: the row cannot be scored, or a fact of it cannot be true."""
    say, case = findings.say, findings.case
    problems = [case.problem] if case.problem else []
    if case.outcome is None and not problems:
        problems = [say("the row could not be scored")]
    bureau, scale = case.decision.bureau, findings.config.credit_score
    score = bureau.score
    if score is not None and not bureau.report_used:
        problems.append(say("a credit score is given, and no consumer report is recorded as used (US-08, US-09)"))
    if score is not None and scale is not None and not scale.low <= score <= scale.high:
        low, high = scale.low, scale.high
        problems.append(
            say("the credit score {score} lies outside its range of {low} to {high}", score=score, low=low, high=high)
        )
    if not problems:
        return None
    return Refusal(
        state="INVALID_INPUT",
        rule="G-01, G-02",
        evidence=say("Invalid: {listed}.", listed="; ".join(problems)),
        next_step=say("Correct the value in the data, or the range or column in audit.toml, and run again."),
    )


def decision_not_reproduced(findings: Findings) -> Refusal | None:
    """DECISION_NOT_REPRODUCED: recorded outcome, score or model version differ from what the model computes."""
    say, outcome = findings.say, findings.case.outcome
    differences = [] if outcome is None else list(_differences(findings, outcome))
    if not differences:
        return None
    step = say(
        "Explain the model version, data and cutoff that decided; for rounded recorded scores set "
        "checks.score_tolerance, for other outcome labels decision.recorded_adverse."
    )
    return Refusal(
        state="DECISION_NOT_REPRODUCED",
        rule="G-01",
        evidence=say("Recorded and recomputed differ: {listed}.", listed="; ".join(differences)),
        next_step=f"{step} {findings.draft}",
    )


def _differences(findings: Findings, outcome: Outcome) -> Iterator[str]:
    say, recorded, model = findings.say, findings.case.decision.recorded, findings.case.model
    score = outcome.score if outcome.estimator_score is None else outcome.estimator_score
    adverse = None if recorded.outcome is None else recorded_adverse(findings, recorded.outcome)
    if recorded.outcome is not None and adverse is not outcome.adverse:
        label = f"'{recorded.outcome}'"
        yield say(
            "outcome recorded {label}, computed {computed} ({scale} {score}, cutoff {cutoff})",
            label=label if adverse is not None else say("{label} (not a known label)", label=label),
            computed=say("adverse") if outcome.adverse else say("not adverse"),
            scale=scale_name(outcome, say),
            score=say.number(score, ".12g"),
            cutoff=say.number(outcome.cutoff, ".12g"),
        )
    tolerance = findings.case.tolerance
    if recorded.score is not None and not reproduced(recorded.score, score, findings.config, tolerance):
        yield say(
            "score recorded {recorded}, computed {computed} (tolerance {allowed})",
            recorded=say.number(recorded.score, ".12g"),
            computed=say.number(score, ".12g"),
            allowed=say.number(allowed(score, findings.config, tolerance), ".2g"),
        )
    if recorded.model_version is not None and recorded.model_version != model.version:
        yield say(
            "model version recorded '{recorded}', explained '{explained}'",
            recorded=recorded.model_version,
            explained=model.version or say("not supplied"),
        )


def recorded_adverse(findings: Findings, label: str) -> bool | None:
    """Whether a recorded outcome means refusal; None for a label that is neither."""
    return means_refusal(label, findings.case.model, findings.config.decision)


def not_adverse(findings: Findings) -> Refusal | None:
    """NOT_ADVERSE: no adverse action was taken, so no notice of one is due (1002.2(c))."""
    say, case = findings.say, findings.case
    if case.standing == "routed":
        recorded = case.decision.recorded.outcome
        if recorded is None or recorded_adverse(findings, recorded) is not False:
            return None
        evidence = say("The recorded outcome is '{label}'.", label=recorded)
    else:
        if case.outcome is None:
            return None
        evidence = approved_side(case.outcome, say)
    return Refusal(
        state="NOT_ADVERSE",
        rule="2.1",
        evidence=evidence,
        next_step=say("No adverse action notice is due; the internal audit explains the decision."),
    )


def approved_side(outcome: Outcome, say: Messages) -> str:
    """The evidence of NOT_ADVERSE where the score decided."""
    return say(
        "The score is on the approved side of the cutoff: {scale} {score}, cutoff {cutoff}.",
        scale=scale_name(outcome, say),
        score=say.number(outcome.score, ".6g"),
        cutoff=say.number(outcome.cutoff, ".6g"),
    )
