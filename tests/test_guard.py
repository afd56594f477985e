"""No letter says what it may not: found wherever it stands, and whatever was supplied by others is left alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import records
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from lrp_audit import report
from lrp_audit.errors import ReportError
from lrp_audit.judging.guard import faults
from lrp_audit.language import phrasebook
from lrp_audit.records.record import Change, Counteroffer, Variation, Variations
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ColumnSection, FamilySection

RECORD, PERSON, CONFIG = records.record(), records.addressee(), records.config()
PAGE = report.letter_html(RECORD, PERSON, CONFIG)
BOOKS = {language: phrasebook.load(language) for language in phrasebook.languages()}
PHRASES = [
    (language, phrase.rstrip("*"))
    for language, book in BOOKS.items()
    for group in book.anywhere
    for phrase in group.phrases
]
CONTRIBUTIONS = [item.relevance for item in (*RECORD.contributions, *RECORD.families)]
AGAINST = sum(max(item.relevance, 0) for item in RECORD.families)


def with_language(language: str) -> AuditConfig:
    documents = CONFIG.documents.model_copy(update={"language": language})
    return CONFIG.model_copy(update={"documents": documents})


def planted(text: str, config: AuditConfig = CONFIG, **record: Any) -> tuple[str, ...]:
    """What is found once a paragraph of ours with this text stands in the letter."""
    page = PAGE.replace("<h1>", f"<p>{escape(text)}</p><h1>", 1)
    assert page != PAGE
    return faults(page, RECORD.model_copy(update=record), PERSON, config)


def test_an_ordinary_letter_has_no_fault() -> None:
    assert faults(PAGE, RECORD, PERSON, CONFIG) == ()


@pytest.mark.rule("G-03", "G-05", "G-06")
@given(chosen=st.sampled_from(PHRASES), upper=st.booleans())
def test_a_phrase_in_our_words_is_found_in_its_language(chosen: tuple[str, str], upper: bool) -> None:
    language, phrase = chosen
    found = planted(f"Abc {phrase.upper() if upper else phrase}; def.", with_language(language))
    assert len(found) == 1
    assert found[0].startswith("says '")


@pytest.mark.rule("G-02", "G-06")
def test_a_fault_stops_the_letter_and_not_the_draft() -> None:
    reason = RECORD.reasons[0].model_copy(update={"text": "With less debt it would be approved"})
    record = RECORD.model_copy(update={"reasons": (reason, *RECORD.reasons[1:])})
    with pytest.raises(ReportError, match=r"The letter says 'would be approved': .*G-06"):
        report.letter_pdf(record, PERSON, CONFIG)
    assert "would be approved" in report.letter_html(record, PERSON, CONFIG, draft=True)


@given(chosen=st.sampled_from([phrase for language, phrase in PHRASES if language == "en"]))
def test_what_others_supplied_is_not_ours(chosen: str) -> None:
    """An applicant may live in Fair Street, and a bureau may say what it says."""
    bureau = records.full_bureau().model_copy(update={"key_factors": (f"Factor: {chosen}",)})
    facts = records.decision(product=f"{chosen} loan", amount=chosen, bureau=bureau, reference=chosen)
    record = records.record(decision=facts)
    person = records.addressee(name=f"{chosen} Jones", address=(f"1 {chosen} Street", "Chicago"))
    assert faults(report.letter_html(record, person, CONFIG), record, person, CONFIG) == ()


@pytest.mark.parametrize("name", ["dti_ratio", "DTI_RATIO", "months_employed", "inq_6m"])
def test_a_column_name_is_found(name: str) -> None:
    assert planted(f"The value of {name} counted.") == (
        f"holds the column name '{name.lower()}', which an applicant cannot understand",
    )


def test_a_column_name_that_is_a_label_or_an_ordinary_word_is_none() -> None:
    labelled = CONFIG.model_copy(update={"columns": {"dti_ratio": ColumnSection(label="DTI_ratio")}})
    assert planted("The value of dti_ratio counted.", labelled) == ()
    plain = RECORD.contributions[0].model_copy(update={"column": "income"})
    assert planted("The value of income counted.", contributions=(plain,)) == ()


@pytest.mark.rule("CA-07")
@given(value=st.sampled_from(CONTRIBUTIONS), decimals=st.integers(2, 6), data=st.data())
def test_a_contribution_is_found_however_it_is_rounded(value: float, decimals: int, data: st.DataObject) -> None:
    printed = f"{abs(value):.{decimals}f}"
    if len(printed.replace(".", "").lstrip("0")) < 2:
        return  # 0.03 may be anything
    text = data.draw(st.sampled_from(["", "+", "-", "\N{MINUS SIGN}"])) + printed
    text = text.replace(".", data.draw(st.sampled_from([".", ","])))
    text = data.draw(st.sampled_from(["It counted {}.", "({})", "{}", "by {}, most of all", "x={}"])).format(text)
    assert planted(text), text


@given(
    value=st.sampled_from([item.relevance for item in RECORD.families if item.relevance > 0]),
    decimals=st.integers(0, 3),
    data=st.data(),
)
def test_a_share_is_found_however_it_is_rounded(value: float, decimals: int, data: st.DataObject) -> None:
    text = f"{100 * value / AGAINST:.{decimals}f}".replace(".", data.draw(st.sampled_from([".", ","])))
    sign = data.draw(st.sampled_from(["%", " %", "\N{NO-BREAK SPACE}%", "\N{NARROW NO-BREAK SPACE}%"]))
    plain = tuple(item.model_copy(update={"display": "given"}) for item in RECORD.contributions)  # no values in percent
    assert planted(f"It holds {text}{sign} of all.", contributions=plain)


@given(value=st.floats(0, 1e6), decimals=st.integers(2, 6))
def test_other_numbers_are_none(value: float, decimals: int) -> None:
    printed = f"{value:,.{decimals}f}"
    if any(f"{abs(item):.{decimals}f}" == printed for item in CONTRIBUTIONS):
        return
    assert planted(f"The rate is {printed} a year.") == ()


@pytest.mark.parametrize(
    "text",
    ["within 60 days", "by 11/05/2026", "05.11.2026", "7 of 10", "(312) 555-0142", "0.7", "12 CFR 1002.9", "3,500"],
)
def test_numbers_of_letters_are_none_of_an_explanation(text: str) -> None:
    assert planted(f"See {text}, please.") == ()


def test_numbers_of_values_terms_and_approved_statements_are_accounted_for() -> None:
    first = RECORD.contributions[0].model_copy(update={"display": "0.71", "value": 0.71})
    assert planted("Debt payments to income: 0.71", contributions=(first, *RECORD.contributions[1:])) == ()
    offer = records.decision(action="counteroffer", counteroffer=Counteroffer(terms=("0.71 % a month",)))
    assert planted("0.71 % a month", decision=offer) == ()
    change = Change(column="a", label="A", value=0.52, display="0.52", from_display="0.71")
    tried = Variations(found=(Variation(changes=(change,), score=0, margin=0),), tried=1, most_changes=1, columns=())
    assert planted("With 0.52 instead of 0.71", variations=tried) == ()
    worded = FamilySection(text={"en": "Obligations above 0.71 of income"})
    named = CONFIG.model_copy(update={"families": CONFIG.families | {"obligations": worded}})
    assert planted("Obligations above 0.71 of income", named) == ()
    assert planted("Obligations above 0.71 of income") != ()


def test_style_sheets_are_no_words() -> None:
    page = PAGE.replace("<style>", "<style>/* fair: 0.71 dti_ratio */", 1)
    assert page != PAGE
    assert faults(page, RECORD, PERSON, CONFIG) == ()


def test_markup_does_not_hide_a_phrase() -> None:
    page = PAGE.replace("<h1>", "<p>It will <b>be</b>\n<i>approv</i>ed.</p><h1>", 1)
    assert faults(page, RECORD, PERSON, CONFIG) != ()
    apart = PAGE.replace("<h1>", "<p>It will</p><p>be approved</p><h1>", 1)
    assert faults(apart, RECORD, PERSON, CONFIG) == ()


def test_a_date_is_not_read_as_a_number() -> None:
    decided = records.decision(dates=records.decision().dates.model_copy(update={"decision": dt.date(2026, 7, 1)}))
    assert faults(PAGE, records.record(decision=decided), PERSON, CONFIG) == ()
