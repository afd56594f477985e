"""The forms of the US notice in its languages, rendered once per run."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import records

from lrp_audit import report
from lrp_audit.language import texts
from lrp_audit.records.record import Counteroffer, DecisionFacts, Incompleteness, Record
from lrp_audit.settings.config import AuditConfig

LANGUAGES = ("en", "es")
OFFER = Counteroffer(terms=("$6,000", "36 months", "11.9% annual percentage rate"), accept_by=dt.date(2026, 12, 20))
MISSING = Incompleteness(
    items=("Pay stubs of the last three months", "Copy of the purchase contract"), respond_by=dt.date(2026, 12, 15)
)
FORMS = ("denial", "everything", "counteroffer", "on request", "oral", "incomplete", "third party")


def settings(language: str = "en", **documents: Any) -> AuditConfig:
    """The settings of tests, in a language, with `[documents]` changed."""
    whole = records.config()
    documents["language"] = language
    return whole.model_copy(update={"documents": whole.documents.model_copy(update=documents)})


def case(form: str, language: str) -> tuple[Record, AuditConfig]:
    """The record and the settings of a form."""
    config = settings(language)
    if form == "everything":
        return _record(language, records.decision(bureau=records.full_bureau())), config
    if form == "counteroffer":
        return _record(language, records.decision(action="counteroffer", counteroffer=OFFER)), config
    if form == "on request":
        return _record(language, records.decision()), settings(language, reasons="on-request")
    if form == "oral":
        return _record(language, records.decision()), settings(language, reasons="on-request", oral_reasons=True)
    if form == "incomplete":
        facts = records.decision(action="incomplete", incompleteness=MISSING)
        return records.record(decision=facts, reasons=()), config
    if form == "third party":
        office = config.consumer_reporting_agency
        assert office is not None
        others = tuple(office.model_copy(update={"name": name}) for name in ("First Bank", "Second Bank"))
        return _record(language, records.decision()), config.model_copy(update={"creditors": others})
    return _record(language, records.decision()), config


@cache
def notice(form: str, language: str) -> bytes:
    """The PDF of a form."""
    record, config = case(form, language)
    return report.letter_pdf(record, records.addressee(), config)


def _record(language: str, facts: DecisionFacts) -> Record:
    """A denial whose reasons are worded in the language."""
    whole, samples = records.record(decision=facts), texts.load(language).reasons
    worded = tuple(
        reason.model_copy(update={"text": samples[records.WORDING[reason.family][1]].text}) for reason in whole.reasons
    )
    return whole.model_copy(update={"reasons": worded})
