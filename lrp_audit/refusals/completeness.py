"""Whether everything that a letter states is there: the comparison, the facts, the hashes, the legal texts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from lrp_audit.record import Refusal
from lrp_audit.refusals.findings import DRAFT, Findings

MINIMUM_POPULATION = 50  # G-07


def reference_missing(findings: Findings) -> Refusal | None:
    """REFERENCE_MISSING_OR_STALE: nobody to compare with, too few, of no known date, or of too long ago."""
    reference, section = findings.case.reference, findings.config.reference
    decided = findings.case.decision.dates.decision
    if findings.config.text is not None:
        return None  # a text is explained from zero; `reasons` flags that nobody stands behind the comparison
    if reference is None or reference.name == "zero":
        problem, step = "there is no population to compare with", 'set reference.population to "near_cutoff"'
    elif reference.population < MINIMUM_POPULATION:
        problem = f"{reference.population} people stand behind it, at least {MINIMUM_POPULATION} are needed"
        step = "name more data in reference.data"
    elif reference.date is None:
        problem, step = "its date is not known", "set reference.date to the date of that data"
    elif decided is not None and decided - reference.date > dt.timedelta(days=section.max_age_days):
        age = (decided - reference.date).days
        problem = f"it is {age} days older than the decision of {decided} (limit {section.max_age_days})"
        step = "name newer data in reference.data and reference.date"
    else:
        return None
    return Refusal(
        state="REFERENCE_MISSING_OR_STALE",
        rule="RS-06, RS-07, G-07",
        evidence=f"The reference cannot be used: {problem}.",
        next_step=f"In audit.toml, {step}. {DRAFT}",
    )


def provenance_incomplete(findings: Findings) -> Refusal | None:
    """PROVENANCE_INCOMPLETE: a fact the letter or its record rests on is missing, and none is ever invented."""
    missing = [*_missing_facts(findings), *(_missing_hashes(findings) if findings.case.standing == "adverse" else ())]
    if not missing:
        return None
    return Refusal(
        state="PROVENANCE_INCOMPLETE",
        rule="G-02, G-08, US-01",
        evidence=f"Missing: {', '.join(what for what, _ in missing)}.",
        next_step=f"Supply {', '.join(how for _, how in missing)}. {DRAFT}",
    )


def _missing_facts(findings: Findings) -> Iterator[tuple[str, str]]:
    case, facts = findings.case, findings.case.decision
    needed = [
        (facts.dates.decision, "decision date", "facts.decision_date"),
        (facts.dates.notice, "notice date", "--as-of"),
        (case.addressee.name, "applicant's name", "facts.name"),
        (case.addressee.address, "applicant's address", "facts.address"),
        (facts.product, "product applied for", "facts.product"),
    ]
    if case.standing == "routed":
        needed.append((facts.recorded.outcome, "recorded outcome", "facts.outcome"))
    if facts.bureau.score is not None:
        needed.append((facts.bureau.score_date, "date of the credit score", "facts.bureau_score_date"))
        needed.append((facts.bureau.key_factors, "key factors of the credit score", "facts.bureau_key_factors"))
    yield from ((what, key) for value, what, key in needed if not value)


def _missing_hashes(findings: Findings) -> Iterator[tuple[str, str]]:
    model, reference = findings.case.model, findings.case.reference
    needed = [
        (model.version, "model version", "model.version"),
        (model.file_sha256, "hash of the model file", "the model as a file"),
        (model.weights_sha256, "hash of the weights", "the model as a file"),
        (reference is None or reference.sha256, "hash of the reference", "reference.data"),
    ]
    yield from ((what, key) for value, what, key in needed if not value)


def missing_legal_text(findings: Findings) -> Refusal | None:
    """MISSING_LEGAL_TEXT: wording is not approved, or a block of the notice has nothing to print."""
    missing = [*_missing_approval(findings), *_missing_blocks(findings)]
    if not missing:
        return None
    return Refusal(
        state="MISSING_LEGAL_TEXT",
        rule="G-11, US-03, US-05, US-08, US-09",
        evidence=f"Missing: {'; '.join(missing)}.",
        next_step=f"Complete these sections of audit.toml; the wording is approved by [approval]. {DRAFT}",
    )


def _missing_approval(findings: Findings) -> Iterator[str]:
    approval = findings.config.approval
    if approval is None:
        yield "[approval], by whom and when the wording was approved"
    elif approval.texts_version not in {None, findings.texts.version}:
        approved, shipped = approval.texts_version, findings.texts.version
        yield f"approval of the legal texts {shipped}; approval.texts_version is {approved}"


def _missing_blocks(findings: Findings) -> Iterator[str]:
    config, bureau = findings.config, findings.case.decision.bureau
    if config.institution is None:
        yield "[institution], name and address of the creditor (US-03)"
    named = None if config.institution is None else config.institution.agency
    if config.agency is None and named not in findings.texts.agencies:
        known = ", ".join(findings.texts.agencies)
        yield f"[agency], or institution.agency as one of {known}, not {named!r} (US-05)"
    reporting = config.consumer_reporting_agency
    if bureau.report_used and reporting is None:
        yield "[consumer_reporting_agency], whose report was used (US-08)"
    elif bureau.report_used and reporting is not None and not reporting.telephone:
        yield "consumer_reporting_agency.telephone (US-08)"
    if bureau.score is not None and config.credit_score is None:
        yield "[credit_score], source and range of the score used (US-09)"
