"""Who decided, and what: states of routing, input, and agreement with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator

from lrp_audit.record import Outcome, Refusal
from lrp_audit.refusals.findings import DRAFT, Findings
from lrp_audit.wording import SUPPLIED, fault


def decided_elsewhere(findings: Findings) -> Refusal | None:
    """DECIDED_BY_RULE, DECIDED_BY_HUMAN: that component's outcome or reasons are missing, or cannot be printed.

    Attribution is never used in their place (RS-04, RS-05).
    """
    decision = findings.case.decision
    adverse = None if decision.recorded.outcome is None else recorded_adverse(findings, decision.recorded.outcome)
    if adverse is False:
        return None
    problems = list(_supplied_problems(findings))
    if decision.recorded.outcome is not None and adverse is None:
        problems.append(f"the recorded outcome '{decision.recorded.outcome}' is not a known label")
    if not problems:
        return None
    by_rule = decision.decided_by == "rule"
    return Refusal(
        state="DECIDED_BY_RULE" if by_rule else "DECIDED_BY_HUMAN",
        rule="RS-04, RS-05" if by_rule else "RS-04",
        evidence=f"Decided by a {'rule' if by_rule else 'person'}, not by the score: {'; '.join(problems)}.",
        next_step=f"Supply the specific factors that decided, in the column of {SUPPLIED}, and name the outcomes that "
        f"mean refusal in decision.recorded_adverse. {DRAFT}",
    )


def _supplied_problems(findings: Findings) -> Iterator[str]:
    if not findings.words:
        yield "no reasons were supplied"
    for word in findings.words:
        if why := fault(word.text, findings.columns, findings.phrases):
            yield f"the supplied reason '{word.text}' {why}"


def invalid_input(findings: Findings) -> Refusal | None:
    """INVALID_INPUT: the row cannot be scored, or a fact of it cannot be true."""
    case = findings.case
    problems = [case.problem] if case.problem else []
    if case.outcome is None and not problems:
        problems = ["the row could not be scored"]
    bureau, scale = case.decision.bureau, findings.config.credit_score
    score = bureau.score
    if score is not None and not bureau.report_used:
        problems.append("a credit score is given, and no consumer report is recorded as used (US-08, US-09)")
    if score is not None and scale is not None and not scale.low <= score <= scale.high:
        problems.append(f"the credit score {score} lies outside its range of {scale.low} to {scale.high}")
    if not problems:
        return None
    return Refusal(
        state="INVALID_INPUT",
        rule="G-01, G-02",
        evidence=f"Invalid: {'; '.join(problems)}.",
        next_step="Correct the value in the data, or the range or column in audit.toml, and run again.",
    )


def decision_not_reproduced(findings: Findings) -> Refusal | None:
    """DECISION_NOT_REPRODUCED: recorded outcome, score or model version differ from what the model computes."""
    outcome = findings.case.outcome
    differences = [] if outcome is None else list(_differences(findings, outcome))
    if not differences:
        return None
    return Refusal(
        state="DECISION_NOT_REPRODUCED",
        rule="G-01",
        evidence=f"Recorded and recomputed differ: {'; '.join(differences)}.",
        next_step="Explain the model version, data and cutoff that decided; for rounded recorded scores set "
        f"checks.score_tolerance, for other outcome labels decision.recorded_adverse. {DRAFT}",
    )


def _differences(findings: Findings, outcome: Outcome) -> Iterator[str]:
    recorded, model = findings.case.decision.recorded, findings.case.model
    score = outcome.score if outcome.estimator_score is None else outcome.estimator_score
    adverse = None if recorded.outcome is None else recorded_adverse(findings, recorded.outcome)
    if recorded.outcome is not None and adverse is not outcome.adverse:
        computed = "adverse" if outcome.adverse else "not adverse"
        yield (
            f"outcome recorded '{recorded.outcome}'{'' if adverse is not None else ' (not a known label)'}, computed "
            f"{computed} ({outcome.cutoff_on} {score:.12g}, cutoff {outcome.cutoff:.12g})"
        )
    if recorded.score is not None:
        allowed = findings.config.checks.score_tolerance
        if allowed is None:
            allowed = findings.case.tolerance * max(1.0, abs(score))
        if not abs(recorded.score - score) <= allowed:
            yield f"score recorded {recorded.score:.12g}, computed {score:.12g} (tolerance {allowed:.2g})"
    if recorded.model_version is not None and recorded.model_version != model.version:
        yield f"model version recorded '{recorded.model_version}', explained '{model.version or 'not supplied'}'"


def recorded_adverse(findings: Findings, label: str) -> bool | None:
    """Whether a recorded outcome means refusal; None for a label that is neither."""
    named, model = findings.config.decision.recorded_adverse, findings.case.model
    if named:
        return any(_same_label(label, other) for other in named)
    if _same_label(label, model.adverse):
        return True
    return False if any(_same_label(label, other) for other in model.classes or ("above", "below")) else None


def _same_label(first: str, second: str) -> bool:
    """Equal as text, or as numbers: tables turn the class 1 into 1.0."""
    try:
        return float(first) == float(second)
    except ValueError:
        return first.strip() == second.strip()


def not_adverse(findings: Findings) -> Refusal | None:
    """NOT_ADVERSE: no adverse action was taken, so no notice of one is due (1002.2(c))."""
    case = findings.case
    if case.standing == "routed":
        recorded = case.decision.recorded.outcome
        if recorded is None or recorded_adverse(findings, recorded) is not False:
            return None
        evidence = f"The recorded outcome is '{recorded}'."
    else:
        if case.outcome is None:
            return None
        evidence = f"The {case.outcome.cutoff_on} {case.outcome.score:.6g} is on the approved side of the cutoff "
        evidence += f"{case.outcome.cutoff:.6g}."
    return Refusal(
        state="NOT_ADVERSE",
        rule="2.1",
        evidence=evidence,
        next_step="No adverse action notice is due; the internal audit explains the decision.",
    )
