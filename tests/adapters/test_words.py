"""Words, sentences, paragraphs and phrases by character offsets."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.adapters.words import Span, owners, paragraphs, phrases, require_text, sentences, token_shares, words
from lrp_audit.errors import DataError

FAMILY = "👨‍👩‍👧‍👦"
ALPHABET = [
    "a",
    "B",
    "7",
    " ",
    "\n",
    "\r\n",
    "\t",
    ".",
    "!",
    "'",
    ",",
    "$",
    FAMILY,
    "🇩🇪",
    "👍🏽",
    "e\u0301",
    "\u0301",
    "\u200d",
    "喜欢",
    "ไม่",
    "שלום",
    "مرحبا",
    "\u202e",
    "\u00a0",
    "\u2029",
    "İ",
    "ﬁ",
    "½",
]
texts = st.one_of(st.text(st.characters(exclude_categories=("Cs",))), st.lists(st.sampled_from(ALPHABET)).map("".join))


def shown(text: str) -> list[str]:
    return [span.of(text) for span in words(text)]


@given(texts)
def test_every_character_but_white_space_lies_in_exactly_one_word(text):
    covered = [position for span in words(text) for position in range(span.start, span.end)]
    assert covered == sorted(set(covered))
    assert all(text[i].isspace() for i in set(range(len(text))) - set(covered))
    assert all(not text[span.start].isspace() and not text[span.end - 1].isspace() for span in words(text))


@given(texts)
def test_words_and_gaps_give_the_text_back(text):
    ends = [0, *(end for span in words(text) for end in (span.start, span.end)), len(text)]
    assert "".join(text[a:b] for a, b in itertools.pairwise(ends)) == text


@pytest.mark.parametrize("split", [sentences, paragraphs])
@given(text=texts)
def test_every_word_lies_whole_in_exactly_one_sentence_and_one_paragraph(split, text):
    spans = split(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    for word, owner in zip(words(text), owners(words(text), spans), strict=True):
        assert spans[owner].start <= word.start < word.end <= spans[owner].end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't pay $1,200.50!!!", ["I", "don't", "pay", "$", "1,200.50", "!!!"]),
        (f"ok{FAMILY}👍🏽🇩🇪", ["ok", FAMILY, "👍🏽", "🇩🇪"]),
        ("cafe\u0301 x\u0323\u0301", ["cafe\u0301", "x\u0323\u0301"]),
        ("我喜欢这个银行。", ["我", "喜欢", "这个", "银行", "。"]),
        ("ผมไม่ชอบธนาคารนี้", ["ผม", "ไม่", "ชอบ", "ธนาคาร", "นี้"]),
        ("שלום עולם", ["שלום", "עולם"]),
        ("a\r\n\r\nb\tc\u00a0d", ["a", "b", "c", "d"]),
        ("wait...no", ["wait", "...", "no"]),
        (" \u0301 ", ["\u0301"]),
        ("", []),
    ],
)
def test_words_are_what_a_person_calls_words(text, expected):
    assert shown(text) == expected


def test_abbreviations_do_not_end_a_sentence_and_blank_lines_end_a_paragraph():
    text = "I wrote to Mr. Smith. He did not\nanswer!\n \nSecond letter."
    assert [span.of(text) for span in sentences(text)] == [
        "I wrote to Mr. Smith.",
        "He did not",
        "answer!",
        "Second letter.",
    ]
    assert [span.of(text) for span in paragraphs(text)] == [text[:40], "Second letter."]


@given(texts, st.data())
def test_shares_of_a_token_sum_to_one_and_lie_in_words_it_overlaps(text, data):
    found = words(text)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    offsets = list(itertools.pairwise([0, *cuts, len(text)]))
    for (start, end), shares in zip(offsets, token_shares(found, offsets), strict=True):
        assert bool(shares) == any(not character.isspace() for character in text[start:end])
        assert not shares or sum(share.share for share in shares) == pytest.approx(1)
        assert all(found[share.word].start < end and start < found[share.word].end for share in shares)


def test_a_token_across_two_words_is_shared_by_characters():
    text = "loan fees"
    (shares,) = token_shares(words(text), [(3, 9)])
    assert [(share.word, share.share) for share in shares] == [(0, 0.2), (1, 0.8)]


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=12))
def test_the_first_phrase_has_the_greatest_total_of_all_runs_within_a_sentence(cells):
    relevance = [float(value) for value, _ in cells]
    groups = list(itertools.accumulate(int(new) for _, new in cells))
    found = phrases(relevance, groups)
    runs = [
        abs(sum(relevance[a:b]))
        for a, b in itertools.combinations(range(len(cells) + 1), 2)
        if len(set(groups[a:b])) == 1
    ]
    assert (abs(sum(relevance[found[0].start : found[0].end])) if found else 0) == max(runs)
    assert all(len(set(groups[span.start : span.end])) == 1 for span in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(sorted(found)))


def test_a_cost_keeps_weak_words_out_of_a_phrase():
    relevance = [0.1, 3.0, 2.0, 0.1, 0.1]
    assert phrases(relevance, [0] * 5)[0] == Span(0, 5)
    assert phrases(relevance, [0] * 5, cost=0.5) == (Span(1, 3),)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        (" \n\t\u00a0", "empty"),
        ("ab\ud83d", r"Character 3 .*U\+D83D.* surrogate"),
        ("a\x00b", r"Character 2 .*U\+0000.* control"),
        ("don\x92t", r"Character 4 .*U\+0092.* Windows-1252"),
    ],
)
def test_what_cannot_be_text_is_refused_with_its_place(text, fault):
    with pytest.raises(DataError, match=fault):
        require_text(text)


def test_layout_emoji_and_direction_marks_are_text():
    require_text(f"line\r\nnext\ttab {FAMILY} \u202eabc\u202c שלום")


@pytest.mark.parametrize("split", [words, sentences])
def test_a_lone_surrogate_is_an_error_of_ours(split):
    with pytest.raises(DataError, match="surrogate"):
        split("ab\ud83d")


@pytest.mark.parametrize("text", ["word " * 100_000, "!" * 100_000, "ไม่" * 100_000, "a. " * 100_000])
def test_a_hundred_thousand_words_take_seconds_not_minutes(text):
    start = time.monotonic()
    found = words(text)
    spans = sentences(text)
    phrases([(-2.0) ** (i % 2) for i in range(len(found))], owners(found, spans))
    assert time.monotonic() - start < 60
