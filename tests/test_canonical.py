"""Canonical bytes are those of RFC 8785, as another implementation writes them."""

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.records.canonical import SIGNIFICANT_DIGITS, number, numbers, text
from lrp_audit.records.record import Record

finite = st.floats(allow_nan=False, allow_infinity=False)
anything = st.text(st.characters(exclude_categories=["Cs"]))
whole = st.integers(-(2**53) + 1, 2**53 - 1)
values = st.recursive(
    st.none() | st.booleans() | whole | finite | anything,
    lambda inner: st.lists(inner) | st.dictionaries(anything, inner),
)


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_text_is_what_rfc_8785_writes(value):
    assert text(value).encode() == rfc8785.dumps(rounded(value))


def written(value: Any) -> str | type[Exception]:
    try:
        return text(value)
    except rfc8785.CanonicalizationError as error:
        return type(error)


@given(st.from_type(Record))
def test_a_record_is_written_as_the_values_it_is_made_of(record):
    assert written(record) == written(record.model_dump(mode="json"))


@given(st.lists(finite | st.floats(-1e-4, 1e-4)))
def test_many_numbers_are_written_as_each_is(values):
    assert numbers(values) == [number(value) for value in values] == [text(rounded(value)) for value in values]


@given(finite)
def test_a_number_keeps_twelve_digits(value):
    assert float(number(value)) == rounded(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 2**53, object()])
def test_what_is_no_json_value_is_refused(value):
    with pytest.raises(rfc8785.CanonicalizationError):
        text(value)


def test_names_are_ordered_by_their_utf_16_units():
    assert text({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'


def test_half_a_surrogate_pair_is_no_text():
    with pytest.raises(UnicodeEncodeError):
        text("\ud800").encode()
