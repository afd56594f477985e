"""The letter that explains a decision to a person in the EU or the UK (regulations, section 3): EU-01 to EU-13.

Denials and approvals alike. Legal and plain words come from `templates/texts` and audit.toml, never from here (G-11).
The letter holds no relevance, no share and no column name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from lrp_audit.judging.refusals.recorded import means_refusal
from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.records.record import Addressee, Record, Refusal
from lrp_audit.report.contacts import Contact, contact
from lrp_audit.report.explanation_parts import Alternatives, Datum, Elements, Parts, listed
from lrp_audit.report.explanation_words import Words, words
from lrp_audit.report.slots import Gap, Slot, Slots
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.letter_config import ContactSection


@dataclass(frozen=True)
class Database:
    """EU-10: a database that was searched."""

    intro: Markup
    contact: Contact
    result: Markup
    categories: Markup


@dataclass(frozen=True)
class Office:
    """Somebody to turn to, and what for."""

    purpose: Markup
    contact: Contact


@dataclass(frozen=True)
class Rights:
    """EU-08: what the person may ask for, of whom, by when; and when the answer comes."""

    intro: Markup
    ask: Markup
    contact: Contact
    answer: Markup
    correction: Markup  # EU-09, EU-12
    offices: tuple[Office, ...]  # EU-09, EU-11
    sources: Markup


@dataclass(frozen=True)
class ExplanationContext:
    """Everything the letter prints, in its order."""

    language: str
    draft: bool
    mark: str  # on every page of a draft
    title: Markup
    headings: Mapping[str, str]
    creditor: Contact
    date: Slot
    name: Slot
    address: tuple[Slot, ...]
    reference: Markup | None
    subject: Markup
    salutation: Markup
    outcome: Markup  # EU-01
    how: tuple[Markup, ...]  # EU-02, EU-04
    elements: tuple[Elements, ...]  # EU-05
    alternatives: Alternatives | None  # EU-06
    data_intro: Markup
    data: tuple[Datum, ...]  # EU-03
    not_used: Markup | None
    database: Database | None
    meaning: tuple[Markup, ...]  # EU-07
    rights: Rights
    closing: Markup
    refusals: tuple[Refusal, ...]
    gaps: tuple[Gap, ...]

    @property
    def prose(self) -> tuple[str, ...]:
        """The paragraphs a person reads, as plain text; without addresses, lists and the table of data."""
        return tuple(" ".join(paragraph.striptags().split()) for paragraph in self._paragraphs())

    def _paragraphs(self) -> Iterator[Markup]:
        yield self.outcome
        yield from self.how
        yield from (side.intro for side in self.elements)
        if self.alternatives is not None:
            yield from (self.alternatives.intro, self.alternatives.limits)
        yield self.data_intro
        if self.not_used is not None:
            yield self.not_used
        if self.database is not None:
            yield self.database.intro
        yield from self.meaning
        rights = self.rights
        yield from (rights.intro, rights.ask, rights.answer, rights.correction)
        yield from (office.purpose for office in rights.offices)
        yield rights.sources


def context(record: Record, addressee: Addressee, config: AuditConfig, *, draft: bool) -> ExplanationContext:
    """What the letter prints, gaps included.

    Raises:
        ReportError: the letter does not exist in the language.
        ConfigError: there are no texts in it.
    """
    return _Letter(record, addressee, config, words(config), Slots(), for_reviewers(config)).context(draft=draft)


def adverse(record: Record, config: AuditConfig) -> bool | None:
    """Whether the decision is a refusal: by the score, or as the rule or person that decided recorded it."""
    if record.decision.decided_by == "score":
        return None if record.outcome is None else record.outcome.adverse
    label = record.decision.recorded.outcome
    return None if label is None else means_refusal(label, record.model, config.decision)


@dataclass(frozen=True)
class _Letter:
    """Makes the letter of one decision, and collects what is missing for it."""

    record: Record
    addressee: Addressee
    config: AuditConfig
    words: Words
    slots: Slots
    say: Messages  # for reviewers, who read what is missing

    def context(self, *, draft: bool) -> ExplanationContext:
        say, slots, words, decision = self.say, self.slots, self.words, self.record.decision
        refused, scored = adverse(self.record, self.config), self._scored
        parts = Parts(self.record, self.config, words, slots, say)
        self._approval()
        name = slots.need(self.addressee.name, "facts.name", say("applicant's name"), "G-02")
        return ExplanationContext(
            language=words.language,
            draft=draft,
            mark=say("DRAFT, not for the applicant"),
            title=words("title"),
            headings=words.headings,
            creditor=self._contact(self.config.institution, "institution", say("creditor"), "EU-13"),
            date=self._date(decision.dates.notice, "--as-of", say("date of the letter"), "EU-01"),
            name=name,
            address=self.addressee.address or (slots.miss("facts.address", say("applicant's address"), "G-02"),),
            reference=None if decision.reference is None else words("reference", reference=decision.reference),
            subject=self._subject(),
            salutation=words("salutation", name=name),
            outcome=self._outcome(refused),
            how=tuple(self._how(refused)),
            elements=parts.elements(adverse=refused is not False),
            alternatives=parts.alternatives(adverse=refused is not False) if scored else None,
            data_intro=words("data" if scored else "data-supplied"),
            data=parts.data(),
            not_used=self._not_used(),
            database=self._database(),
            meaning=tuple(self._meaning(refused)),
            rights=self._rights(refused),
            closing=words("closing"),
            refusals=self.record.refusals,
            gaps=tuple(slots.gaps),
        )

    @property
    def _scored(self) -> bool:
        return self.record.decision.decided_by == "score"

    def _approval(self) -> None:
        """G-11: who approved the wording, and for the version of the legal texts that is shipped."""
        approval, shipped = self.config.approval, self.words.texts.version
        if approval is None:
            self.slots.miss("approval.by", self.say("approval of the wording"), "G-11")
        elif approval.texts_version not in {None, shipped}:
            what = self.say("approval of the legal texts {shipped}", shipped=shipped)
            self.slots.miss("approval.texts_version", what, "G-11")

    def _date(self, date: dt.date | None, key: str, what: str, rule: str) -> Slot:
        return self.slots.need(None if date is None else self.words.date(date), key, what, rule)

    def _contact(self, section: ContactSection | None, key: str, what: str, rule: str) -> Contact:
        if section is None:
            return Contact(self.slots.miss(f"{key}.name", what, rule), (), ())
        return contact(section, key, what, self.slots, self.say)

    def _subject(self) -> Markup:
        decision, say = self.record.decision, self.say
        product = self.slots.need(decision.product, "facts.product", say("product applied for"), "EU-01")
        return self.words(
            "subject",
            date=self._date(
                decision.dates.application, "facts.application_date", say("date of the application"), "EU-01"
            ),
            request=listed([product] if decision.amount is None else [product, decision.amount]),
        )

    def _outcome(self, refused: bool | None) -> Markup:
        """EU-01."""
        decided = self.record.decision.dates.decision
        date = self._date(decided, "facts.decision_date", self.say("decision date"), "EU-01")
        if refused is None:
            self.slots.miss("facts.outcome", self.say("recorded outcome"), "EU-01")
        return self.words("approved" if refused is False else "declined", date=date)

    def _how(self, refused: bool | None) -> Iterator[Markup]:
        """EU-02 and EU-04: the part of automated processing, and how it came to its result."""
        words, by = self.words, self.record.decision.decided_by
        if by != "score":
            yield words(f"role-{by}")
            return
        automation, reference = self.config.automation, self.record.reference
        if automation is None:
            self.slots.miss("automation.role", self.say("part that automated processing played"), "EU-02")
        else:
            yield words(f"role-{automation.role}")
        yield _paragraph(words("estimate"), words("within-limit" if refused is False else "above-limit"))
        if reference is None or not reference.members:
            yield words("compared-zero")
        else:
            yield words(f"compared-{reference.name.replace('_', '-')}", count=words.number(reference.population))

    def _not_used(self) -> Markup | None:
        automation = self.config.automation
        if automation is None or not automation.not_used or not self._scored:
            return None
        return self.words("not-used", items=listed(automation.not_used))

    def _database(self) -> Database | None:
        """EU-10, where a search took place."""
        result, section = self.record.decision.database_result, self.config.database
        if result is None:
            if self.record.decision.bureau.report_used:
                self.slots.miss("facts.database_result", self.say("result of the database search"), "EU-10")
            return None
        searched = self._contact(section, "database", self.say("database that was searched"), "EU-10")
        return Database(
            intro=self.words("database"),
            contact=searched,
            result=self.words("database-result", result=result),
            categories=self.words("database-categories", categories=listed(section.categories if section else ())),
        )

    def _meaning(self, refused: bool | None) -> Iterator[Markup]:
        """EU-07, and the layers of responsibility, safety and impact (EU-13)."""
        words, model, institution = self.words, self.record.model, self.config.institution
        responsible = "" if institution is None else words("responsible", creditor=institution.name)
        yield _paragraph(words("meaning-approved" if refused is False else "meaning-declined"), responsible)
        checked = model.validation_date if self._scored else None
        limits = words(f"limits-{self.record.decision.decided_by}")
        yield _paragraph(limits, "" if checked is None else words("checked", date=words.date(checked)))

    def _rights(self, refused: bool | None) -> Rights:
        words, say, review = self.words, self.say, self.config.review
        sent = self.record.decision.dates.notice
        ask_by: dt.date | None = None
        answer_by: dt.date | None = None
        if review is not None and sent is not None:
            ask_by = sent + dt.timedelta(days=review.days_to_ask)
            answer_by = ask_by + dt.timedelta(days=review.days_to_answer)
        until, waiting = say("last day to ask for a review"), say("days until a review is answered")
        allowed = None if review is None else words.number(review.days_to_answer)
        days = self.slots.need(allowed, "review.days_to_answer", waiting, "EU-08")
        return Rights(
            intro=words("rights"),
            ask=words("ask", date=self._date(ask_by, "review.days_to_ask", until, "EU-08")),
            contact=self._contact(review, "review", say("whom to ask for a review"), "EU-08"),
            answer=words("answer", days=days, date=self._date(answer_by, "review.days_to_answer", waiting, "EU-08")),
            correction=words("correction"),
            offices=tuple(self._offices(refused)),
            sources=words("sources"),
        )

    def _offices(self, refused: bool | None) -> Iterator[Office]:
        """EU-09 and, for a refusal, EU-11."""
        config, say = self.config, self.say
        officer, authority, advice = say("data protection officer"), say("supervisory authority"), say("debt advice")
        offices = [
            ("officer", "data_protection_officer", config.data_protection_officer, officer, "EU-09"),
            ("authority", "supervisory_authority", config.supervisory_authority, authority, "EU-09"),
        ]
        if refused is not False:
            offices.append(("debt-advice", "debt_advice", config.debt_advice, advice, "EU-11"))
        for name, key, section, what, rule in offices:
            yield Office(self.words(name), self._contact(section, key, what, rule))


def _paragraph(*sentences: Markup | str) -> Markup:
    return Markup(" ").join(sentence for sentence in sentences if sentence)
