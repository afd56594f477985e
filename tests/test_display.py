"""Values as people read them."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.language.display import MINUS, MISSING, number, plain, show
from lrp_audit.settings.sections import ColumnSection


@given(st.floats(min_value=-1e14, max_value=1e14, allow_nan=False))
def test_a_shown_number_reads_back_to_six_digits(value):
    text = number(value).replace(",", "").replace(MINUS, "-")
    assert float(text) == pytest.approx(value, rel=1e-5, abs=1e-300)


@given(st.floats(min_value=-1e9, max_value=1e9), st.integers(0, 4))
def test_decimals_are_kept(value, decimals):
    text = number(value, decimals)
    assert len(text.partition(".")[2]) == decimals
    assert "-" not in text


@pytest.mark.parametrize("value", [None, float("nan"), np.nan, pd.NA, pd.NaT, np.float32("nan")])
def test_missing_is_said_in_words(value):
    assert plain(value) is None
    assert show(value, ColumnSection()) == MISSING


@pytest.mark.parametrize(
    ("value", "settings", "expected"),
    [
        (1234567.5, {"unit": "$", "decimals": 2}, "$1,234,567.50"),
        (-40, {"unit": "€"}, f"{MINUS}€40"),
        (46, {"unit": "%"}, "46%"),
        (8, {"unit": "months"}, "8 months"),
        (1, {"values": {"1": "skilled"}}, "skilled"),
        (1.0, {"values": {"1": "skilled"}}, "skilled"),
        (np.int64(2), {"values": {"1": "skilled"}}, "2"),
        (True, {}, "yes"),
        (np.True_, {"values": {"true": "renting"}}, "renting"),
        ("A14", {"values": {"A14": "none"}}, "none"),
        (math.inf, {}, "inf"),
    ],
)
def test_labels_units_and_signs(value, settings, expected):
    assert show(value, ColumnSection(**settings)) == expected


def test_a_record_can_hold_any_text_of_a_table():
    assert plain("caf\u00e9 😀") == "caf\u00e9 😀"
    assert plain("a\ud800b") == "a\\ud800b"
