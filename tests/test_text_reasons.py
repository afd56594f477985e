from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lrp_audit.deciding.text_evidence import special_content_refusal, text_reader
from lrp_audit.errors import ConfigError, DataError
from lrp_audit.judging.case import Case
from lrp_audit.judging.reasons import group, judge, stated
from lrp_audit.judging.text_reasons import UNMAPPED, LabelledSpan, assign, claims, contributions, rankable, read_spans
from lrp_audit.language.wording import wording
from lrp_audit.privacy.special_categories import scanner
from lrp_audit.records.record import ColumnContribution, Dates, DecisionFacts, ModelFacts, Outcome
from lrp_audit.records.text_record import TextWord
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import DocumentsSection, FamilySection, ModelSection
from lrp_audit.settings.text_config import ReasonWords, TextSection

ENGLISH = scanner("en")
LABELS = {"employment": "Employment"}
SECTION = TextSection(
    column="narrative",
    reasons={
        "employment": ReasonWords(terms=("lost my job", "unemploy*"), patterns=(r"\bout of work\b",), labels=("JOB",)),
        "obligations": ReasonWords(terms=("debt*", "job"), patterns=(r"\bowe \S+",)),
    },
)


def words_of(text, relevance=None):
    spans = [match.span() for match in regex.finditer(r"[\w'-]+|[^\w\s]", text)]
    values = relevance or [1.0] * len(spans)
    return tuple(TextWord(start=s, end=e, relevance=v) for (s, e), v in zip(spans, values, strict=True))


def families_of(text, relevance=None, special=(), spans=(), section=SECTION):
    return {f.family: f for f in assign(words_of(text, relevance), claims(text, section, special, spans))}


def test_words_reach_the_family_that_lists_them():
    found = families_of("I lost my job and owe $900", [0, 1, 2, 4, 0, 8, 16, 32])
    assert found["employment"].relevance == 7
    assert found["obligations"].relevance == 56  # the longer "lost my job" keeps "job" from it
    assert [(s.found_by, s.expression) for s in found["employment"].spans] == [("term", "lost my job")]


PIECES = ["I", "lost", "my", "job", "debt", "owe", "money", "unemployed", "out", "of", "work", "diabetes", "the"]


@given(
    st.lists(st.sampled_from(PIECES), max_size=25),
    st.data(),
)
def test_every_word_counts_once_and_the_sum_stays(pieces, data):
    text = " ".join(pieces)
    relevance = [data.draw(st.floats(-5, 5)) for _ in pieces]
    cut = st.integers(0, max(len(text) - 1, 0))
    spans = [LabelledSpan(a, min(a + 9, len(text)), "JOB") for a in data.draw(st.lists(cut, max_size=3)) if text]
    found = assign(words_of(text, relevance), claims(text, SECTION, ENGLISH.scan(text), spans))
    assert sum(item.words for item in found) == len(pieces)
    total = math.fsum(item.relevance for item in found)
    assert math.isclose(total, math.fsum(relevance), abs_tol=1e-12 * (1 + math.fsum(map(abs, relevance))))
    assert found[-1].family == UNMAPPED
    again = assign(words_of(text, relevance), claims(text, SECTION, ENGLISH.scan(text), spans))
    assert found == again


def test_a_labelled_span_comes_before_lists_and_a_special_category_before_all():
    text = "debt from diabetes"
    special = ENGLISH.scan(text)
    found = families_of(text, [1, 2, 4], special, [LabelledSpan(0, len(text), "JOB")])
    assert found["employment"].relevance == 3
    assert found["protected: health"].relevance == 4
    assert found["protected: health"].category.protected == "special"


def test_an_unknown_label_maps_to_nothing():
    assert set(families_of("some words", spans=[LabelledSpan(0, 4, "OTHER")])) == {UNMAPPED}


def test_what_no_statement_covers_is_a_family_that_has_no_wording():
    families = assign(words_of("the bank wrote", [1.0, 5.0, 1.0]), claims("the bank wrote", SECTION))
    items = contributions(families, "narrative", "Your message", {})
    (principal,) = stated(group(items), 4)
    config = AuditConfig(
        model=ModelSection(file="x"), families={"employment": FamilySection(text={"en": "Employment"})}
    )
    assert principal.family == UNMAPPED
    assert wording(principal.family, None, config).text == ""


@pytest.mark.parametrize(("share", "kept"), [(0.5, True), (0.1, True), (0.09, False), (0.01, False)])
def test_a_little_relevance_without_a_statement_takes_no_reasons_place(share, kept):
    text = "debt and more"
    items = contributions(
        assign(words_of(text, [1 - share, share, 0.0]), claims(text, SECTION)), "narrative", "Your message", {}
    )
    assert (UNMAPPED in {family.family for family in rankable(group(items), SECTION)}) is kept


def test_ranking_leaves_a_little_without_a_statement_out_where_there_is_a_text_and_keeps_it_elsewhere():
    """RS-08, RS-10: in reasons, in what is named as left out, and in no table without a text."""
    families = [(UNMAPPED, 3.0), ("obligations", 30.0), ("employment", 2.0)]
    items = [
        ColumnContribution(column=name, label=name, family=name, relevance=value, value=None, display="",
                           reference_display="")
        for name, value in families
    ]  # fmt: skip
    model = ModelFacts(kind="", name="", version="1", file_sha256="", weights_sha256="", preprocessing_sha256=None,
                       classes=("approved", "denied"), adverse="denied")  # fmt: skip
    facts = DecisionFacts(id="1", applicant="a", product="Loan", dates=Dates())
    outcome = Outcome(adverse=True, margin=1.0, cutoff_margin=0.0, score=0.7, cutoff=0.5, cutoff_on="probability",
                      estimator_score=0.7)  # fmt: skip
    judged = Case(decision=facts, model=model, outcome=outcome, contributions=items)
    for section, reasons, following in (
        (SECTION, ["obligations", "employment"], None),
        (None, ["obligations", UNMAPPED], "employment"),
    ):
        by = AuditConfig(model=ModelSection(file="x"), text=section, documents=DocumentsSection(max_reasons=2))
        found = judge(judged, by)
        assert ([reason.family for reason in found.reasons], found.ranking.next_family) == (reasons, following)
    one = AuditConfig(model=ModelSection(file="x"), text=SECTION, documents=DocumentsSection(max_reasons=1))
    assert judge(judged, one).ranking.next_family == "employment"


def test_contributions_name_families_and_never_quote_the_text():
    text = "Zebra lost my job"
    items = contributions(assign(words_of(text), claims(text, SECTION)), "narrative", "Your message", LABELS)
    assert [(i.family, i.label, i.display, i.relevance) for i in items] == [
        ("employment", "Your message: Employment", "3 words", 3.0),
        (UNMAPPED, f"Your message: {UNMAPPED}", "1 word", 1.0),
    ]
    assert all("Zebra" not in item.model_dump_json() for item in items)


def test_text_and_table_add_up_in_one_family():
    text = "I lost my job"
    items = contributions(assign(words_of(text), claims(text, SECTION)), "narrative", "Your message", {})
    table = items[0].model_copy(update={"column": "years_employed", "relevance": 10.0})
    assert {f.family: f.relevance for f in group([*items, table])}["employment"] == 13.0


@pytest.mark.parametrize("pattern", ["(", "a*", "", "x" * 501, "(?P<a>x)(?P<a"])
def test_a_pattern_that_says_nothing_or_is_wrong_is_refused_when_read(pattern):
    with pytest.raises(ValidationError, match="pattern"):
        ReasonWords(patterns=(pattern,))


@pytest.mark.parametrize(("field_", "value"), [("terms", ("--",)), ("terms", ("a* b*c",)), ("labels", (" ",))])
def test_entries_without_words_are_refused_when_read(field_, value):
    with pytest.raises(ValidationError):
        ReasonWords(**{field_: value})


@pytest.mark.parametrize("change", [{"regions": ("XX",)}, {"regions": ()}, {"column": ""}, {"colunm": "x"}])
def test_settings_that_cannot_be_meant_are_refused(change):
    with pytest.raises(ValidationError):
        TextSection(**{"column": "narrative", **change})


def test_a_pattern_that_would_run_for_years_is_stopped_and_named():
    section = TextSection(column="t", reasons={"x": ReasonWords(patterns=(r"(?:a|a|aa)+b$",))})
    started = time.monotonic()
    with pytest.raises(ConfigError, match=r"text\.reasons\.x\.patterns"):
        claims("a" * 5000, section)
    assert time.monotonic() - started < 30


def test_spans_are_read_from_json_and_checked_against_the_text():
    assert read_spans('[{"start": 0, "end": 2, "label": "JOB"}]', "ab", "spans") == (LabelledSpan(0, 2, "JOB"),)
    assert read_spans(None, "ab", "spans") == read_spans(float("nan"), "ab", "spans") == read_spans("", "ab", "s") == ()
    for cell in ["{", "3", '[{"start": 0}]', '[{"start": 0, "end": 9, "label": "JOB"}]', "[1]", 7, "[" * 100_000]:
        with pytest.raises(DataError, match="'spans'"):
            read_spans(cell, "ab", "spans")


@dataclass(frozen=True)
class Passage:
    text: str
    words: tuple[TextWord, ...]
    read: int

    def sentences(self, language: str = "en"):
        return (TextWord(start=0, end=len(self.text), relevance=sum(w.relevance for w in self.words)),)


@dataclass(frozen=True)
class Explained:
    passages: tuple[Passage, ...]
    special: dict[str, float] = field(default_factory=lambda: {"[CLS]": 0.25})
    sinks: dict[str, float] = field(default_factory=lambda: {"bias": -0.5})
    windows: int = 2


def judged(text, relevance=None, **options):
    passage = Passage(text, words_of(text, relevance), len(text))
    (found,) = text_reader(SECTION, LABELS).read(Explained((passage,)), **options)
    return found


def test_a_pair_of_texts_is_judged_text_by_text_and_what_is_apart_counts_once():
    passages = tuple(Passage(text, words_of(text), 6) for text in ("I lost my job", "a debt"))
    first, second = text_reader(SECTION.model_copy(update={"pair": "reply"})).read(Explained(passages))
    assert (first.evidence.column, second.evidence.column) == ("narrative", "reply")
    assert (first.evidence.windows, first.evidence.sinks, second.evidence.sinks) == (2, {"bias": -0.5}, {})
    assert (first.evidence.unread, second.evidence.unread) == (2, 0)
    assert [item.column for item in second.contributions] == ["reply: obligations", f"reply: {UNMAPPED}"]


def test_evidence_holds_no_personal_data_and_every_unit_of_relevance():
    text = "I lost my job, call 212-555-0143 or jo@example.com, says Kellermann; my diabetes is no reason"
    evidence = judged(text, names=["Jo Kellermann"]).evidence
    for secret in ("212", "0143", "jo@", "Kellermann", "diabetes", "diabet"):
        assert secret not in evidence.model_dump_json()
    assert evidence.masked == {"e-mail": 1, "health": 1, "name": 1, "phone": 1}
    assert sum(word.relevance for word in evidence.words) == pytest.approx(len(words_of(text)))
    for span in evidence.mapped:
        assert span.family != "employment" or evidence.text[span.start : span.end] == "lost my job"
    assert evidence.special_tokens == {"[CLS]": 0.25}
    assert evidence.sinks == {"bias": -0.5}


def test_a_special_category_stops_a_letter_by_its_mention_or_only_by_its_influence():
    texts = [judged("since my diabetes I lost my job").evidence]
    refusal = special_content_refusal(texts, SECTION)
    assert refusal is not None
    assert refusal.state == "SPECIAL_CATEGORY_INFLUENTIAL"
    assert "health" in refusal.evidence
    assert "diabet" not in refusal.evidence
    assert special_content_refusal(texts, SECTION.model_copy(update={"special_content": "flag"})) is None
    assert special_content_refusal([judged("I lost my job; I am divorced").evidence], SECTION) is None


def test_special_words_are_protected_contributions_for_the_judge():
    items = {item.family: item for item in judged("my divorce and diabetes", [0, 3, 0, 4]).contributions}
    assert items["protected: health"].protected == "special"
    assert items["protected: health"].relevance == 4
    assert items["protected: marital status"].protected == "prohibited"
