"""What may not be behind a decision: prohibited bases, special categories of data, and age (G-04, RS-12)."""

from __future__ import annotations

from typing import Literal

from lrp_audit.record import Refusal, RefusalState
from lrp_audit.refusals.findings import Findings
from lrp_audit.wording import prohibited_term

OLDER_APPLICANT = 62  # 12 CFR 1002.2(o)


def prohibited_basis(findings: Findings) -> Refusal | None:
    """PROHIBITED_BASIS_INFLUENTIAL: a prohibited basis is among the would-be reasons, or holds too large a share."""
    evidence = _influence(findings, "prohibited")
    evidence += [
        f"'{word.text}' {why}" for word in findings.words if (why := prohibited_term(word.text, findings.phrases))
    ]
    return _stopped(findings, "PROHIBITED_BASIS_INFLUENTIAL", "G-04, 1002.6(b)(1)", evidence)


def special_category(findings: Findings) -> Refusal | None:
    """SPECIAL_CATEGORY_INFLUENTIAL: the same for special categories of data (regulations, 3.4)."""
    evidence = _influence(findings, "special")
    return _stopped(findings, "SPECIAL_CATEGORY_INFLUENTIAL", "G-04, 3.4", evidence)


def _influence(findings: Findings, kind: Literal["prohibited", "special"]) -> list[str]:
    columns, limit = findings.protected(kind), findings.config.checks.protected_share
    evidence = [f"reason {rank} would be '{item.label}'" for rank, item in findings.ranks(columns).items()]
    share = findings.share(columns)
    if share > 0 and share >= limit:
        names = ", ".join(f"'{item.column}'" for item in columns if item.relevance > 0)
        evidence.append(f"{names} holds {share:.1%} of what counts against the applicant (limit {limit:.1%})")
    return evidence


def _stopped(findings: Findings, state: RefusalState, rule: str, evidence: list[str]) -> Refusal | None:
    if not evidence:
        return None
    return Refusal(
        state=state,
        rule=rule,
        evidence=f"Protected data are influential: {'; '.join(evidence)}.",
        next_step="Escalate to compliance: the decision itself needs review, and other wording does not resolve it.",
    )


def age_62(findings: Findings) -> Refusal | None:
    """AGE_62_NEGATIVE: age counts against an applicant of 62 or more, or of an age that is not known (RS-12)."""
    columns = [item for item in findings.protected("age") if item.relevance > findings.floor]
    age = findings.case.decision.age
    if not columns or (age is not None and age < OLDER_APPLICANT):
        return None
    names = ", ".join(f"'{item.column}' counts {item.relevance:+.4g}" for item in columns)
    known = "age is not known, so the check for 62 and older cannot pass" if age is None else f"age is {age:.4g}"
    step = "Name the column with the age in facts.age." if age is None else "Escalate to compliance."
    return Refusal(
        state="AGE_62_NEGATIVE",
        rule="RS-12, 1002.6(b)(2)",
        evidence=f"{names} against the applicant, whose {known}.",
        next_step=f"{step} The decision itself needs review if age counted against an applicant of 62 or more.",
    )


def age_among_reasons(findings: Findings) -> Refusal | None:
    """PROHIBITED_BASIS_INFLUENTIAL under RS-12: age is a principal reason below 62, which counsel must approve."""
    age = findings.case.decision.age
    ranks = findings.ranks(findings.protected("age"))
    if not ranks or (age is not None and age >= OLDER_APPLICANT):
        return None
    listed = ", ".join(f"reason {rank} would be '{item.label}'" for rank, item in ranks.items())
    return Refusal(
        state="PROHIBITED_BASIS_INFLUENTIAL",
        rule="RS-12",
        evidence=f"Age is a principal reason: {listed}.",
        next_step="Counsel decides whether this system may score age and how the notice must disclose it.",
    )
