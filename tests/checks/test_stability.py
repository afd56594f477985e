"""Stability: half a last digit is what a column shows, and reasons that hang on it are found."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.checks.agreement import largest
from lrp_audit.checks.stability import numeric, resolution, stability


@given(st.integers(0, 5), st.lists(st.integers(-10_000, 10_000), min_size=40, max_size=60, unique=True))
def test_resolution_is_half_of_the_last_digit_shown(decimals, units):
    values = pd.Series([*units, 1]) / 10**decimals  # one value shows the last digit
    assert np.isclose(resolution(values), 0.5 * 10.0**-decimals)


def test_continuous_columns_codes_counts_and_flags_are_not_moved():
    frame = pd.DataFrame(
        {"months": range(60), "rate": np.arange(60) / 100, "exact": np.sqrt(np.arange(60)), "code": range(60)}
    ).assign(flag=True, word="a", grade=np.arange(60) % 9)
    assert numeric(list(frame), frozenset({"code"}), frame) == {"months": 0.5, "rate": 0.005}


def attribute(frame):
    """Relevance that is the columns themselves, weighted."""
    return frame[["a", "b", "c"]].to_numpy(dtype=float) * [1.0, 1.0, 0.1]


def test_a_reason_within_rounding_of_the_next_one_does_not_survive_and_a_clear_one_does():
    frame = pd.DataFrame({"a": [10.0, 10.0], "b": [2.0, 9.9], "c": [1.0, 1.0]})
    relevance = attribute(frame)
    found = stability(attribute, frame, relevance, largest(relevance, 1), {"a": 0.5, "b": 0.5}, draws=20, seed=0)
    assert found.survived.tolist() == [1, 0]
    assert (found.change > 0).all()
    assert found.change.max() <= 0.5 * np.sqrt(2) / np.linalg.norm(relevance, axis=1).min()
    stated = largest(relevance, 1)[:1]
    alone = stability(attribute, frame[:1], relevance[:1], stated, {"a": 0.5, "b": 0.5}, draws=20, seed=0)
    assert alone.change[0] == found.change[0]  # a row does not depend on its neighbours


def test_missing_numbers_stay_missing():
    seen = []
    frame = pd.DataFrame({"a": [np.nan, 3.0], "b": [1.0, 2.0], "c": [0.0, 0.0]})
    stability(
        lambda moved: (seen.append(moved), np.ones((2, 3)))[1],
        frame,
        np.ones((2, 3)),
        np.ones((2, 3), dtype=bool),
        {"a": 0.5},
        draws=3,
        seed=1,
    )
    assert all(
        np.isnan(moved["a"][0]) and 2.5 <= moved["a"][1] <= 3.5 and moved["b"].tolist() == [1, 2] for moved in seen
    )
