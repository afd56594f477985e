"""What a US notice prints (12 CFR 1002.9, Forms C-3 to C-6), as passages in order: record, addressee and settings in.

One of three notices: of a denial, with a counteroffer, or of what an incomplete application lacks. Legal wording comes
from `templates/texts` and audit.toml, never from here (G-11). No notice holds a relevance, a percentage or a column
name (regulations, 2.6).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup

from lrp_audit.errors import ReportError
from lrp_audit.language import texts
from lrp_audit.language.locales import locale_of, long_date
from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.language.texts import Texts
from lrp_audit.records.record import Addressee, BureauFacts, Reason, Record, Refusal
from lrp_audit.report.contacts import Contact, contact
from lrp_audit.report.slots import Gap, Slot, Slots, filled
from lrp_audit.settings.config import AuditConfig

FOLDER = "us-notice"
LANGUAGES = ("en", "es")
_KEY_FACTORS = 4  # 15 USC 1681g(f)(1)(C); inquiries come on top, 1681g(f)(9)


@dataclass(frozen=True)
class Passage:
    """What belongs together: a heading, a text, a list under it, and an office to turn to.

    `strong`: the list stands out, or the text where there is no list. `ranked`: the list is one in order.
    """

    text: str
    heading: str | None = None
    items: tuple[Slot, ...] = ()
    office: Contact | None = None
    strong: bool = False
    ranked: bool = True


@dataclass(frozen=True)
class NoticeContext:
    """Everything the notice prints, in its order; US-01 to US-12.

    Attributes:
        body: the action with its reasons, its offer or what is missing, and whom to ask.
        disclosures: what other laws add, under headings.
    """

    language: str
    draft: bool
    mark: str  # on every page of a draft
    creditor: Contact
    date: Slot
    name: Slot
    address: tuple[Slot, ...]
    title: str
    subject: Markup
    reference: Markup | None  # a number to quote
    salutation: Markup
    body: tuple[Passage, ...]
    disclosures: tuple[Passage, ...]
    refusals: tuple[Refusal, ...]
    gaps: tuple[Gap, ...]


def context(record: Record, addressee: Addressee, config: AuditConfig, *, draft: bool) -> NoticeContext:
    """What the notice prints, gaps included.

    Raises:
        ReportError: the notice does not exist in the language.
        ConfigError: there are no texts in it.
    """
    return _Notice(record, addressee, config, _texts(config), Slots(), for_reviewers(config)).context(draft=draft)


def _texts(config: AuditConfig) -> Texts:
    language = config.documents.language
    if language not in LANGUAGES:
        raise ReportError(f"documents.language: the notice exists in {', '.join(LANGUAGES)}, not in '{language}'.")
    return texts.load(language)


@dataclass(frozen=True)
class _Notice:
    """One notice while it is put together; `slots` collects its gaps."""

    record: Record
    addressee: Addressee
    config: AuditConfig
    legal: Texts
    slots: Slots
    say: Messages  # for reviewers, who read what is missing

    def context(self, *, draft: bool) -> NoticeContext:
        decision, incomplete = self.record.decision, self.record.decision.action == "incomplete"
        if self.config.approval is None:
            self.slots.miss("approval.by", self.say("approval of the wording"))
        name = self.slots.need(self.addressee.name, "facts.name", self.say("applicant's name"))
        return NoticeContext(
            language=self.legal.language,
            draft=draft,
            mark=self.say("DRAFT, not for the applicant"),
            creditor=self._creditor(),
            date=self._date(decision.dates.notice, "--as-of", self.say("date of the notice")),
            name=name,
            address=self.addressee.address or (self.slots.miss("facts.address", self.say("applicant's address")),),
            title=self._title(),
            subject=self._subject(),
            reference=None
            if decision.reference is None
            else filled(self.legal["letter-reference"], reference=decision.reference),
            salutation=filled(self.legal["salutation"], name=name),
            body=tuple(self._incomplete() if incomplete else self._action()),
            disclosures=tuple(() if incomplete else self._disclosures()),
            refusals=self.record.refusals,
            gaps=tuple(self.slots.gaps),
        )

    def _title(self) -> str:
        names = {"denied": "title-action", "counteroffer": "title-counteroffer", "incomplete": "title-incomplete"}
        return self.legal[names[self.record.decision.action]].text

    def _creditor(self) -> Contact:
        """US-03, and whom to ask there."""
        section = self.config.institution
        found = contact(section, "institution", self.say("creditor"), self.slots, self.say)
        return replace(found, department=section.contact if section else None)

    def _subject(self) -> Markup:
        decision = self.record.decision
        request = self.slots.need(decision.product, "facts.product", self.say("credit requested"))
        if isinstance(request, str) and decision.amount:
            request = f"{request}, {decision.amount}"
        if decision.dates.application is None:
            return filled(self.legal["subject"], request=request)
        return filled(self.legal["subject-dated"], request=request, date=self._written(decision.dates.application))

    def _action(self) -> Iterator[Passage]:
        """Forms C-3 to C-5: the action, its reasons or the right to them, an offer, and whom to ask."""
        offered = self.record.decision.action == "counteroffer"
        yield Passage(self.legal["action-counteroffer" if offered else "action-denied"].text)
        on_request = self.config.documents.reasons == "on-request"
        yield from self._requested_reasons() if on_request else self._stated_reasons()
        if offered:
            yield from self._offer()
        yield from self._behind()

    def _stated_reasons(self) -> Iterator[Passage]:
        """US-06: the reasons of the component that decided, in their order (RS-04)."""
        reference, decided_by = self.record.reference, self.record.decision.decided_by
        compared = decided_by == "score" and (reference is None or reference.members > 0)  # with other applicants
        intro = self.legal["scored-reasons" if compared else "stated-reasons"].text
        system = f"{self.legal['scoring-system'].text.strip()} " if compared else ""
        ranked = sorted(self.record.reasons, key=lambda reason: reason.rank)
        found = tuple(map(self._reason, ranked))
        if not found and decided_by == "score":
            found = (self.slots.miss("families", self.say("principal reasons (see the internal audit)")),)
        elif not found:
            found = (self.slots.miss("facts.decided_reasons", self.say("reasons of the rule or person that decided")),)
        yield Passage(system + intro, items=found, strong=True)

    def _reason(self, reason: Reason) -> Slot:
        """Its statement, and the text it was found in, quoted only where the settings ask for it."""
        statement, place = (
            self.slots.need(reason.text, reason.text_key, self.say("wording of this reason")),
            reason.place,
        )
        if place is None or isinstance(statement, Gap):
            return statement
        label = place.label
        if place.date is not None:
            label = filled(self.legal["text-dated"], label=label, date=self._written(place.date))
        if place.quote is not None:
            label = filled(self.legal["text-quoted"], label=label, quote=place.quote)
        return filled(self.legal["reason-in-text"], reason=statement, label=label)

    def _requested_reasons(self) -> Iterator[Passage]:
        """US-06 the other way: the right to ask for the reasons, and US-07 where they are given orally."""
        office = self._creditor()
        if self.config.institution is not None and not self.config.institution.telephone:
            self.slots.miss("institution.telephone", self.say("telephone of the office that gives the reasons"))
        yield Passage(self.legal["reasons-on-request"].text, office=office)
        if self.config.documents.oral_reasons:
            yield Passage(self.legal["reasons-confirmed"].text)

    def _offer(self) -> Iterator[Passage]:
        """US-11."""
        offer = self.record.decision.counteroffer
        terms = offer.terms or (self.slots.miss("facts.counteroffer_terms", self.say("terms of the counteroffer")),)
        until = self._date(
            offer.accept_by, "facts.counteroffer_accept_by", self.say("date until which the offer is open")
        )
        yield Passage(self.legal["counteroffer-terms"].text, items=terms, strong=True, ranked=False)
        yield Passage(filled(self.legal["counteroffer-acceptance"], accept_by=until), office=self._creditor())

    def _incomplete(self) -> Iterator[Passage]:
        """Form C-6: what is missing, by when, and what happens otherwise. No reasons, and no adverse action."""
        missing = self.record.decision.incompleteness
        items = missing.items or (self.slots.miss("facts.missing_items", self.say("information that is missing")),)
        until = self._date(missing.respond_by, "facts.respond_by", self.say("date by which it is needed"))
        yield Passage(self.legal["action-incomplete"].text, items=items, strong=True, ranked=False)
        yield Passage(filled(self.legal["incomplete-deadline"], respond_by=until))
        yield from self._behind()

    def _behind(self) -> Iterator[Passage]:
        """Whom to ask, for whom the notice is given (US-12), and that there is one in English (1002.4(e))."""
        if not self._names_office():
            yield Passage(self.legal["questions"].text, office=self._creditor())
        if self.config.creditors:
            named = tuple(", ".join((creditor.name, *creditor.address)) for creditor in self.config.creditors)
            yield Passage(self.legal["creditors"].text, items=named, ranked=False)
        if self.legal.language != "en":
            yield Passage(self.legal["english-on-request"].text)

    def _names_office(self) -> bool:
        """Whether a passage names the creditor's office already."""
        decision = self.record.decision
        return decision.action == "counteroffer" or (
            decision.action == "denied" and self.config.documents.reasons == "on-request"
        )

    def _disclosures(self) -> Iterator[Passage]:
        bureau = self.record.decision.bureau
        if bureau.report_used:
            heading, text = self.legal["heading-report"].text, self.legal["consumer-report"].text
            yield Passage(text, heading, office=self._reporting_agency())
        if bureau.score is not None:
            yield from self._score(bureau, bureau.score)
        if bureau.outside_information:
            yield Passage(self.legal["outside-information"].text, self.legal["heading-outside"].text)
        agency = self._federal_agency()
        yield Passage(filled(self.legal["ecoa-notice"], agency=agency), self.legal["heading-ecoa"].text)

    def _score(self, bureau: BureauFacts, score: int) -> Iterator[Passage]:
        """US-09. The key factors are the score's own and stand apart from the reasons."""
        about, legal = self.config.credit_score, self.legal
        source = self.slots.need(
            about.source if about else None, "credit_score.source", self.say("source of the credit score")
        )
        low = self.slots.need(str(about.low) if about else None, "credit_score.low", self.say("lowest possible score"))
        high = self.slots.need(
            str(about.high) if about else None, "credit_score.high", self.say("highest possible score")
        )
        date = self._date(bureau.score_date, "facts.bureau_score_date", self.say("date of the credit score"))
        factors: tuple[Slot, ...] = bureau.key_factors[:_KEY_FACTORS]
        if not factors:
            factors = (self.slots.miss("facts.bureau_key_factors", self.say("key factors of the credit score")),)
        if bureau.inquiries_key_factor:
            factors = (*factors, legal["credit-score-inquiries"].text)
        yield Passage(filled(legal["credit-score"], source=source), legal["heading-score"].text)
        value = filled(legal["credit-score-value"], score=str(score), score_date=date, low=low, high=high)
        yield Passage(value, strong=True)
        yield Passage(legal["credit-score-factors"].text, items=factors)

    def _reporting_agency(self) -> Contact:
        """US-08: name, address and telephone number are all required."""
        section, key = self.config.consumer_reporting_agency, "consumer_reporting_agency"
        agency = contact(section, key, self.say("consumer reporting agency"), self.slots, self.say)
        if section is not None and not section.telephone:
            self.slots.miss(f"{key}.telephone", self.say("telephone of the consumer reporting agency"))
        return agency

    def _federal_agency(self) -> Slot:
        """US-05: name and address on one line, from [agency], else from the Appendix A list."""
        if self.config.agency is not None:
            return ", ".join((self.config.agency.name, *self.config.agency.address))
        named = self.config.institution.agency if self.config.institution else None
        agency = texts.federal_agencies().get(named or "")
        if agency is None:
            return self.slots.miss("institution.agency", self.say("federal agency"))
        return ", ".join((agency.name, *agency.address))

    def _date(self, date: dt.date | None, key: str, what: str) -> Slot:
        return self.slots.need(None if date is None else self._written(date), key, what)

    def _written(self, date: dt.date) -> str:
        return long_date(date, locale_of(self.legal.language, FOLDER))
