"""The audit's chapter on verified variations: what was found, what was tried, and nothing that could be a promise."""

from __future__ import annotations

import pages
import pytest
import records

from lrp_audit import report
from lrp_audit.language.messages import ENGLISH, for_reviewers
from lrp_audit.records.record import Change, Record, Variation, Variations
from lrp_audit.records.text_record import TextEvidence, TextWord
from lrp_audit.report.variations_view import variations_view

HEADING = "What would have changed the outcome"


def change(column: str, label: str, value: float, before: str, after: str) -> Change:
    return Change(column=column, label=label, value=value, display=after, from_display=before)


DEBTS = change("dti_ratio", "Debt payments to income", 0.3, "46%", "30%")
SAVINGS = change("savings_amt", "Savings", 9000, "$4,200.00", "$9,000.00")
FOUND = Variations(
    found=(
        Variation(changes=(DEBTS,), score=0.4321, margin=-0.27),
        Variation(changes=(DEBTS, SAVINGS), score=0.4, margin=-0.4),
    ),
    tried=1234,
    most_changes=3,
    columns=("dti_ratio", "savings_amt"),
)
NONE = FOUND.model_copy(update={"found": ()})
NOTHING = Variations(found=(), tried=0, most_changes=3, columns=())
TEXT = TextEvidence(
    column="story",
    label="Your message",
    text="I lost my job. The weather was fine. I owe [name] money.",
    words=(),
    sentences=tuple(TextWord(start=a, end=b, relevance=0.1) for a, b in ((0, 14), (15, 36), (37, 57))),
)
LEFT_OUT = Variations(found=(), tried=5, most_changes=3, columns=(), left_out=(0, 2), left_out_score=0.3)


def with_variations(found: Variations | None) -> Record:
    mutable = tuple(
        item.model_copy(update={"mutable": item.column in {"dti_ratio", "savings_amt"}}) for item in records.columns()
    )
    texts = (TEXT,) if found is not None and found.left_out else ()
    return records.record(variations=found, contributions=mutable, text_evidence=texts)


def chapter(found: Variations | None) -> str:
    text = pages.text(report.audit_pdf(with_variations(found), records.config()))
    return text.split(HEADING)[1].split("Conservation ledger")[0] if HEADING in text else ""


@pytest.mark.rule("CA-10")
def test_every_change_stands_with_both_values_both_scores_and_whether_the_person_can_change_it() -> None:
    text = chapter(FOUND)
    assert "1 Debt payments to income dti_ratio 46% 30% yes 0.8038 0.4321" in text
    assert "2 Debt payments to income dti_ratio 46% 30% yes 0.8038 0.4" in text
    assert "2 Savings savings_amt $4,200.00 $9,000.00 yes 0.8038 0.4" in text
    assert "among 1,234 combinations tried, of at most 3 changes at once" in text
    assert "Debt payments to income, Savings. All else was held fixed." in text


@pytest.mark.rule("CA-10")
def test_none_found_is_said_with_what_was_tried() -> None:
    assert "None found among 1,234 combinations tried" in chapter(NONE)
    assert "no column is marked mutable" in chapter(NOTHING)
    assert chapter(None) == ""


@pytest.mark.rule("CA-10")
@pytest.mark.rule("CA-11")
def test_sentences_left_out_stand_as_masked() -> None:
    text = chapter(LEFT_OUT)
    assert "Sentence 1: I lost my job." in text
    assert "Sentence 3: I owe [name] money." in text
    assert "weather" not in text
    assert "Score without these sentences: 0.3, instead of 0.8038." in text


@pytest.mark.rule("G-06")
@pytest.mark.parametrize("found", [FOUND, NONE, LEFT_OUT], ids=["found", "none", "text"])
def test_nothing_is_advised_or_promised(found: Variations) -> None:
    text = chapter(found)
    assert "neither advice nor a promise" in text
    assert not any(word in text for word in (" will be ", " would be approved", " should ", " you "))


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_the_chapter_is_in_the_reviewers_language(language: str) -> None:
    documents = records.config().documents.model_copy(update={"audit_language": language})
    settings = records.config(documents=documents)
    for found in (FOUND, NONE, NOTHING, LEFT_OUT):
        english = variations_view(with_variations(found), ENGLISH)
        translated = variations_view(with_variations(found), for_reviewers(settings))
        assert translated.result != english.result
        assert len(translated.notes) == len(english.notes)
        assert not set(translated.notes) & set(english.notes)


@pytest.mark.parametrize("found", [FOUND, NOTHING, LEFT_OUT], ids=["found", "nothing", "text"])
def test_audits_with_it_are_archival_and_accessible(found: Variations) -> None:
    assert pages.failures(report.audit_pdf(with_variations(found), records.config()), "PDF_A_3A", "PDF_UA_1") == []


def test_hostile_values_are_printed_as_text() -> None:
    hostile = change(records.HOSTILE, records.HOSTILE, 1, records.HOSTILE, records.HOSTILE)
    found = FOUND.model_copy(update={"found": (Variation(changes=(hostile,), score=0.1, margin=-1.0),)})
    assert "{{7*7}}" in chapter(found)
