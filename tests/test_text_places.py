"""What a letter says of the text that a reason was found in: which one, of what date, and nothing of its words."""

import datetime as dt

import pandas as pd
import pytest

from lrp_audit import report
from lrp_audit.adapters.huggingface import open_directory
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import adapted, decision_model, new_session
from lrp_audit.judging.text_places import LONGEST, placed
from lrp_audit.records.record import Reason
from lrp_audit.records.text_record import MappedSpan, SpecialContent, TextEvidence
from lrp_audit.resources import samples
from lrp_audit.settings.config import load
from lrp_audit.tables import read_table

FOLDER = samples() / "text"
NOTICE = dt.date(2026, 11, 16)
TEXT = "I lost my job and was laid off by [name] in [health] May"


def reason(family: str) -> Reason:
    return Reason(rank=1, family=family, text="Employment", text_key="k", relevance=1.0, columns=("narrative",))


def span(phrase: str, relevance: float, family: str = "job", text: str = TEXT) -> MappedSpan:
    start = text.index(phrase)
    return MappedSpan(
        family=family, start=start, end=start + len(phrase), relevance=relevance, found_by="term", expression="x"
    )


def evidence(*mapped: MappedSpan, text: str = TEXT, **changes: object) -> TextEvidence:
    return TextEvidence(column="narrative", label="Your message", text=text, words=(), mapped=mapped, **changes)


def place(*texts: TextEvidence, quote: bool = True):
    (found,) = placed([reason("job")], texts, quote=quote)
    return found.place


def test_the_strongest_phrase_of_a_reason_is_quoted_masked_and_only_on_request() -> None:
    text = evidence(span("lost my job", 1.0), span("laid off by [name]", 2.0), date=dt.date(2026, 5, 4))
    assert place(text).quote == "laid off by [name]"
    assert place(text).date == dt.date(2026, 5, 4)
    assert place(text, quote=False).quote is None
    assert place(text, quote=False).label == "Your message"


def test_words_that_count_for_the_applicant_or_for_another_reason_place_nothing() -> None:
    assert place(evidence(span("lost my job", -1.0))) is None
    assert place(evidence(span("lost my job", 1.0, family="other"))) is None
    assert place() is None


def test_of_two_texts_that_of_the_strongest_phrase_is_named() -> None:
    first, second = evidence(span("lost my job", 1.0)), evidence(span("laid off", 2.0))
    assert place(first, second.model_copy(update={"label": "The second text"})).label == "The second text"


def test_a_phrase_beside_a_special_category_or_a_long_one_is_not_quoted() -> None:
    category = SpecialContent(category="health", rule="GDPR Art. 9", protected="special", places=1, relevance=0.0)
    assert place(evidence(span("in [health] May", 1.0), special=(category,))).quote is None
    words = "job " * LONGEST
    assert place(evidence(span(words.strip(), 1.0, text=words), text=words)).quote is None


@pytest.fixture(scope="module")
def pretrained():
    return open_directory(FOLDER / "synthetic_model")


@pytest.fixture(scope="module")
def frame():
    return read_table(FOLDER / "synthetic_narratives.csv", text=text_columns(load(FOLDER / "audit.toml").facts))


def judged(pretrained, frame: pd.DataFrame, **text: object):
    config = load(FOLDER / "audit.toml")
    assert config.text is not None
    config = config.model_copy(update={"text": config.text.model_copy(update=text)})
    model = decision_model(config, adapted(config, pretrained), frame, file_sha256="0" * 64)
    return config, list(decide(new_session(config, model, bytes(32)), frame, notice=NOTICE))


@pytest.mark.parametrize("quote", [False, True])
def test_the_notice_names_the_message_by_its_date_and_quotes_only_on_request(pretrained, frame, quote) -> None:
    config, decisions = judged(pretrained, frame, quote=quote)
    ready = [item for item in decisions if item.record.refusal is None]
    assert ready
    for item in ready:
        html = report.letter_html(item.record, item.addressee, config)
        phrases = {
            text.text[found.start : found.end] for text in item.record.text_evidence for found in text.mapped
        } - {found.text for found in item.record.reasons}
        assert html.count("(see: Your message of ") == len(item.record.reasons)
        assert html.count("“") == (len(item.record.reasons) if quote else 0)
        assert quote or not any(phrase in html for phrase in phrases)


def test_a_text_without_a_date_is_named_without_one(pretrained, frame) -> None:
    rows = frame.assign(written="").iloc[:6]
    config, decisions = judged(pretrained, rows, date="written")
    letters = [report.letter_html(i.record, i.addressee, config) for i in decisions if i.record.refusal is None]
    assert letters
    assert all("(see: Your message)" in html for html in letters)


def test_a_date_that_is_none_is_named(pretrained, frame) -> None:
    rows = frame.iloc[:2].assign(written=["soon", "2026-10-03"])
    _, (bad, good) = judged(pretrained, rows, date="written")
    assert bad.record.refusal.state == "INVALID_INPUT"
    assert "'written': 'soon' is not a date" in bad.record.refusal.evidence
    assert good.record.text_evidence[0].date == dt.date(2026, 10, 3)
