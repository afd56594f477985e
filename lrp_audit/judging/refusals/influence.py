"""What may not be behind a decision: prohibited bases, special categories of data, and age (G-04, RS-12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from lrp_audit.judging.case import Scored
from lrp_audit.judging.refusals.findings import Findings
from lrp_audit.records.record import Refusal, RefusalState

OLDER_APPLICANT = 62  # 12 CFR 1002.2(o)


def prohibited_basis(findings: Findings) -> Refusal | None:
    """PROHIBITED_BASIS_INFLUENTIAL: a prohibited basis is among the would-be reasons, or holds too large a share."""
    evidence = _influence(findings, "prohibited")
    for word in findings.words:
        if why := findings.ready.prohibited(word.text):
            evidence.append(f"'{word.text}' {why}")
    return stopped(findings, "PROHIBITED_BASIS_INFLUENTIAL", "G-04, 1002.6(b)(1)", evidence)


def special_category(findings: Findings) -> Refusal | None:
    """SPECIAL_CATEGORY_INFLUENTIAL: the same for special categories of data (regulations, 3.4)."""
    evidence = _influence(findings, "special")
    return stopped(findings, "SPECIAL_CATEGORY_INFLUENTIAL", "G-04, 3.4", evidence)


def _influence(findings: Findings, kind: Literal["prohibited", "special"]) -> list[str]:
    say, columns, limit = findings.say, findings.protected(kind), findings.config.checks.protected_share
    if not columns:
        return []
    evidence = _would_be(findings, columns)
    share = findings.share(columns)
    if share > 0 and share >= limit:
        names = ", ".join(f"'{item.column}'" for item in columns if item.relevance > 0)
        evidence.append(
            say(
                "{names}: {share} of what counts against the applicant (limit {limit})",
                names=names,
                share=say.percent(share, 1),
                limit=say.percent(limit, 1),
            )
        )
    return evidence


def _would_be(findings: Findings, columns: Iterable[Scored]) -> list[str]:
    """The stated reasons that protected columns are in."""
    return [
        findings.say("reason {rank} would be '{label}'", rank=rank, label=item.label)
        for rank, item in findings.ranks(columns).items()
    ]


def stopped(findings: Findings, state: RefusalState, rule: str, evidence: list[str]) -> Refusal | None:
    """The refusal for protected data that are influential; None where there is no evidence of it."""
    if not evidence:
        return None
    say = findings.say
    return Refusal(
        state=state,
        rule=rule,
        evidence=say("Protected data are influential: {listed}.", listed="; ".join(evidence)),
        next_step=say(
            "Escalate to compliance: the decision itself needs review, and other wording does not resolve it."
        ),
    )


def age_62(findings: Findings) -> Refusal | None:
    """AGE_62_NEGATIVE: age counts against an applicant of 62 or more, or of an age that is not known (RS-12)."""
    say, age = findings.say, findings.case.decision.age
    columns = [item for item in findings.protected("age") if item.relevance > findings.floor]
    if not columns or (age is not None and age < OLDER_APPLICANT):
        return None
    listed = ", ".join(f"'{item.column}' {say.number(item.relevance, '+.4g')}" for item in columns)
    review = say("The decision itself needs review if age counted against an applicant of 62 or more.")
    if age is None:
        evidence = say(
            "Age counts against the applicant ({listed}); it is not known, so the check for 62 and older cannot pass.",
            listed=listed,
        )
        step = say("Name the column with the age in facts.age.")
    else:
        evidence = say(
            "Age counts against the applicant ({listed}), whose age is {age}.",
            listed=listed,
            age=say.number(age, ".4g"),
        )
        step = say("Escalate to compliance.")
    return Refusal(
        state="AGE_62_NEGATIVE",
        rule="RS-12, 1002.6(b)(2)",
        evidence=evidence,
        next_step=f"{step} {review}",
    )


def age_among_reasons(findings: Findings) -> Refusal | None:
    """PROHIBITED_BASIS_INFLUENTIAL under RS-12: age is a principal reason below 62, which counsel must approve."""
    say, age = findings.say, findings.case.decision.age
    listed = _would_be(findings, findings.protected("age"))
    if not listed or (age is not None and age >= OLDER_APPLICANT):
        return None
    return Refusal(
        state="PROHIBITED_BASIS_INFLUENTIAL",
        rule="RS-12",
        evidence=say("Age is a principal reason: {listed}.", listed=", ".join(listed)),
        next_step=say("Counsel decides whether this system may score age and how the notice must disclose it."),
    )
