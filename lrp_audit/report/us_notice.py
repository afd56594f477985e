"""What the US adverse action notice prints (12 CFR 1002.9, Form C-3): one page, from record, addressee and settings.

Legal wording comes from `templates/texts` and audit.toml, never from here (G-11). The letter holds no relevance, no
percentage and no column name (regulations, 2.6).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from markupsafe import Markup

from lrp_audit import texts
from lrp_audit.config import AuditConfig
from lrp_audit.errors import ReportError
from lrp_audit.record import Addressee, BureauFacts, Record, Refusal
from lrp_audit.report.contacts import Contact, contact
from lrp_audit.report.formats import long_date
from lrp_audit.report.slots import Gap, Slot, Slots, filled
from lrp_audit.texts import Texts

FOLDER = "us-notice"
LANGUAGES = ("en",)
_KEY_FACTORS = 4  # 15 USC 1681g(f)(1)(C); inquiries come on top, 1681g(f)(9)


@dataclass(frozen=True)
class ScoreBlock:
    """US-09. The key factors are the score's own and stand apart from the reasons."""

    intro: Markup
    value: Markup
    factors_intro: str
    factors: tuple[Slot, ...]


@dataclass(frozen=True)
class NoticeContext:
    """Everything the notice prints, in its order; US-01 to US-10."""

    language: str
    draft: bool
    creditor: Contact
    date: Slot
    name: Slot
    address: tuple[Slot, ...]
    applied_on: str | None
    product: Slot
    amount: str | None
    action: str
    explanation: str | None  # how the score came about; None where a rule or a person decided
    reasons_intro: str
    reasons: tuple[Slot, ...]
    questions: str
    report: str | None
    report_agency: Contact | None
    score: ScoreBlock | None
    outside_information: str | None
    ecoa: Markup
    refusals: tuple[Refusal, ...]
    gaps: tuple[Gap, ...]


def context(record: Record, addressee: Addressee, config: AuditConfig, *, draft: bool) -> NoticeContext:
    """What the notice prints, gaps included.

    Raises:
        ReportError: the notice does not exist in the language.
        ConfigError: there are no texts in it.
    """
    slots, legal, decision = Slots(), _texts(config), record.decision
    scored = decision.decided_by == "score"
    compared = scored and (record.reference is None or record.reference.members > 0)  # with other applicants
    creditor = contact(config.institution, "institution", "creditor", slots)
    if config.approval is None:
        slots.miss("approval.by", "approval of the wording")
    return NoticeContext(
        language=legal.language,
        draft=draft,
        creditor=replace(creditor, department=config.institution.contact if config.institution else None),
        date=slots.need(_date(decision.dates.notice), "--as-of", "date of the notice"),
        name=slots.need(addressee.name, "facts.name", "applicant's name"),
        address=addressee.address or (slots.miss("facts.address", "applicant's address"),),
        applied_on=_date(decision.dates.application),
        product=slots.need(decision.product, "facts.product", "credit requested"),
        amount=decision.amount,
        action=legal["action-denied"].text,
        explanation=legal["scoring-system"].text if compared else None,
        reasons_intro=legal["scored-reasons" if compared else "stated-reasons"].text,
        reasons=_reasons(record, slots),
        questions=legal["questions"].text,
        report=legal["consumer-report"].text if decision.bureau.report_used else None,
        report_agency=_report_agency(decision.bureau, config, slots),
        score=_score(decision.bureau, config, legal, slots),
        outside_information=legal["outside-information"].text if decision.bureau.outside_information else None,
        ecoa=filled(legal["ecoa-notice"], agency=_federal_agency(config, legal, slots)),
        refusals=record.refusals,
        gaps=tuple(slots.gaps),
    )


def _texts(config: AuditConfig) -> Texts:
    language = config.documents.language
    if language not in LANGUAGES:
        raise ReportError(f"documents.language: the notice exists in {', '.join(LANGUAGES)}, not in '{language}'.")
    return texts.load(language)


def _reasons(record: Record, slots: Slots) -> tuple[Slot, ...]:
    """The reasons of the component that decided, in their order (RS-04)."""
    ranked = sorted(record.reasons, key=lambda reason: reason.rank)
    found = tuple(slots.need(reason.text, reason.text_key, "wording of this reason") for reason in ranked)
    if found:
        return found
    if record.decision.decided_by == "score":
        return (slots.miss("families", "principal reasons (see the internal audit)"),)
    return (slots.miss("facts.decided_reasons", "reasons of the rule or person that decided"),)


def _score(bureau: BureauFacts, config: AuditConfig, legal: Texts, slots: Slots) -> ScoreBlock | None:
    """US-09, where a credit score was used."""
    if bureau.score is None:
        return None
    about = config.credit_score
    source = slots.need(about.source if about else None, "credit_score.source", "source of the credit score")
    factors: tuple[Slot, ...] = bureau.key_factors[:_KEY_FACTORS] or (
        slots.miss("facts.bureau_key_factors", "key factors of the credit score"),
    )
    if bureau.inquiries_key_factor:
        factors = (*factors, legal["credit-score-inquiries"].text)
    return ScoreBlock(
        intro=filled(legal["credit-score"], source=source),
        value=filled(
            legal["credit-score-value"],
            score=str(bureau.score),
            score_date=slots.need(_date(bureau.score_date), "facts.bureau_score_date", "date of the credit score"),
            low=slots.need(str(about.low) if about else None, "credit_score.low", "lowest possible score"),
            high=slots.need(str(about.high) if about else None, "credit_score.high", "highest possible score"),
        ),
        factors_intro=legal["credit-score-factors"].text,
        factors=factors,
    )


def _report_agency(bureau: BureauFacts, config: AuditConfig, slots: Slots) -> Contact | None:
    """US-08: name, address and telephone number are all required."""
    if not bureau.report_used:
        return None
    section, key = config.consumer_reporting_agency, "consumer_reporting_agency"
    agency = contact(section, key, "consumer reporting agency", slots)
    if section is not None and not section.telephone:
        slots.miss(f"{key}.telephone", "telephone of the consumer reporting agency")
    return agency


def _federal_agency(config: AuditConfig, legal: Texts, slots: Slots) -> Slot:
    """US-05: name and address on one line, from [agency], else from the Appendix A list."""
    if config.agency is not None:
        return ", ".join((config.agency.name, *config.agency.address))
    named = config.institution.agency if config.institution else None
    if named is None or named not in legal.agencies:
        return slots.miss("institution.agency", "federal agency")
    agency = legal.agencies[named]
    return ", ".join((agency.name, *agency.address))


def _date(date: dt.date | None) -> str | None:
    return None if date is None else long_date(date)
