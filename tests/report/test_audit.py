"""The internal audit: every number of the record, marked internal, archived with the record itself."""

from __future__ import annotations

import datetime as dt
import io
import re

import pages
import pikepdf
import pytest
import records

from lrp_audit import report
from lrp_audit.language.messages import ENGLISH
from lrp_audit.records.record import Counteroffer, Dates, DecisionFacts, Incompleteness, canonical, digest
from lrp_audit.report.actions import action_facts
from lrp_audit.report.formats import signed
from lrp_audit.report.standing import due_date


@pytest.mark.parametrize("name", pages.CASES)
def test_is_archival_and_accessible(name: str) -> None:
    assert pages.failures(pages.audit(name), "PDF_A_3A", "PDF_UA_1") == []


@pytest.mark.parametrize("name", pages.CASES)
def test_attaches_the_canonical_record_and_nothing_else(name: str) -> None:
    expected = {"record.json": (canonical(pages.CASES[name].record), "/Source")}
    assert pages.attachments(pages.audit(name)) == expected


@pytest.mark.rule("CA-14")
@pytest.mark.parametrize("name", pages.CASES)
def test_every_page_is_marked_internal_and_carries_the_record_hash(name: str) -> None:
    texts = pages.page_texts(pages.audit(name))
    sha256 = digest(pages.CASES[name].record)
    for number, text in enumerate(texts, start=1):
        assert "INTERNAL" in text
        assert sha256 in text
        assert f"{number} / {len(texts)}" in text


@pytest.mark.rule("CA-01")
@pytest.mark.rule("CA-02")
def test_first_page_is_the_decision_at_a_glance() -> None:
    first = pages.page_texts(pages.audit("ordinary"))[0]
    for part in (
        "Decision audit 2026-004711",
        "Applicant 9f2c41d07be35a18 · Personal loan, $9,000",
        "Letter ready for review",
        "Notice due December 5, 2026; 13 days left on November 22, 2026",
        "decided by the score",
        "recorded outcome denied, score 0.8038, model version 3.2: reproduced",
        "probability 0.8038, cutoff 0.5",
        "The 4 stated reasons hold 88% of what counted against the applicant.",
        "stated 1.98, random 0.21",
        "none named among the model's inputs · age 62 or older: no",
        "near cutoff, 200 people, 64 members, October 1, 2026",
        "version 7, approved by J. Okafor, General Counsel, September 14, 2026",
        "Uphold Overturn Return",
    ):
        assert part in first
    assert first.count("FLAG") == 1


@pytest.mark.rule("RS-08")
def test_first_page_sums_close() -> None:
    record, first = records.record(), pages.page_texts(pages.audit("ordinary"))[0]
    favour = sum(family.relevance for family in record.families if family.relevance < 0)
    total = sum(item.relevance for item in record.contributions)
    assert f"in favour {signed(favour, 3)} · sum {signed(total, 3)} · difference explained {signed(total, 3)}" in first


@pytest.mark.rule("CA-04")
@pytest.mark.rule("CA-06")
@pytest.mark.parametrize("name", ["ordinary", "wide", "missing", "huge"])
def test_every_column_stands_in_order_with_its_value(name: str) -> None:
    text, record = pages.text(pages.audit(name)), pages.CASES[name].record
    table = text.split("All input columns, most adverse first")[1]
    positions = [table.index(f"{item.label} {item.column}") for item in record.contributions]
    assert positions == sorted(positions)
    for item in record.contributions:
        assert item.display in table
    assert name != "missing" or table.count("imputed") == sum(item.imputed for item in record.contributions)


@pytest.mark.rule("CA-07")
@pytest.mark.parametrize("name", pages.CASES)
def test_reasons_stand_as_sent_beside_their_columns(name: str) -> None:
    text, record = pages.text(pages.audit(name)), pages.CASES[name].record
    chapter = text.split("Reasons, features and text")[1]
    positions = [chapter.index(" ".join(reason.text.split())[:40]) for reason in record.reasons]
    assert positions == sorted(positions)
    for reason in record.reasons:
        assert reason.text_key in chapter
        assert all(column.split()[0] in chapter for column in reason.columns)


@pytest.mark.rule("CA-08")
@pytest.mark.rule("CA-09")
def test_checks_print_their_numbers_or_that_they_were_not_performed() -> None:
    text = pages.text(pages.audit("ordinary"))
    checks, limits = text.split("Measured Meaning")[1], text.split("Not checked:")[1]
    for check in records.CHECKS:
        assert check.title in " ".join(checks.split())
        if check.status == "not performed":
            assert f"{check.title} not performed" in checks
            assert check.title in limits
    assert "kept 2, stated 4, threshold 3" in checks


@pytest.mark.rule("RS-07")
@pytest.mark.rule("CA-03")
@pytest.mark.rule("CA-05")
def test_reference_and_provenance_are_complete() -> None:
    text, record = pages.text(pages.audit("ordinary")), records.record()
    assert record.reference is not None
    hashes = [record.model.file_sha256, record.model.weights_sha256, record.model.preprocessing_sha256]
    for sha256 in (*hashes, record.reference.sha256, record.config_sha256, digest(record)):
        assert str(sha256) in text
    for part in ("Represented by members, 64, seed 0", "LRP, lrp0", "logit of 'denied' minus logit of 'approved'"):
        assert part in text
    for name, version in record.versions.items():
        assert f"{name} {version}" in text
    assert "Known limits not supplied" in text


@pytest.mark.rule("CA-12")
def test_sign_off_is_empty_and_drawn() -> None:
    first = pages.page_texts(pages.audit("ordinary"))[0]
    assert "Name Role Date and time Uphold Overturn Return Grounds, and any disagreement" in first
    assert "☐" not in first


@pytest.mark.rule("CA-13")
@pytest.mark.rule("G-03")
@pytest.mark.rule("G-05")
@pytest.mark.parametrize("name", pages.CASES)
def test_states_limits_and_no_verdict(name: str) -> None:
    text = pages.text(pages.audit(name))
    assert "It does not say what causes default" in text
    assert not re.search(r"\b(compliant|unbiased|lawful|fair)\b(?! Credit)", text, flags=re.IGNORECASE)


def test_refusals_stand_with_state_rule_evidence_and_next_step() -> None:
    text = pages.text(pages.audit("refused"))
    refusal = records.REFUSAL
    first = pages.page_texts(pages.audit("refused"))[0]
    assert f"Refused: {refusal.state}" in first
    assert f"{refusal.rule}: {refusal.evidence} Next step: {refusal.next_step}" in first
    assert "Letter ready" not in text


def test_a_row_that_could_not_be_scored_says_so() -> None:
    text = pages.text(pages.audit("unscored"))
    assert "Refused: INVALID_INPUT" in text
    assert text.count("Not available: the row could not be scored.") == 2


def test_protected_inputs_are_named_and_flagged() -> None:
    first = pages.page_texts(pages.audit("protected"))[0]
    assert re.search(r"inputs of the model: Loan to value of the car \(age\) \+0.300 · age 62 or older: no FLAG", first)


def test_long_tables_repeat_their_head() -> None:
    texts = pages.page_texts(pages.audit("wide"))
    assert sum("Applicant Reference" in text and "Notes" in text for text in texts) >= 2


def test_holds_no_name_or_address() -> None:
    person = records.addressee()
    everything = pages.text(pages.audit("ordinary")) + pages.metadata(pages.audit("ordinary"))
    for personal in (person.name, *person.address):
        assert str(personal) not in everything


@pytest.mark.rule("G-09")
def test_metadata_hold_no_identifier() -> None:
    head = pages.metadata(pages.audit("hostile")).split("Decision audit")[0]
    assert "Internal decision audit, record" in head
    assert "etc/passwd" not in head


def test_unprintable_characters_are_shown_as_code_points() -> None:
    plain = records.record()
    record = plain.model_copy(update={"flags": ("name אב, override \u202e, tab\tend, null \x00",)})
    pdf = report.audit_pdf(record, records.config())
    assert "name [U+05D0][U+05D1], override [U+202E], tab end, null [U+0000]" in pages.text(pdf)
    assert pages.failures(pdf, "PDF_A_3A", "PDF_UA_1") == []


@pytest.mark.parametrize(
    ("due", "notice", "sent", "expected"),
    [
        (None, None, None, "not known, since no completion or decision date is supplied"),
        ((2026, 12, 5), None, None, "December 5, 2026"),
        ((2026, 12, 5), (2026, 12, 4), None, "December 5, 2026; 1 day left on December 4, 2026"),
        ((2026, 12, 5), (2026, 12, 5), None, "December 5, 2026; 0 days left on December 5, 2026"),
        ((2026, 12, 5), (2026, 12, 7), None, "December 5, 2026; overdue by 2 days on December 7, 2026"),
        ((2026, 12, 5), (2026, 12, 7), (2026, 12, 6), "December 5, 2026; sent December 6, 2026, 1 day late"),
        ((2026, 12, 5), None, (2026, 12, 5), "December 5, 2026; sent December 5, 2026, in time"),
    ],
)
def test_due_date_is_told_from_the_records_own_dates(
    due: tuple[int, int, int] | None,
    notice: tuple[int, int, int] | None,
    sent: tuple[int, int, int] | None,
    expected: str,
) -> None:
    days = [None if day is None else dt.date(*day) for day in (due, notice, sent)]
    assert due_date(Dates(notice_due=days[0], notice=days[1], notice_sent=days[2]), ENGLISH) == expected


def test_figures_have_sentences_and_headings_a_ladder() -> None:
    found = pages.elements(pages.audit("ordinary"))
    figures = [alternative for role, alternative in found if role == "/Figure"]
    assert len(figures) == 3  # score, bars of families, waterfall
    assert all(re.match(r"[A-Z].*\.$", alternative) for alternative in figures)
    assert [role for role, _ in found if role == "/H1"] == ["/H1"]
    assert not [role for role, _ in found if re.fullmatch(r"/H[3-6]", role)]


@pytest.mark.parametrize(
    ("letter", "language", "paper"), [("us-notice", "en", 612), ("eu-letter", "de", 595), ("uk-letter", "en", 595)]
)
def test_internal_audits_have_the_paper_of_the_lender_s_country(letter: str, language: str, paper: int) -> None:
    config = records.config()
    documents = config.documents.model_copy(update={"letter": letter, "language": language})
    pdf = report.audit_pdf(records.record(), config.model_copy(update={"documents": documents}))
    with pikepdf.open(io.BytesIO(pdf)) as file:
        assert {round(float(page.mediabox[2])) for page in file.pages} == {paper}


def test_a_counteroffer_and_missing_information_are_listed_and_a_plain_denial_has_neither() -> None:
    day, until = dt.date(2026, 11, 2), dt.date(2026, 12, 2)
    denied = DecisionFacts(id="1", applicant="a")
    offer = Counteroffer(terms=("$5,000", "36 months"), accept_by=until)
    earlier = Counteroffer(terms=("$5,000",), made=day)
    missing = Incompleteness(items=("Proof of income",), respond_by=until)
    shown = {
        name: [(fact.label, fact.text) for fact in action_facts(denied.model_copy(update=facts), ENGLISH)]
        for name, facts in {
            "denied": {},
            "counteroffer": {"action": "counteroffer", "counteroffer": offer},
            "not accepted": {"counteroffer": earlier},
            "incomplete": {"action": "incomplete", "incompleteness": missing},
        }.items()
    }
    assert shown == {
        "denied": [],
        "counteroffer": [("Counteroffer", "$5,000; 36 months"), ("Counteroffer ends", "December 2, 2026")],
        "not accepted": [("Counteroffer made, not accepted", "November 2, 2026")],
        "incomplete": [("Missing information", "Proof of income"), ("Needed by", "December 2, 2026")],
    }
