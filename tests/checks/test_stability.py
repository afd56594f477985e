"""Stability: half a last digit is what a column shows, and reasons that hang on it are found."""

import numpy as np
import pandas as pd
import torch
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


WEIGHTS = torch.tensor([1.0, 1.0, 0.1], dtype=torch.float64)


def encode(frame):
    return {"x": torch.from_numpy(frame[["a", "b", "c"]].to_numpy(dtype=float, copy=True))}


def attribute(inputs):
    """Relevance that is the columns themselves, weighted."""
    return (inputs["x"] * WEIGHTS).numpy()


def test_a_reason_within_rounding_of_the_next_one_does_not_survive_and_a_clear_one_does():
    frame = pd.DataFrame({"a": [10.0, 10.0], "b": [2.0, 9.9], "c": [1.0, 1.0]})
    relevance, half = attribute(encode(frame)), {"a": 0.5, "b": 0.5}
    found = stability(encode, attribute, frame, relevance, largest(relevance, 1), half, draws=20, seed=0)
    assert found.survived.tolist() == [1, 0]
    assert (found.change > 0).all()
    assert found.change.max() <= 0.5 * np.sqrt(2) / np.linalg.norm(relevance, axis=1).min()
    np.testing.assert_allclose(found.lipschitz, 1)  # of a and b alone
    stated = largest(relevance, 1)[:1]
    alone = stability(encode, attribute, frame[:1], relevance[:1], stated, half, draws=20, seed=0)
    assert alone.change[0] == found.change[0]  # a row does not depend on its neighbours


@given(st.integers(0, 99))
def test_the_lipschitz_estimate_of_a_linear_attribution_lies_below_its_norm_and_nears_it(seed):
    frame = pd.DataFrame({"a": [3.0], "b": [1.0], "c": [2.0]})
    relevance, half = attribute(encode(frame)), {"a": 0.5, "c": 0.05}
    found = stability(encode, attribute, frame, relevance, largest(relevance, 1), half, draws=30, seed=seed)
    assert 0.9 < found.lipschitz[0] <= 1 + 1e-12  # the largest weight is 1
    still = stability(encode, attribute, frame, relevance, largest(relevance, 1), {}, draws=3, seed=seed)
    assert still.lipschitz[0] == still.change[0] == 0


def test_missing_numbers_stay_missing():
    seen = []
    frame = pd.DataFrame({"a": [np.nan, 3.0], "b": [1.0, 2.0], "c": [0.0, 0.0]})

    def encoded(table):
        seen.append(table)
        return {"x": torch.zeros(len(table), 3)}

    everything = np.ones((2, 3), dtype=bool)
    stability(encoded, lambda inputs: np.ones((6, 3)), frame, np.ones((2, 3)), everything, {"a": 0.5}, draws=3, seed=1)
    moved = next(table for table in seen if len(table) == 6)
    assert moved["a"][::2].isna().all()
    assert moved["a"][1::2].between(2.5, 3.5).all()
    assert moved["a"][1::2].nunique() == 3
    assert moved["b"].tolist() == [1, 2] * 3
