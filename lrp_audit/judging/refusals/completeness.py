"""Whether everything that a letter states is there: the comparison, the facts, the hashes, the legal texts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from lrp_audit.judging.refusals.findings import Findings
from lrp_audit.language.texts import federal_agencies
from lrp_audit.records.record import Refusal

MINIMUM_POPULATION = 50  # G-07


def reference_missing(findings: Findings) -> Refusal | None:
    """REFERENCE_MISSING_OR_STALE: nobody to compare with, too few, of no known date, or of too long ago."""
    say, reference, section = findings.say, findings.case.reference, findings.config.reference
    decided = findings.case.decision.dates.decision
    if findings.config.text is not None:
        return None  # a text is explained from zero; `reasons` flags that nobody stands behind the comparison
    if reference is None or reference.name == "zero":
        problem = say("There is no population to compare with.")
        step = say('In audit.toml, set reference.population to "near_cutoff".')
    elif reference.population < MINIMUM_POPULATION:
        problem = say.plural(
            "{count} person stands behind the reference, at least {least} are needed.",
            "{count} people stand behind the reference, at least {least} are needed.",
            reference.population,
            least=MINIMUM_POPULATION,
        )
        step = say("In audit.toml, name more data in reference.data.")
    elif reference.date is None:
        problem = say("The date of the reference is not known.")
        step = say("In audit.toml, set reference.date to the date of that data.")
    elif decided is not None and decided - reference.date > dt.timedelta(days=section.max_age_days):
        problem = say.plural(
            "The reference is {count} day older than the decision of {date} (limit {limit}).",
            "The reference is {count} days older than the decision of {date} (limit {limit}).",
            (decided - reference.date).days,
            date=say.date(decided),
            limit=section.max_age_days,
        )
        step = say("In audit.toml, name newer data in reference.data and reference.date.")
    else:
        return None
    return Refusal(
        state="REFERENCE_MISSING_OR_STALE",
        rule="RS-06, RS-07, G-07",
        evidence=problem,
        next_step=f"{step} {findings.draft}",
    )


def provenance_incomplete(findings: Findings) -> Refusal | None:
    """PROVENANCE_INCOMPLETE: a fact the letter or its record rests on is missing, and none is ever invented."""
    say = findings.say
    missing = [*_missing_facts(findings), *(missing_hashes(findings) if findings.case.standing == "adverse" else ())]
    if not missing:
        return None
    supply = say("Supply: {listed}.", listed=", ".join(how for _, how in missing))
    return Refusal(
        state="PROVENANCE_INCOMPLETE",
        rule="G-02, G-08, US-01",
        evidence=say("Missing: {listed}.", listed=", ".join(what for what, _ in missing)),
        next_step=f"{supply} {findings.draft}",
    )


def _missing_facts(findings: Findings) -> Iterator[tuple[str, str]]:
    say, case, facts = findings.say, findings.case, findings.case.decision
    needed = [
        (facts.dates.decision, say("decision date"), "facts.decision_date"),
        (facts.dates.notice, say("notice date"), "--as-of"),
        (case.addressee.name, say("applicant's name"), "facts.name"),
        (case.addressee.address, say("applicant's address"), "facts.address"),
        (facts.product, say("product applied for"), "facts.product"),
    ]
    if case.standing == "routed":
        needed.append((facts.recorded.outcome, say("recorded outcome"), "facts.outcome"))
    if facts.bureau.score is not None:
        needed.append((facts.bureau.score_date, say("date of the credit score"), "facts.bureau_score_date"))
        needed.append((facts.bureau.key_factors, say("key factors of the credit score"), "facts.bureau_key_factors"))
    yield from ((what, key) for value, what, key in needed if not value)


def missing_hashes(findings: Findings) -> Iterator[tuple[str, str]]:
    """What is not known of model and reference: what, and how to supply it."""
    say, model, reference = findings.say, findings.case.model, findings.case.reference
    needed = [
        (model.version, say("model version"), "model.version"),
        (model.file_sha256, say("hash of the model file"), say("the model as a file")),
        (model.weights_sha256, say("hash of the weights"), say("the model as a file")),
        (reference is None or reference.sha256, say("hash of the reference"), "reference.data"),
    ]
    yield from ((what, key) for value, what, key in needed if not value)


def missing_legal_text(findings: Findings) -> Refusal | None:
    """MISSING_LEGAL_TEXT: wording is not approved, or a block of the notice has nothing to print."""
    say, missing = findings.say, [*_missing_approval(findings), *_missing_blocks(findings)]
    if not missing:
        return None
    complete = say("Complete these sections of audit.toml; the wording is approved by [approval].")
    return Refusal(
        state="MISSING_LEGAL_TEXT",
        rule="G-11, US-03, US-05, US-08, US-09",
        evidence=say("Missing: {listed}.", listed="; ".join(missing)),
        next_step=f"{complete} {findings.draft}",
    )


def _missing_approval(findings: Findings) -> Iterator[str]:
    say, approval = findings.say, findings.config.approval
    if approval is None:
        yield say("[approval], by whom and when the wording was approved")
    elif approval.texts_version not in {None, findings.texts.version}:
        yield say(
            "approval of the legal texts {shipped}, where approval.texts_version is {approved}",
            shipped=findings.texts.version,
            approved=approval.texts_version,
        )


def _missing_blocks(findings: Findings) -> Iterator[str]:
    say, config, bureau = findings.say, findings.config, findings.case.decision.bureau
    if config.institution is None:
        yield say("[institution], name and address of the creditor (US-03)")
    if findings.case.standing == "incomplete":
        return  # no adverse action, so no disclosures
    agencies = federal_agencies()
    named = None if config.institution is None else config.institution.agency
    if config.agency is None and named not in agencies:
        known = ", ".join(agencies)
        given = say("not supplied") if named is None else f"'{named}'"
        yield say("[agency], or institution.agency as one of {known} (US-05; now: {given})", known=known, given=given)
    reporting = config.consumer_reporting_agency
    if bureau.report_used and reporting is None:
        yield say("[consumer_reporting_agency], whose report was used (US-08)")
    elif bureau.report_used and reporting is not None and not reporting.telephone:
        yield say("consumer_reporting_agency.telephone (US-08)")
    if bureau.score is not None and config.credit_score is None:
        yield say("[credit_score], source and range of the score used (US-09)")
