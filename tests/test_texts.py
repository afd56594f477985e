"""The shipped texts are what the law says, approved by nobody, and filled without reading what is filled in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit import resources
from lrp_audit.errors import ConfigError, ReportError
from lrp_audit.language import phrasebook, texts
from lrp_audit.language.phrasebook import first_fault

ENGLISH = texts.load("en")
BOOK = phrasebook.load("en")
EVERY = [*ENGLISH.legal.values(), *ENGLISH.reasons.values(), *ENGLISH.agencies.values()]
FORM_C1 = {
    "Credit application incomplete",
    "Insufficient number of credit references provided",
    "Unacceptable type of credit references provided",
    "Unable to verify credit references",
    "Temporary or irregular employment",
    "Unable to verify employment",
    "Length of employment",
    "Income insufficient for amount of credit requested",
    "Excessive obligations in relation to income",
    "Unable to verify income",
    "Length of residence",
    "Temporary residence",
    "Unable to verify residence",
    "No credit file",
    "Limited credit experience",
    "Poor credit performance with us",
    "Delinquent past or present credit obligations with others",
    "Collection action or judgment",
    "Garnishment or attachment",
    "Foreclosure or repossession",
    "Bankruptcy",
    "Number of recent inquiries on credit bureau report",
    "Value or type of collateral not sufficient",
}


@pytest.mark.rule("G-11")
def test_every_text_names_source_and_version_and_is_approved_by_nobody() -> None:
    for entry in EVERY:
        assert entry.approved is False
        assert re.fullmatch(r"\d{4}-\d{2}", entry.version)
        assert entry.source.strip()
        assert entry.language == ENGLISH.language == "en"


@pytest.mark.rule("US-04")
def test_the_ecoa_notice_is_the_regulation_s(tmp_path: Path) -> None:
    """12 CFR 1002.9(b)(1), word for word."""
    assert ENGLISH["ecoa-notice"].fill(agency="[name and address]") == (
        "The Federal Equal Credit Opportunity Act prohibits creditors from discriminating against credit applicants on "
        "the basis of race, color, religion, national origin, sex, marital status, age (provided the applicant has the "
        "capacity to enter into a binding contract); because all or part of the applicant's income derives from any "
        "public assistance program; or because the applicant has in good faith exercised any right under the Consumer "
        "Credit Protection Act. The Federal agency that administers compliance with this law concerning this creditor "
        "is [name and address]."
    )


@pytest.mark.rule("US-08")
@pytest.mark.parametrize(
    "duty", ["no part in our decision", "unable to supply specific reasons", "free copy", "60 days", "dispute"]
)
def test_the_consumer_report_block_holds_every_statement_of_the_act(duty: str) -> None:
    """15 USC 1681m(a)(3), (4)."""
    assert duty in ENGLISH["consumer-report"].text


@pytest.mark.rule("US-09", "US-10")
def test_score_and_outside_information_have_their_statements() -> None:
    assert ENGLISH["credit-score-value"].slots == {"score", "score_date", "low", "high"}
    assert "60 days" in ENGLISH["outside-information"].text


def test_sample_reasons_are_those_of_the_forms() -> None:
    own = {reason.text for reason in ENGLISH.reasons.values() if "C-1" in reason.source}
    assert own == FORM_C1
    assert {reason.text for reason in ENGLISH.reasons.values()} - own == {
        "Insufficient bank references",
        "Type of occupation",
        "Insufficient credit experience",
        "Inadequate down payment",
        "No deposit relationship with us",
    }


def test_no_shipped_statement_says_what_a_statement_may_not() -> None:
    for reason in ENGLISH.reasons.values():
        assert first_fault(reason.text, (*BOOK.anywhere, *BOOK.reasons, *BOOK.prohibited)) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "Does not meet our internal standards",
        "Our lending policies",
        "Contrary to CREDIT  POLICY\nguidelines",
        "Failed to reach a qualifying score",
        "Score too low",
        "The algorithm decided",
        "Declined by AI",
        "If you repay, you will be approved",
        "Reduce your debts",
    ],
)
def test_forbidden_phrases_are_found_in_any_case_and_spacing(sentence: str) -> None:
    assert first_fault(sentence, (*BOOK.anywhere, *BOOK.reasons)) is not None


@pytest.mark.parametrize(
    "sentence", ["Type of brace", "Sexton's income", "Paid by air carrier", "Coloratura", "Ranger"]
)
def test_parts_of_words_are_not_phrases(sentence: str) -> None:
    assert first_fault(sentence, (*BOOK.anywhere, *BOOK.reasons, *BOOK.prohibited)) is None


@given(value=st.text())
def test_what_is_filled_in_is_never_read_for_slots(value: str) -> None:
    text = ENGLISH["ecoa-notice"]
    before, after = text.text.split("{agency}")
    assert text.fill(agency=value) == before + value + after


def test_slots_must_be_known_and_filled() -> None:
    with pytest.raises(ReportError, match="needs a value for its slot 'agency'"):
        ENGLISH["ecoa-notice"].fill()
    with pytest.raises(ReportError, match=r"no slot '__class__'; allowed: .*agency"):
        ENGLISH["ecoa-notice"].fill(agency="A", __class__="B")
    assert ENGLISH["questions"].fill(agency="not in this text") == ENGLISH["questions"].text


def test_unknown_texts_and_languages_are_named() -> None:
    with pytest.raises(ReportError, match="did you mean 'ecoa-notice'"):
        ENGLISH["ecoa-notices"]
    for language in ("xx", "../texts/en", "en.toml", ""):
        with pytest.raises(ConfigError, match=r"documents\.language.*available: .*en"):
            texts.load(language)


def test_every_shipped_language_loads() -> None:
    assert "en" in texts.languages()
    for language in texts.languages():
        assert texts.load(language).language == language


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (("approved = false", "approved = true"), "approved = false"),
        (("{agency}", "{agency.__class__}"), "brace"),
        (("{agency}", "{agnecy}"), "brace"),
        (('id = "questions"', 'id = "ecoa-notice"'), "twice"),
        (('id = "questions"', 'ident = "questions"'), "ident"),
        (("[[agency]]", "[[agencies]]"), "agency"),
        (("[[text]]", "[[text"), "line"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, damage: tuple[str, str], message: str) -> None:
    whole = (resources.templates() / "texts" / "en.toml").read_text(encoding="utf-8")
    assert damage[0] in whole
    path = tmp_path / "en.toml"
    path.write_text(whole.replace(*damage), encoding="utf-8")
    with pytest.raises(ReportError, match=f"'en.toml' are damaged.*{message}"):
        texts.read(path)


def test_templates_are_found_in_a_checkout_and_in_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resources.templates() == Path(__file__).parents[1] / "templates"
    package = tmp_path / "site" / "lrp_audit"
    package.mkdir(parents=True)
    monkeypatch.setattr(resources, "__file__", str(package / "resources.py"))
    with pytest.raises(ReportError, match="install the package again"):
        resources.templates()
    (package / "templates" / "texts").mkdir(parents=True)
    assert resources.templates() == package / "templates"
