"""The letter that explains: what it must hold (EU-01 to EU-13), what it must not, and when it may not be written."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache

import explanations as made
import pages
import pytest
import records
from explanations import LETTERS

from lrp_audit import report
from lrp_audit.errors import ReportError
from lrp_audit.language.readability import count
from lrp_audit.records.record import Addressee, BureauFacts, Record, TextPlace
from lrp_audit.records.text_record import TextEvidence, TextWord
from lrp_audit.report import explanation_letter
from lrp_audit.report.explanation_checks import MEAN_SENTENCE, with_letter
from lrp_audit.report.explanation_words import words
from lrp_audit.report.formats import signed
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ColumnSection, FamilySection
from lrp_audit.settings.text_config import TextSection

CASES = ("denied", "approved", "rule", "human", "none-found", "hostile", "long-name", "wide", "imputed")
ORDINARY = ("denied", "approved", "rule", "human", "none-found", "long-name", "imputed")
EVERY = [(letter, language, name) for letter, language in LETTERS for name in CASES]
AMERICAN = ("ECOA", "Equal Credit", "Fair Credit", "1002")


def _record(name: str, language: str) -> Record:
    plain = made.record(language)
    if name == "approved":
        assert plain.outcome is not None
        return plain.model_copy(
            update={"outcome": plain.outcome.model_copy(update={"adverse": False}), "variations": None}
        )
    if name in {"rule", "human"}:
        return made.supplied(language, name, ("First reason", "Second reason"))
    if name == "none-found":
        return plain.model_copy(update={"variations": made.NONE_FOUND})
    if name == "hostile":
        return made.hostile(language)
    if name == "wide":
        return made.wide(language)
    if name == "imputed":
        first, *rest = plain.contributions
        return plain.model_copy(update={"contributions": (first.model_copy(update={"imputed": True}), *rest)})
    return plain


def _person(name: str) -> Addressee:
    if name == "hostile":
        return records.addressee(name=records.HOSTILE, address=(records.HOSTILE,))
    if name == "long-name":
        return records.addressee(name="Wilhelmina-Alexandrine Featherstonehaugh-Montgomery de la Cruz")
    return records.addressee()


def _config(letter: str, language: str, name: str) -> AuditConfig:
    settings = made.config(letter, language)
    return made.with_wide_columns(settings, language) if name == "wide" else settings


@cache
def letter_of(letter: str, language: str, name: str = "denied") -> bytes:
    return report.letter_pdf(_record(name, language), _person(name), _config(letter, language, name))


def text_of(letter: str, language: str, name: str = "denied") -> str:
    return pages.text(letter_of(letter, language, name))


def said(letter: str, language: str, text: str, **values: str) -> str:
    """A text of the letter as its page prints it."""
    filled = words(made.config(letter, language))(text, **values)
    return " ".join(str(filled.unescape()).split())


# --- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("letter", "language", "name"), EVERY)
def test_is_tagged_and_accessible(letter: str, language: str, name: str) -> None:
    assert pages.failures(letter_of(letter, language, name), "PDF_UA_1") == []


@pytest.mark.parametrize(("letter", "language", "name"), [case for case in EVERY if case[2] in ORDINARY])
def test_takes_one_or_two_pages(letter: str, language: str, name: str) -> None:
    assert len(pages.page_texts(letter_of(letter, language, name))) <= 2


@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_headings_run_from_the_first_level_and_the_table_has_headers(letter: str, language: str) -> None:
    roles = [role for role, _ in pages.elements(letter_of(letter, language))]
    headings = [role for role in roles if re.fullmatch(r"/H\d", role)]
    assert headings == ["/H1"] + ["/H2"] * 8
    heads = roles.count("/TH") - len(records.COLUMNS)
    assert heads in {3, 6}  # again at the top of the second page


@pytest.mark.rule("G-09")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_metadata_name_the_document_and_nobody(letter: str, language: str) -> None:
    found = pages.metadata(letter_of(letter, language))
    assert said(letter, language, "title") in found
    for personal in ("Alvarez", "Carmen", "V-4711", "2026-004711"):
        assert personal not in found


@pytest.mark.rule("G-10")
def test_equal_records_give_equal_bytes() -> None:
    again = report.letter_pdf(made.record("de"), records.addressee(), made.config("eu-letter", "de"))
    assert again == letter_of("eu-letter", "de")


# --- what it holds ----------------------------------------------------------------------------------------------------


@pytest.mark.rule("EU-01")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_says_what_was_decided_and_when(letter: str, language: str) -> None:
    date = words(made.config(letter, language)).date(dt.date(2026, 11, 9))
    declined, approved = (said(letter, language, name, date=date) for name in ("declined", "approved"))
    assert declined != approved
    for name in ("denied", "rule", "human"):
        assert declined in text_of(letter, language, name)
    assert approved in text_of(letter, language, "approved")
    assert declined not in text_of(letter, language, "approved")


@pytest.mark.rule("EU-02")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_says_what_part_automated_processing_played(letter: str, language: str) -> None:
    settings = made.config(letter, language)
    assisted = settings.model_copy(update={"automation": settings.automation.model_copy(update={"role": "assisted"})})  # type: ignore[union-attr]
    printed = {
        "role-sole": text_of(letter, language),
        "role-assisted": pages.text(report.letter_pdf(made.record(language), records.addressee(), assisted)),
        "role-rule": text_of(letter, language, "rule"),
        "role-human": text_of(letter, language, "human"),
    }
    for role, text in printed.items():
        assert [other for other in printed if said(letter, language, other) in text] == [role]


@pytest.mark.rule("EU-03")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_lists_every_value_used_with_its_source(letter: str, language: str) -> None:
    text = text_of(letter, language)
    for item in made.record(language).contributions:
        assert " ".join(f"{item.label} {item.display} {item.source}".split()) in text
    assert said(letter, language, "not-used", items=", ".join(made.LANGUAGES[language].not_used)) in text


@pytest.mark.rule("EU-03")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_says_where_a_typical_value_stood_in(letter: str, language: str) -> None:
    item = _record("imputed", language).contributions[0]
    assert said(letter, language, "imputed", value=item.display) in text_of(letter, language, "imputed")


@pytest.mark.rule("EU-04")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_says_how_the_system_came_to_its_result(letter: str, language: str) -> None:
    text = text_of(letter, language)
    assert said(letter, language, "estimate") in text
    assert said(letter, language, "above-limit") in text
    assert said(letter, language, "compared-near-cutoff", count="200") in text
    approved = text_of(letter, language, "approved")
    assert said(letter, language, "within-limit") in approved
    assert said(letter, language, "above-limit") not in approved


@pytest.mark.rule("EU-05")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_names_what_counted_most_in_order_with_its_direction(letter: str, language: str) -> None:
    families = made.record(language).families
    against, favour = said(letter, language, "against"), said(letter, language, "favour")
    text = text_of(letter, language)
    after = text.split(against)[1]
    first, second = after.split(favour)
    places = [first.index(family.label) for family in families[:4]]
    assert places == sorted(places)
    second = second.split(said(letter, language, "heading-alternatives"))[0]
    favoured = [second.index(family.label) for family in families[::-1] if family.relevance < 0]
    assert favoured == sorted(favoured)
    assert families[4].label not in first  # a fifth one is not among the main ones


@pytest.mark.rule("EU-05")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_an_approval_names_first_what_counted_in_favour(letter: str, language: str) -> None:
    text = text_of(letter, language, "approved")
    assert text.index(said(letter, language, "favour")) < text.index(said(letter, language, "against"))


@pytest.mark.rule("EU-05")
@pytest.mark.parametrize(("kept", "written"), [("against", True), ("none", False)])
def test_an_approval_needs_something_to_say_on_either_side(kept: str, written: bool) -> None:
    plain = _record("approved", "en")
    families = tuple(item for item in plain.families if kept == "against" and item.relevance > 0)
    record = plain.model_copy(update={"families": families})
    if written:
        text = pages.text(report.letter_pdf(record, records.addressee(), made.config()))
        assert said("eu-letter", "en", "against") in text
        assert said("eu-letter", "en", "favour") not in text
    else:
        with pytest.raises(ReportError, match="families"):
            report.letter_pdf(record, records.addressee(), made.config())


@pytest.mark.rule("RS-04")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
@pytest.mark.parametrize("name", ["rule", "human"])
def test_reasons_of_rules_and_people_are_their_own(letter: str, language: str, name: str) -> None:
    text = text_of(letter, language, name)
    assert f"{said(letter, language, 'supplied')} First reason Second reason" in text
    for other in ("against", "favour", "estimate", "limits-score", "variations"):
        assert said(letter, language, other) not in text


@pytest.mark.rule("EU-06")
@pytest.mark.rule("G-06")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_quotes_two_verified_variations_and_promises_nothing(letter: str, language: str) -> None:
    text = text_of(letter, language)
    date = words(made.config(letter, language)).date(dt.date(2026, 11, 9))
    assert said(letter, language, "variations") in text
    for variation in made.FOUND.found[:2]:
        one, *more = (
            said(letter, language, "variation", label=change.label, value=change.display, own=change.from_display)
            for change in variation.changes
        )
        assert (said(letter, language, "variation-and", label=one, value=more[0]) if more else one) in text
    assert "Third item" not in text  # at most two
    assert said(letter, language, "variations-limits", date=date) in text


@pytest.mark.rule("EU-06")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_a_single_variation_is_introduced_as_one(letter: str, language: str) -> None:
    single = made.FOUND.model_copy(update={"found": made.FOUND.found[:1]})
    text = pages.text(
        report.letter_pdf(made.record(language, variations=single), records.addressee(), made.config(letter, language))
    )
    assert said(letter, language, "variations-one") in text
    assert said(letter, language, "variations") not in text


@pytest.mark.rule("EU-06")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_says_so_where_no_variation_was_found(letter: str, language: str) -> None:
    text = text_of(letter, language, "none-found")
    assert said(letter, language, "variations-none", most="3") in text
    assert said(letter, language, "variations") not in text


@pytest.mark.rule("EU-06")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_a_search_that_had_nothing_to_try_is_not_called_a_run(letter: str, language: str) -> None:
    untried = made.NONE_FOUND.model_copy(update={"tried": 0})
    text = pages.text(
        report.letter_pdf(made.record(language, variations=untried), records.addressee(), made.config(letter, language))
    )
    assert said(letter, language, "variations-untried") in text
    assert said(letter, language, "variations-none", most="3") not in text


@pytest.mark.rule("EU-07")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_says_what_the_decision_means_and_what_the_system_cannot_know(letter: str, language: str) -> None:
    assert said(letter, language, "meaning-declined") in text_of(letter, language)
    assert said(letter, language, "meaning-approved") in text_of(letter, language, "approved")
    for name, limits in (("denied", "score"), ("approved", "score"), ("rule", "rule"), ("human", "human")):
        assert said(letter, language, f"limits-{limits}") in text_of(letter, language, name)


@pytest.mark.rule("EU-08")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
@pytest.mark.parametrize("name", ["denied", "approved", "rule", "human"])
def test_states_the_rights_with_contact_and_computed_dates(letter: str, language: str, name: str) -> None:
    text, date = text_of(letter, language, name), words(made.config(letter, language)).date
    sent = dt.date(2026, 11, 22)
    asked = sent + dt.timedelta(days=30)
    assert said(letter, language, "rights") in text
    assert said(letter, language, "ask", date=date(asked)) in text
    assert "Team Überprüfung, Musterweg 1, 1000 Beispielstadt, review@example.org" in text
    answered = date(asked + dt.timedelta(days=14))
    assert said(letter, language, "answer", days="14", date=answered) in text


@pytest.mark.rule("EU-09")
@pytest.mark.rule("EU-12")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_names_correction_access_officer_and_authority(letter: str, language: str) -> None:
    text = text_of(letter, language)
    assert said(letter, language, "correction") in text
    assert f"{said(letter, language, 'officer')} Datenschutz (fiktiv), Musterweg 1" in text
    assert f"{said(letter, language, 'authority')} Aufsicht (fiktiv), Musterweg 1" in text


@pytest.mark.rule("EU-10")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_gives_the_result_of_a_database_search(letter: str, language: str) -> None:
    text = text_of(letter, language)
    assert said(letter, language, "database") in text
    for part in ("Auskunftei (fiktiv)", "A-Daten, B-Daten", said(letter, language, "database-result", result="3")):
        assert part in text
    unsearched = made.record(language, decision=made.decision(language, database_result=None, bureau=BureauFacts()))
    without = pages.text(report.letter_pdf(unsearched, records.addressee(), made.config(letter, language)))
    assert said(letter, language, "database") not in without
    assert "Auskunftei" not in without


@pytest.mark.rule("EU-11")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_points_to_debt_advice_after_a_refusal(letter: str, language: str) -> None:
    advice = f"{said(letter, language, 'debt-advice')} Schuldnerberatung (fiktiv)"
    for name in ("denied", "rule", "human"):
        assert advice in text_of(letter, language, name)
    assert "Schuldnerberatung" not in text_of(letter, language, "approved")


@pytest.mark.rule("EU-13")
@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_names_who_is_responsible_and_when_the_system_was_checked(letter: str, language: str) -> None:
    text = text_of(letter, language)
    assert said(letter, language, "responsible", creditor="Musterkreditbank (fiktiv)") in text
    date = words(made.config(letter, language)).date(dt.date(2026, 6, 30))
    assert said(letter, language, "checked", date=date) in text


def test_the_british_letter_cites_british_law_alone() -> None:
    british, european = text_of("uk-letter", "en"), text_of("eu-letter", "en")
    assert "UK GDPR" in british
    assert "22A to 22D" in british
    assert "ICO" in british
    for other in ("Directive", "AI Act", "2023/2225", "General Data Protection Regulation", "European", *AMERICAN):
        assert other not in british
    for other in ("UK", "ICO", "Information Commissioner", *AMERICAN):
        assert other not in european


def test_a_text_is_listed_as_a_whole_and_named_where_a_reason_was_found_in_it() -> None:
    settings = made.config().model_copy(
        update={"text": TextSection(column="narrative", source="web form"), "columns": {}}
    )
    plain = made.record()
    found = TextPlace(label="Your message", date=dt.date(2026, 11, 2))
    reasons = tuple(reason.model_copy(update={"place": found}) for reason in plain.reasons)
    evidence = TextEvidence(
        column="narrative", label="Your message", text="I lost it.", words=(TextWord(start=0, end=1, relevance=1.0),)
    )
    record = plain.model_copy(
        update={
            "reasons": reasons,
            "text_evidence": (evidence,),
            "variations": made.NONE_FOUND.model_copy(update={"left_out": (1, 3)}),
        }
    )
    text = pages.text(report.letter_pdf(record, records.addressee(), settings))
    assert "Your message the whole text web form" in text
    assert "Time in current job (Your message of 2 November 2026)" in text
    assert "counted from its start: 2, 4" in text
    assert "I lost it" not in text
    assert "8 months" not in text


# --- what it must not hold --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("letter", "language", "name"), [case for case in EVERY if case[2] not in {"hostile", "wide"}])
def test_holds_no_number_of_the_explanation_and_no_column_name(letter: str, language: str, name: str) -> None:
    text, record = text_of(letter, language, name), _record(name, language)
    shown = " ".join((*(item.display for item in record.contributions), "31 %", "46 %"))
    assert "relevance" not in text.lower()
    assert set(re.findall(r"\d+ ?%", text)) <= set(re.findall(r"\d+ ?%", shown))  # no percentage of importance
    for item in (*record.contributions, *record.families):
        number = signed(abs(item.relevance), 3).lstrip("+")
        assert not re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d.,])", text)
    for item in record.contributions:
        assert item.column not in text


@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_hostile_values_are_printed_as_text(letter: str, language: str) -> None:
    text = text_of(letter, language, "hostile")
    assert "{{7*7}}" in text
    assert "<img src=file:///etc/passwd>" in text
    assert pages.attachments(letter_of(letter, language, "hostile")) == {}


@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_sentences_are_short_in_every_text(letter: str, language: str) -> None:
    legal = words(made.config(letter, language)).texts.legal
    kind = letter.split("-", maxsplit=1)[0]
    for name, text in legal.items():
        if name.startswith(("letter-", f"{kind}-")):
            counts = count([text.text], language)
            assert counts is not None
            assert counts.words_per_sentence <= 20, name


# --- when it may not be written ---------------------------------------------------------------------------------------

GAPS = {
    "approval.by": {"approval": None},
    "institution.name": {"institution": None},
    "automation.role": {"automation": None},
    "review.name": {"review": None},
    "data_protection_officer.name": {"data_protection_officer": None},
    "supervisory_authority.name": {"supervisory_authority": None},
    "debt_advice.name": {"debt_advice": None},
    "database.name": {"database": None},
}
FACTS = {
    "facts.application_date": {"dates": records.decision().dates.model_copy(update={"application": None})},
    "facts.decision_date": {"dates": records.decision().dates.model_copy(update={"decision": None})},
    "--as-of": {"dates": records.decision().dates.model_copy(update={"notice": None})},
    "facts.product": {"product": None},
    "facts.database_result": {"database_result": None, "bureau": BureauFacts(report_used=True)},
}
RULES = {
    "approval.by": "G-11", "automation.role": "EU-02", "review.name": "EU-08", "data_protection_officer.name": "EU-09",
    "supervisory_authority.name": "EU-09", "debt_advice.name": "EU-11", "database.name": "EU-10",
    "facts.database_result": "EU-10", "facts.decision_date": "EU-01", "variations.search": "EU-06",
    "columns.dti_ratio.source": "EU-03", "columns.dti_ratio.label": "EU-03", "families.savings.label": "EU-05",
}  # fmt: skip


def _lacking(key: str) -> tuple[Record, AuditConfig]:
    """A decision and settings that lack exactly what `key` names."""
    settings, record = made.config(), made.record()
    if key in GAPS:
        return record, settings.model_copy(update=GAPS[key])
    if key in FACTS:
        return record.model_copy(update={"decision": made.decision(**FACTS[key])}), settings
    if key == "variations.search":
        return record.model_copy(update={"variations": None}), settings
    if key == "columns.dti_ratio.source":
        first, *rest = record.contributions
        return record.model_copy(update={"contributions": (first.model_copy(update={"source": None}), *rest)}), settings
    if key == "columns.dti_ratio.label":
        columns = {**settings.columns, "dti_ratio": ColumnSection(source="application form")}
        return record, settings.model_copy(update={"columns": columns})
    families = {**settings.families, "savings": FamilySection()}
    columns = {**settings.columns, "savings_amt": ColumnSection(source="application form")}
    return record, settings.model_copy(update={"families": families, "columns": columns})


@pytest.mark.rule("G-02")
@pytest.mark.parametrize(
    "key",
    [
        *GAPS,
        *FACTS,
        "variations.search",
        "columns.dti_ratio.source",
        "columns.dti_ratio.label",
        "families.savings.label",
    ],
)
def test_what_is_missing_stops_the_letter_refuses_and_is_boxed_in_the_draft(key: str) -> None:
    record, settings = _lacking(key)
    with pytest.raises(ReportError, match=re.escape(key)):
        report.letter_pdf(record, records.addressee(), settings)
    draft = report.letter_pdf(record, records.addressee(), settings, draft=True)
    assert key in pages.text(draft)
    assert pages.failures(draft, "PDF_UA_1") == []
    refusals = with_letter(record, records.addressee(), settings).refusals
    assert any(key in refusal.next_step and RULES.get(key, "") in refusal.rule for refusal in refusals)
    assert {refusal.state for refusal in refusals} <= {"PROVENANCE_INCOMPLETE", "MISSING_LEGAL_TEXT"}


@pytest.mark.rule("G-02")
@pytest.mark.parametrize(("letter", "language", "name"), EVERY)
def test_what_may_be_written_is_not_refused_for_lacking_anything(letter: str, language: str, name: str) -> None:
    assert with_letter(_record(name, language), _person(name), _config(letter, language, name)).refusals == ()


def test_a_reason_without_wording_is_not_refused_twice() -> None:
    plain = made.record()
    first, *rest = plain.reasons
    record = plain.model_copy(update={"reasons": (first.model_copy(update={"text": ""}), *rest)})
    with pytest.raises(ReportError, match=re.escape(first.text_key)):
        report.letter_pdf(record, records.addressee(), made.config())
    assert with_letter(record, records.addressee(), made.config()).refusals == ()  # UNMAPPED_PRINCIPAL_REASON says it


@pytest.mark.parametrize(("letter", "language"), LETTERS)
def test_no_page_of_a_draft_looks_final(letter: str, language: str) -> None:
    pdf = report.letter_pdf(
        made.record(language, variations=None), Addressee(), made.config(letter, language), draft=True
    )
    mark = explanation_letter.context(
        made.record(language), Addressee(), made.config(letter, language), draft=True
    ).mark
    assert all(mark in text for text in pages.page_texts(pdf))
    assert mark not in text_of(letter, language)


def test_a_region_has_the_words_of_its_language_and_formats_of_its_own() -> None:
    settings = made.config("eu-letter", "de")
    austrian = settings.model_copy(update={"documents": settings.documents.model_copy(update={"language": "de-AT"})})
    found = explanation_letter.context(made.record("de"), records.addressee(), austrian, draft=False)
    assert found.language == "de-AT"
    assert found.title == words(settings)("title")
    january = dt.date(2027, 1, 5)
    assert words(austrian).date(january).replace("\u00a0", " ") == "5. Jänner 2027"


def test_a_letter_that_a_language_lacks_is_named() -> None:
    settings = made.config("eu-letter", "de")
    british = settings.documents.model_copy(update={"letter": "uk-letter"})
    with pytest.raises(ReportError, match=r"documents\.language: there is no uk-letter in 'de'"):
        report.letter_pdf(made.record("de"), records.addressee(), settings.model_copy(update={"documents": british}))


# --- plain language ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("letter", "language", "name"), EVERY)
def test_its_language_is_measured_and_reported_to_reviewers_alone(letter: str, language: str, name: str) -> None:
    record = with_letter(_record(name, language), _person(name), _config(letter, language, name))
    check = record.checks[-1]
    assert check.id == "plain-language"
    assert check.status == "performed"
    mean = check.measured[MEAN_SENTENCE]
    assert isinstance(mean, float)
    assert 5 < mean <= 20
    assert check.flag is False
    assert not any(name.lower() in text_of(letter, language).lower() for name in check.measured)


def test_the_record_does_not_depend_on_its_own_check() -> None:
    once = with_letter(made.record(), records.addressee(), made.config())
    twice = with_letter(once, records.addressee(), made.config())
    assert twice.checks[-1] == once.checks[-1]
    assert report.letter_html(once, records.addressee(), made.config()) == report.letter_html(
        made.record(), records.addressee(), made.config()
    )


def test_a_us_notice_is_left_as_it_is() -> None:
    record = records.record()
    assert with_letter(record, records.addressee(), records.config()) is record
