"""The US adverse action notice: what it must hold, what it must not, and when it may not be written."""

from __future__ import annotations

import re
from typing import Any

import pages
import pytest
import records
from markupsafe import escape

from lrp_audit import report
from lrp_audit.errors import ReportError
from lrp_audit.language import texts
from lrp_audit.records.record import Record
from lrp_audit.report.formats import signed
from lrp_audit.settings.config import AuditConfig

LEGAL = texts.load("en")
NOTICE = "DRAFT, not for the applicant"


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", pages.CASES)
def test_is_tagged_and_accessible(name: str) -> None:
    assert pages.failures(pages.letter(name), "PDF_UA_1") == []


@pytest.mark.parametrize("name", ["ordinary", "no-report", "greek", "cyrillic", "long-name", "huge", "wide", "rule"])
def test_ordinary_notice_has_one_page(name: str) -> None:
    assert len(pages.page_texts(pages.letter(name))) == 1


def test_score_and_key_factors_still_fit_on_one_page() -> None:
    bureau = records.full_bureau().model_copy(update={"outside_information": False})
    record = records.record(decision=records.decision(bureau=bureau))
    assert len(pages.page_texts(report.letter_pdf(record, records.addressee(), records.config()))) == 1


@pytest.mark.rule("US-06")
@pytest.mark.parametrize("name", pages.ISSUED)
def test_states_every_reason_in_order_and_no_other(name: str) -> None:
    text, record = pages.text(pages.letter(name)), pages.CASES[name].record
    intro = "scored-reasons" if record.decision.decided_by == "score" else "stated-reasons"
    body = text.split(LEGAL[intro].text.strip())[1].split(LEGAL["questions"].text.strip())[0]
    expected = " ".join(squeezed(reason.text) for reason in record.reasons)
    assert body.strip() == expected


@pytest.mark.rule("RS-04")
@pytest.mark.parametrize("name", ["rule", "human"])
def test_says_nothing_of_a_score_where_none_decided(name: str) -> None:
    text = pages.text(pages.letter(name))
    assert LEGAL["stated-reasons"].text in text
    assert "scor" not in text.lower()


@pytest.mark.rule("US-01")
@pytest.mark.rule("US-02")
@pytest.mark.rule("US-03")
@pytest.mark.parametrize("name", [name for name in pages.ISSUED if name != "hostile"])
def test_names_creditor_applicant_request_date_and_action(name: str) -> None:
    case, text = pages.CASES[name], pages.text(pages.letter(name))
    bank = case.config.institution
    assert bank is not None
    for part in (bank.name, *bank.address, bank.telephone, case.addressee.name, *case.addressee.address):
        assert str(part) in text
    assert "November 22, 2026" in text
    assert "Your application of November 2, 2026: Personal loan, $9,000" in text
    assert LEGAL["action-denied"].text in text


@pytest.mark.rule("US-04")
@pytest.mark.rule("US-05")
@pytest.mark.parametrize("name", pages.ISSUED)
def test_holds_the_ecoa_notice_in_full(name: str) -> None:
    agency = LEGAL.agencies["fdic"]
    notice = LEGAL["ecoa-notice"].fill(agency=", ".join((agency.name, *agency.address)))
    assert squeezed(notice) in pages.text(pages.letter(name))


@pytest.mark.rule("US-08")
def test_report_block_follows_the_facts() -> None:
    block = squeezed(LEGAL["consumer-report"].text)
    assert block in pages.text(pages.letter("ordinary"))
    assert "Midland Credit Reporting, P.O. Box 4410, Columbus, OH 43004, 1-800-555-0117" in pages.text(
        pages.letter("ordinary")
    )
    without = pages.text(pages.letter("no-report"))
    assert block not in without
    assert "Midland" not in without


@pytest.mark.rule("US-09")
def test_score_block_keeps_the_bureaus_order_apart_from_the_reasons() -> None:
    text = pages.text(pages.letter("bureau"))
    assert "Your credit score: 612. Date: November 5, 2026. Scores range from a low of 300 to a high of 850." in text
    factors = text.split(LEGAL["credit-score-factors"].text)[1].split("Information from other sources")[0]
    expected = (*records.full_bureau().key_factors, LEGAL["credit-score-inquiries"].text)
    assert factors.strip() == " ".join(expected)
    assert LEGAL["credit-score-factors"].text not in pages.text(pages.letter("ordinary"))


@pytest.mark.rule("US-09")
def test_no_more_than_four_key_factors_without_inquiries() -> None:
    bureau = records.full_bureau().model_copy(update={"key_factors": tuple("ABCDEF"), "inquiries_key_factor": False})
    record = records.record(decision=records.decision(bureau=bureau))
    text = pages.text(report.letter_pdf(record, records.addressee(), records.config()))
    assert "A B C D Information" in text


@pytest.mark.rule("US-10")
def test_outside_information_block_follows_the_facts() -> None:
    block = squeezed(LEGAL["outside-information"].text)
    assert block in pages.text(pages.letter("bureau"))
    assert block not in pages.text(pages.letter("ordinary"))


@pytest.mark.parametrize("name", [name for name in pages.ISSUED if name != "hostile"])
def test_holds_no_number_of_the_explanation(name: str) -> None:
    text, record = pages.text(pages.letter(name)), pages.CASES[name].record
    assert "%" not in text
    assert "relevance" not in text.lower()
    for item in (*record.contributions, *record.families):
        for decimals in (2, 3, 4):
            number = signed(abs(item.relevance), decimals).lstrip("+")
            assert number == "0" * len(number) or not re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d.,])", text)
    for item in record.contributions:
        assert "_" not in item.column or item.column not in text


@pytest.mark.rule("G-09")
@pytest.mark.parametrize("name", ["ordinary", "bureau", "greek", "hostile"])
def test_metadata_hold_no_personal_data(name: str) -> None:
    case, found = pages.CASES[name], pages.metadata(pages.letter(name))
    for personal in (case.addressee.name, *case.addressee.address, case.record.decision.id):
        assert str(personal) not in found
        assert str(escape(personal)) not in found
    assert "Notice of action taken" in found


@pytest.mark.rule("G-02")
@pytest.mark.parametrize("name", [name for name in pages.CASES if name not in pages.ISSUED])
def test_refused_decisions_get_no_letter(name: str) -> None:
    case = pages.CASES[name]
    with pytest.raises(ReportError, match=str(case.record.refusals[0].state)):
        report.letter_pdf(case.record, case.addressee, case.config)
    with pytest.raises(ReportError, match="--draft"):
        report.letter_html(case.record, case.addressee, case.config)


@pytest.mark.parametrize("name", pages.CASES)
def test_no_page_of_a_draft_looks_final(name: str) -> None:
    pdf = pages.draft(name)
    assert pages.failures(pdf, "PDF_UA_1") == []
    assert all(NOTICE in text for text in pages.page_texts(pdf))
    assert NOTICE in pages.metadata(pdf)


@pytest.mark.parametrize("name", pages.ISSUED)
def test_no_final_letter_says_draft(name: str) -> None:
    assert "draft" not in pages.text(pages.letter(name)).lower()


def _without(**removed: Any) -> tuple[Record, AuditConfig]:
    bureau = records.decision(bureau=records.full_bureau())
    return records.record(decision=bureau), records.config(**removed)


def _facts(**changes: Any) -> Record:
    return records.record(decision=records.decision(**changes))


GAPS = {
    "approval.by": _without(approval=None),
    "institution.name": _without(institution=None),
    "consumer_reporting_agency.name": _without(consumer_reporting_agency=None),
    "credit_score.source": _without(credit_score=None),
    "credit_score.low": _without(credit_score=None),
    "facts.product": (_facts(product=None), records.config()),
    "--as-of": (_facts(dates=records.decision().dates.model_copy(update={"notice": None})), records.config()),
    "facts.bureau_score_date": (
        _facts(bureau=records.full_bureau().model_copy(update={"score_date": None})),
        records.config(),
    ),
    "facts.bureau_key_factors": (
        _facts(bureau=records.full_bureau().model_copy(update={"key_factors": ()})),
        records.config(),
    ),
    "families": (records.record(reasons=()), records.config()),
    "facts.decided_reasons": (_facts(decided_by="rule").model_copy(update={"reasons": ()}), records.config()),
    "families.employment.text.en": (records.with_text("employment", ""), records.config()),
    "institution.agency": _without(
        institution=records.config().institution.model_copy(update={"agency": "nobody"})  # type: ignore[union-attr]
    ),
}


@pytest.mark.rule("G-02")
@pytest.mark.parametrize("key", GAPS)
def test_a_gap_stops_the_letter_and_is_boxed_in_the_draft(key: str) -> None:
    record, config = GAPS[key]
    with pytest.raises(ReportError, match=re.escape(key)):
        report.letter_pdf(record, records.addressee(), config)
    html = report.letter_html(record, records.addressee(), config, draft=True)
    assert key == "approval.by" or re.search(rf'<span class="gap">[^<]*: {re.escape(key)}</span>', html)
    assert key in pages.text(report.letter_pdf(record, records.addressee(), config, draft=True))


@pytest.mark.parametrize("part", ["name", "address"])
def test_letter_needs_its_addressee(part: str) -> None:
    person = records.addressee(**{part: None if part == "name" else ()})
    with pytest.raises(ReportError, match=f"facts.{part}"):
        report.letter_pdf(records.record(), person, records.config())


def test_letter_in_a_language_without_template_is_refused() -> None:
    settings = records.config()
    settings = settings.model_copy(update={"documents": settings.documents.model_copy(update={"language": "de"})})
    with pytest.raises(ReportError, match=r"documents\.language"):
        report.letter_pdf(records.record(), records.addressee(), settings)


def test_unprintable_name_stops_the_letter_and_shows_in_the_draft() -> None:
    person = records.addressee(name="אבג Levi")
    with pytest.raises(ReportError, match=r"UNPRINTABLE_TEXT.*U\+05D0"):
        report.letter_pdf(records.record(), person, records.config())
    pdf = report.letter_pdf(records.record(), person, records.config(), draft=True)
    assert "[U+05D0][U+05D1][U+05D2] Levi" in pages.text(pdf)
    assert "documents.extra_fonts" in pages.text(pdf)
    assert pages.failures(pdf, "PDF_UA_1") == []


def test_html_twin_says_the_same_words() -> None:
    case = pages.CASES["bureau"]
    html = report.letter_html(case.record, case.addressee, case.config)
    body = re.sub(r"<[^>]+>", " ", html.split("<body>")[1])
    printed = pages.text(pages.letter("bureau")).replace("Page", "")
    assert sorted(set(re.findall(r"[A-Za-z]{2,}", body))) == sorted(set(re.findall(r"[A-Za-z]{2,}", printed)))


def test_headings_run_from_the_first_level() -> None:
    roles = [role for role, _ in pages.elements(pages.letter("bureau")) if re.fullmatch(r"/H\d", role)]
    assert roles == ["/H1", "/H2", "/H2", "/H2", "/H2"]
