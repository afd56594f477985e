"""The forms of the US notice: what each says in each language, and what it must not."""

from __future__ import annotations

import re

import notices
import pages
import pytest
import records

from lrp_audit import report
from lrp_audit.errors import ReportError
from lrp_audit.language import texts
from lrp_audit.records.record import Counteroffer, Incompleteness
from lrp_audit.report.us_notice import LANGUAGES

EVERY = [(form, language) for form in notices.FORMS for language in notices.LANGUAGES]
REASONS_STATED = [item for item in EVERY if item[0] in {"denial", "everything", "counteroffer", "third party"}]


def said(form: str, language: str) -> str:
    return pages.text(notices.notice(form, language))


def fixed(name: str, language: str) -> str:
    """The longest piece of a legal text that no slot changes."""
    text = " ".join(texts.load(language)[name].text.split())
    return max(re.split(r"\{[a-z_]+\}", text), key=len).strip()


def test_every_language_of_the_notice_is_tested() -> None:
    assert set(notices.LANGUAGES) == set(LANGUAGES)


@pytest.mark.parametrize(("form", "language"), EVERY)
def test_every_form_is_tagged_and_accessible(form: str, language: str) -> None:
    assert pages.failures(notices.notice(form, language), "PDF_UA_1") == []


@pytest.mark.parametrize(("form", "language"), [item for item in EVERY if item != ("everything", "es")])
def test_every_form_fits_on_one_page(form: str, language: str) -> None:
    assert len(pages.page_texts(notices.notice(form, language))) == 1


@pytest.mark.parametrize("form", notices.FORMS)
def test_a_notice_in_spanish_says_what_the_english_one_says_and_nothing_in_english(form: str) -> None:
    english, spanish = texts.load("en"), texts.load("es")
    in_english, in_spanish = said(form, "en"), said(form, "es")
    for name in english.legal:
        if name in spanish.legal and len(fixed(name, "en").split()) > 3:
            assert (fixed(name, "en") in in_english) is (fixed(name, "es") in in_spanish), name
            assert fixed(name, "en") not in in_spanish, name
    assert spanish["english-on-request"].text in in_spanish
    assert "22 de noviembre de 2026" in in_spanish
    assert "November" not in in_spanish


@pytest.mark.parametrize(("form", "language"), EVERY)
def test_the_language_is_declared(form: str, language: str) -> None:
    record, config = notices.case(form, language)
    assert f'<html lang="{language}' in report.letter_html(record, records.addressee(), config)


@pytest.mark.rule("US-06")
@pytest.mark.parametrize(("form", "language"), EVERY)
def test_reasons_or_the_right_to_them_never_both(form: str, language: str) -> None:
    record, _ = notices.case(form, language)
    text, right = said(form, language), fixed("reasons-on-request", language)
    stated = [reason.text in text for reason in record.reasons]
    assert (right in text) is (form in {"on request", "oral"})
    assert all(stated) if (form, language) in REASONS_STATED else not any(stated)
    assert (fixed("scoring-system", language) in text) is ((form, language) in REASONS_STATED)


@pytest.mark.rule("US-06")
@pytest.mark.parametrize("language", notices.LANGUAGES)
def test_the_right_to_reasons_names_whom_to_ask_and_both_periods(language: str) -> None:
    text = said("on request", language)
    assert "Credit Review Department, Lakeshore Community Bank, 200 North Harbor Drive, Chicago, IL 60601" in text
    assert "(312) 555-0142" in text
    assert "60" in fixed("reasons-on-request", language)
    assert "30" in fixed("reasons-on-request", language)


@pytest.mark.rule("US-07")
@pytest.mark.parametrize(("form", "language"), EVERY)
def test_oral_reasons_come_with_the_right_to_have_them_in_writing(form: str, language: str) -> None:
    assert (fixed("reasons-confirmed", language) in said(form, language)) is (form == "oral")


@pytest.mark.rule("US-11")
@pytest.mark.parametrize("language", notices.LANGUAGES)
def test_a_counteroffer_states_its_terms_its_end_and_the_reasons(language: str) -> None:
    text = said("counteroffer", language)
    after = text.split(fixed("counteroffer-terms", language))[1]
    assert all(term in after for term in notices.OFFER.terms)
    assert {"en": "December 20, 2026", "es": "20 de diciembre de 2026"}[language] in after
    assert fixed("action-counteroffer", language) in text
    assert fixed("action-denied", language) not in text


@pytest.mark.rule("US-11")
@pytest.mark.parametrize(("form", "language"), [item for item in EVERY if item[0] != "counteroffer"])
def test_no_other_notice_makes_an_offer(form: str, language: str) -> None:
    assert fixed("counteroffer-terms", language) not in said(form, language)


@pytest.mark.rule("US-06")
@pytest.mark.parametrize("language", notices.LANGUAGES)
def test_a_notice_of_missing_information_is_no_denial(language: str) -> None:
    text = said("incomplete", language)
    for item in notices.MISSING.items:
        assert item in text
    assert {"en": "December 15, 2026", "es": "15 de diciembre de 2026"}[language] in text
    for name in ("action-denied", "stated-reasons", "scored-reasons", "ecoa-notice", "consumer-report"):
        assert fixed(name, language) not in text


@pytest.mark.rule("US-12")
@pytest.mark.parametrize("language", notices.LANGUAGES)
def test_a_third_party_names_every_creditor(language: str) -> None:
    after = said("third party", language).split(fixed("creditors", language))[1]
    assert after.index("First Bank") < after.index("Second Bank")
    assert fixed("creditors", language) not in said("denial", language)


@pytest.mark.rule("US-08", "US-09", "US-10")
@pytest.mark.parametrize("language", notices.LANGUAGES)
def test_disclosures_follow_the_facts_in_every_language(language: str) -> None:
    text = said("everything", language)
    names = ("consumer-report", "credit-score", "credit-score-factors", "outside-information", "ecoa-notice")
    places = [text.index(fixed(name, language)) for name in names]
    assert places == sorted(places)
    assert "612" in text
    assert [fixed(name, language) in said("denial", language) for name in names] == [True, False, False, False, True]


@pytest.mark.rule("G-02", "US-11")
@pytest.mark.parametrize(
    ("form", "changes", "key"),
    [
        ("counteroffer", {"counteroffer": Counteroffer(accept_by=notices.OFFER.accept_by)}, "counteroffer_terms"),
        ("counteroffer", {"counteroffer": Counteroffer(terms=("$1",))}, "counteroffer_accept_by"),
        ("incomplete", {"incompleteness": Incompleteness(respond_by=notices.MISSING.respond_by)}, "missing_items"),
        ("incomplete", {"incompleteness": Incompleteness(items=("Pay stubs",))}, "respond_by"),
    ],
)
def test_what_a_form_lacks_stops_it_and_is_boxed_in_the_draft(form: str, changes: dict[str, object], key: str) -> None:
    record, config = notices.case(form, "en")
    lacking = record.model_copy(update={"decision": record.decision.model_copy(update=changes)})
    with pytest.raises(ReportError, match=f"facts.{key}"):
        report.letter_pdf(lacking, records.addressee(), config)
    draft = report.letter_html(lacking, records.addressee(), config, draft=True)
    assert re.search(rf'<span class="gap">[^<]*: facts.{key}</span>', draft)


@pytest.mark.rule("US-06")
def test_reasons_on_request_need_a_telephone() -> None:
    record, config = notices.case("on request", "en")
    assert config.institution is not None
    silent = config.institution.model_copy(update={"telephone": None})
    with pytest.raises(ReportError, match=r"institution\.telephone"):
        report.letter_pdf(record, records.addressee(), config.model_copy(update={"institution": silent}))


def test_a_draft_in_spanish_is_marked_for_the_lender_s_staff() -> None:
    record, config = notices.case("denial", "es")
    pdf = report.letter_pdf(record, records.addressee(), config, draft=True)
    assert all("DRAFT, not for the applicant" in text for text in pages.page_texts(pdf))
    assert pages.failures(pdf, "PDF_UA_1") == []


@pytest.mark.parametrize("language", ["de", "fr"])
def test_there_is_no_us_notice_in_other_languages(language: str) -> None:
    record, _ = notices.case("denial", "en")
    with pytest.raises(ReportError, match=r"documents\.language.*en, es"):
        report.letter_pdf(record, records.addressee(), notices.settings(language))
