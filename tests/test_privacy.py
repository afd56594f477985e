from __future__ import annotations

import math
import re
import time
from itertools import pairwise

import pytest
import real_texts
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.privacy.privacy import Finding, find_personal_data, mask
from lrp_audit.records.text_record import TextWord

PLANTED = [
    ("phone", "Call me at {} please.", ["(212) 555-0143", "212-555-0143", "212.555.0143", "555-0143"]),
    ("phone", "Ring {} tonight.", ["+44 20 7946 0958"]),
    ("e-mail", "Write to {}.", ["john.doe+x@example.co.uk", "müller@beispiel.de", "a@b.io"]),
    ("link", "See {} for it.", ["https://example.com/u/jane?id=7", "www.example.org/profile"]),
    ("card number", "I used {} there.", ["4111 1111 1111 1111", "4111-1111-1111-1111", "371449635398431"]),
    ("card number", "I used {}, mistyped.", ["1234 5678 9012 3456"]),
    ("IBAN", "Pay {} now.", ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "gb29nwbk60161331926819"]),
    ("social security number", "It is {}.", ["536-22-1234", "536 22 1234"]),
    ("social security number", "My SSN is {}.", ["536221234"]),
    ("national insurance number", "It is {}.", ["AB 12 34 56 C", "AB123456C"]),
    ("internet address", "From {} today.", ["192.168.10.44", "2001:db8::ff00:42:8329"]),
    ("date of birth", "Date of birth: {}.", ["12/03/1970", "March 3, 1970", "3 March 1970"]),
    ("number", "Account number {} was closed.", ["4455-1234", "12345678901", "AB-12345", "0012"]),
    ("number", "The reference was {}.", ["20191203-445566", "12345678"]),
    ("number", "Card ending in {} was declined.", ["4321"]),
    ("address", "I live at {}.", ["12 Elm Street", "1200 N. Main St., Apt 4B", "45 oak avenue", "Hauptstraße 12"]),
    ("address", "I live in {}.", ["Boston, MA 02110", "San Jose CA 95112-1234", "SW1A 1AA", "PO Box 5249"]),
    ("handle", "Ask {} about it.", ["@jane_doe"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "sentence", "item"), [(kind, sentence, item) for kind, sentence, items in PLANTED for item in items]
)
def test_planted_personal_data_is_found_whole_and_as_what_it_is(kind, sentence, item):
    text = sentence.format(item)
    found = [finding for finding in find_personal_data(text) if finding.kind == kind]
    assert len(found) == 1
    assert item in text[found[0].start : found[0].end + 1]  # an address takes a final full stop with it
    assert item not in mask(text, found).text


@pytest.mark.parametrize("text", [
    "I spoke with Ms. Keller about it.",
    "Dr Ana María Keller called.",
    "my name is Keller",
    "My wife Keller applied.",
    "Sincerely,\nJo A. Keller",
])  # fmt: skip
def test_a_name_is_found_where_a_title_or_a_phrase_announces_it(text):
    assert "Keller" not in mask(text, find_personal_data(text)).text


def test_a_known_name_is_found_anywhere():
    text = "then KELLER said no; kellerman did not"
    found = find_personal_data(text, names=["Jo Keller"])
    assert mask(text, found).text == "then [name] said no; kellerman did not"


@pytest.mark.parametrize("text", [
    "I paid {$3500.00} on 12/03/2019 and $1,200.00 on 2016-05-01, 3 payments of $12345678.",
    "From 2015 to 2016, and 2017 2018 2019, the rate was 12.5 % for 360 months.",
    "Under 15 USC 1681 and Section 609 the loan of $25000 is void after 5 days on the road.",
    "At 12:30:45 the balance was 1,234,567.89.",
    "In CA the rate is 5 percent; in MA it is not.",
])  # fmt: skip
def test_amounts_dates_years_and_laws_are_left_alone(text):
    assert find_personal_data(text) == ()


def test_a_region_decides_which_numbers_need_no_country_code():
    text = "ring 020 7946 0958 tonight"
    assert {item.kind for item in find_personal_data(text, regions=("GB",))} == {"phone"}
    with pytest.raises(ValueError, match="XX"):
        find_personal_data(text, regions=("XX",))


@st.composite
def texts_with_words(draw):
    pieces = draw(
        st.lists(st.sampled_from(["a", "bcd", "é", "漢字", "שלום", "e\u0301", "👩‍👩‍👧", "[phone]", "12"]), max_size=30)
    )
    text, words = "", []
    for piece in pieces:
        words.append(TextWord(start=len(text), end=len(text) + len(piece), relevance=draw(st.floats(-10, 10))))
        text += piece + draw(st.sampled_from(["", " ", "\n", "  "]))
    limits = st.integers(0, max(len(text), 1))
    places = draw(st.lists(st.tuples(limits, limits), max_size=6))
    findings = [Finding(min(a, b), max(a, b), "hidden") for a, b in places if a != b and max(a, b) <= len(text)]
    return text, words, findings


@given(texts_with_words())
def test_masking_moves_every_other_word_with_its_characters_and_keeps_the_sum(case):
    text, words, findings = case
    masked = mask(text, findings)
    kept = masked.words(words)
    total = sum(abs(word.relevance) for word in words)
    assert math.isclose(
        math.fsum(w.relevance for w in kept), math.fsum(w.relevance for w in words), abs_tol=1e-12 * (1 + total)
    )
    assert all(a.end <= b.start for a, b in pairwise(kept))
    assert all(0 <= word.start < word.end <= len(masked.text) for word in kept)
    for word in words:
        start, end = masked.place(word.start, word.end)
        if not any(item.start < word.end and word.start < item.end for item in findings):
            assert masked.text[start:end] == text[word.start : word.end]
        else:
            assert "[hidden]" in masked.text[start:end]


@given(st.text(max_size=300))
def test_any_text_can_be_searched(text):
    found = find_personal_data(text)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(0 <= item.start < item.end <= len(text) for item in found)


@pytest.mark.parametrize(
    "unit", ["1 ", "12-34 ", "(212) ", "a@", "DE89 ", "A" + " " * 300, "1 Ab ", "account no ", "1.", "a"]
)
def test_time_grows_with_the_length_of_the_text_only(unit):
    text = (unit * 200_000)[:200_000]
    started = time.process_time()
    find_personal_data(text)
    assert time.process_time() - started < 20  # about 1.5 s; a search over pairs of places would take hours


@pytest.mark.real
def test_published_complaints_hold_little_that_the_bureau_did_not_mask():
    found = [(text, item) for text in real_texts.complaints() for item in find_personal_data(text)]
    by_kind = {kind: sum(item.kind == kind for _, item in found) for kind in {item.kind for _, item in found}}
    assert by_kind.get("e-mail", 0) == 7  # seven addresses of one company, XXXX@...
    assert sum(count for kind, count in by_kind.items() if kind not in {"e-mail", "name"}) <= 3


@pytest.mark.real
def test_messages_that_ask_to_be_called_back_hold_telephone_numbers():
    messages = real_texts.messages()
    calls = [text for text in messages if re.search(r"(?<![\d.])0[789]\d{9}(?!\d)", text)]
    found = [{item.kind for item in find_personal_data(text, regions=("GB",))} for text in calls]
    assert len(calls) > 300
    assert all({"phone", "number"} & kinds for kinds in found)
    others = [text for text in messages if not re.search(r"\d{5}|@|www|http", text)]
    assert sum(bool(find_personal_data(text, regions=("GB",))) for text in others) < 0.02 * len(others)


@pytest.mark.real
def test_questions_of_bank_customers_are_left_alone():
    questions = real_texts.bank_questions()
    assert sum(bool(find_personal_data(text, regions=("GB",))) for text in questions) < 0.001 * len(questions)
