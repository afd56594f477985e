"""Drift: what is planted is found, and its absence is not reported."""

import numpy as np
import pandas as pd
import pytest
from planted_decisions import additive, tabled

from lrp_audit.aggregate.drift import drift, population_stability
from lrp_audit.aggregate.gather import gather
from lrp_audit.aggregate.table import ExplainedTable
from lrp_audit.errors import DataError


def _drift(before: ExplainedTable, after: ExplainedTable, **settings):
    return drift(gather([before]), gather([after]), **settings)


def test_a_planted_change_of_share_is_found() -> None:
    after = additive(800, 1, prefix="e").array.copy()
    after[:, 2] *= 2
    found = _drift(additive(800), tabled(after, after / [1, 0.8, 1.2, 0.4], "e"))
    assert found.columns[0].column == "f2"
    assert found.columns[0].lower > 0
    assert found.columns[0].adjusted_p < 0.001
    assert found.columns[0].stability > 0.1 > max(item.stability for item in found.columns[1:])
    assert abs(sum(item.change for item in found.columns)) < 1e-12
    assert not found.paired


@pytest.mark.slow
def test_no_drift_is_reported_where_there_is_none() -> None:
    """Rate over 200 repeats: at most 1 in 10 reports any column at 0.05, or a reason that appears or vanishes."""
    alarms = turns = 0
    for seed in range(200):
        found = _drift(additive(150, seed), additive(150, 500 + seed, prefix="e"), resamples=99)
        alarms += any(item.adjusted_p < 0.05 for item in found.columns)
        turns += any(item.turn for item in found.columns)
    assert alarms / 200 <= 0.10
    assert turns == 0


def test_a_reason_that_appears_is_named_and_one_that_vanishes_too() -> None:
    before = additive(400).array.copy()
    before[:, 3] = -0.01
    new = additive(400, 1, prefix="e").array
    first, second = tabled(before, before), tabled(new, new, "e")
    turns = {item.column: item.turn for item in _drift(first, second, resamples=50).columns}
    assert turns == {"f0": "", "f1": "", "f2": "", "f3": "appears"}
    assert {item.column: item.turn for item in _drift(second, first, resamples=50).columns}["f3"] == "vanishes"


def test_two_models_of_the_same_decisions_are_compared_in_pairs_whatever_their_order() -> None:
    table = additive(200)
    found = _drift(table, table.only(np.ones(200, dtype=bool)), resamples=50)
    assert found.paired
    assert all(item.lower == item.change == item.upper == 0 for item in found.columns)
    backwards = ExplainedTable(table.relevance[::-1], table.adverse[::-1], table.score[::-1])
    assert all(abs(item.upper) < 1e-12 for item in _drift(table, backwards, resamples=50).columns)


def test_columns_of_one_side_are_listed() -> None:
    other = additive(100, 1, prefix="e")
    renamed = ExplainedTable(other.relevance.rename(columns={"f3": "f9"}), other.adverse, other.score)
    found = _drift(additive(100), renamed, resamples=20)
    assert (found.only_before, found.only_after) == (("f3",), ("f9",))
    assert {item.column for item in found.columns} == {"f0", "f1", "f2"}


def test_periods_that_overlap_or_say_too_little_are_refused() -> None:
    with pytest.raises(DataError, match="100 decisions are on both sides"):
        _drift(additive(200), additive(100))
    with pytest.raises(DataError, match="second side has 20"):
        _drift(additive(200), additive(20, prefix="e"))
    with pytest.raises(DataError, match="no relevance at all"):
        _drift(additive(200), tabled(np.zeros((60, 4)), np.zeros((60, 4)), "e"))


def test_stability_is_zero_for_the_same_and_grows_with_a_shift() -> None:
    base = additive(2000).score
    assert population_stability(base, base) == 0
    shifts = [population_stability(base, base + shift) for shift in (0.1, 0.5, 1.0)]
    assert shifts == sorted(shifts)
    words = pd.Series(["a"] * 50 + ["b"] * 50)
    assert population_stability(words, pd.Series(["a"] * 50 + ["c"] * 50)) > 1
    expected = (0.5 - 0.25) * np.log(0.5 / 0.25) + (0.5 - 0.75) * np.log(0.5 / 0.75)
    found = population_stability(pd.Series(["a"] * 25000 + ["b"] * 75000), pd.Series(["a"] * 50000 + ["b"] * 50000))
    assert found == pytest.approx(expected, rel=1e-3)
