"""Values that a person could have had instead: round, observed, not rare, within the limits of audit.toml."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrp_audit.checks.plausible import Plausible, plausible
from lrp_audit.errors import ConfigError
from lrp_audit.settings.sections import ColumnSection


def amounts(seed: int = 0, count: int = 2000) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).lognormal(10, 0.8, count))


def values(population: pd.Series, *, listed: bool = False, **section) -> Plausible:
    return plausible("x", population, ColumnSection(mutable=True, **section), listed=listed)


def significant(value: float) -> int:
    digits = f"{abs(value):.12e}".split("e")[0].replace(".", "").rstrip("0")
    return len(digits)


@given(
    st.floats(-1e5, 1e5),
    st.floats(1, 1e7),
    st.integers(0, 2**16),
    st.sampled_from(["normal", "lognormal", "uniform"]),
)
@settings(max_examples=80)
def test_amounts_are_round_and_within_what_is_seen(centre, spread, seed, shape):
    generator = np.random.default_rng(seed)
    drawn = {"normal": generator.normal, "lognormal": generator.lognormal, "uniform": generator.uniform}[shape](
        size=500
    )
    population = pd.Series(centre + spread * drawn)
    low, high = population.quantile([0.01, 0.99])
    found = values(population).values
    assert 15 <= len(found) <= 450
    assert list(found) == sorted(set(found))
    assert all(low <= value <= high for value in found)
    steps = np.diff(found)
    finest = (high - low) / 400
    assert steps.min() >= finest / 2.5 - 1e-9 * abs(centre)
    assert steps.max() <= (high - low) / 20  # no gap of more than a twentieth
    assert not set(population) & set(found)  # nobody's own amount


def test_small_amounts_are_finer_than_large_ones():
    found = values(amounts()).values
    assert all(significant(value) <= 2 for value in found if value < 100_000)
    near = [high / low for low, high in pairwise(found) if low > 10_000]
    assert max(near) <= 1.11
    assert min(np.diff(found)) < max(np.diff(found))


def test_whole_numbers_stay_whole_and_years_are_years():
    years = pd.Series(np.random.default_rng(0).integers(1950, 2020, 4000))
    found = values(years)
    assert all(isinstance(value, int) for value in found.values)
    assert set(np.diff(found.values)) == {1}
    whole = values(amounts().round().astype(int)).values
    assert all(isinstance(value, int) for value in whole)


def test_decimals_printed_are_decimals_tried():
    found = values(pd.Series(np.random.default_rng(0).uniform(10, 11, 500)), decimals=1).values
    assert found == (10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 10.7, 10.8, 10.9)


def test_few_values_are_taken_as_they_are_and_rare_ones_left_out():
    terms = pd.Series([12] * 300 + [24] * 300 + [36] * 395 + [37] * 2 + [60] * 3)
    assert values(terms).values == (12, 24, 36)
    assert values(terms, step=6).values == (12, 18, 24, 30, 36)


def test_names_are_those_that_people_have_the_most_common_first():
    names = pd.Series(["rent"] * 500 + ["own"] * 450 + ["other"] * 20 + ["Jane's loft"] * 2 + [None] * 28, dtype=object)
    assert values(names).values == ("rent", "own", "other")
    few = pd.Series(["rent"] * 40 + ["own"] * 16 + ["Jane's loft"] * 4)
    assert values(few).values == ("rent", "own")  # four people of sixty are more than one in a hundred, and too few


def test_codes_need_a_label_where_others_have_one():
    codes = pd.Series([0] * 100 + [1] * 500 + [2] * 400)
    labelled = values(codes, values={"1": "graduate school", "2": "university"})
    assert labelled.values == (1, 2)
    assert labelled.sizes(0).tolist() == [1.0, 1.0]
    assert values(codes.astype(float), values={"1": "graduate school", "2": "university"}).values == (1.0, 2.0)


def test_values_that_are_looked_up_are_never_made_up():
    zips = pd.Series(np.random.default_rng(0).integers(10_000, 99_999, 1000))
    assert values(zips, listed=True).values == ()
    assert values(pd.concat([zips, pd.Series([60_640] * 50)]), listed=True).values == (60_640,)


def test_directions_and_distances():
    ages = pd.Series(np.repeat(np.arange(10.0), 50))
    assert values(ages).sizes(4.0).tolist() == pytest.approx(
        [abs(value - 4) / 9 if value != 4 else math.inf for value in range(10)]
    )
    up = values(ages, vary="up").sizes(4.0)
    assert np.isfinite(up).tolist() == [False] * 5 + [True] * 5
    down = values(ages, vary="down").sizes(4.0)
    assert np.isfinite(down).tolist() == [True] * 4 + [False] * 6
    assert values(ages).sizes(math.nan).tolist() == [1.0] * 10
    assert not np.isfinite(values(ages, vary="up").sizes(None)).any()


def test_limits_bound_what_is_tried():
    found = values(amounts(), minimum=20_000, maximum=30_000.0).values
    assert found
    assert min(found) >= 20_000
    assert max(found) <= 30_000


@pytest.mark.parametrize("limit", [{"vary": "up"}, {"step": 5.0}, {"minimum": 1.0}, {"maximum": 2.0}])
def test_limits_of_amounts_do_not_fit_names(limit):
    with pytest.raises(ConfigError, match=rf"columns\.x\.{next(iter(limit))}"):
        values(pd.Series(["a", "b"] * 50), **limit)


def test_steps_do_not_fit_values_that_are_looked_up():
    with pytest.raises(ConfigError, match=r"columns\.x\.step"):
        values(pd.Series([1, 2] * 50), listed=True, step=1.0)


def test_a_step_that_gives_too_many_values_is_named():
    with pytest.raises(ConfigError, match=r"columns\.x\.step = 1e-06 is too small"):
        values(amounts(), step=1e-6)


def test_dates_are_not_varied():
    days = pd.Series(pd.date_range("2026-01-01", periods=4)).repeat(50)
    assert values(days).values == ()


@pytest.mark.parametrize("population", [pd.Series([3.5] * 100), pd.Series([np.nan] * 100), pd.Series([], dtype=float)])
def test_a_column_without_variety_has_nothing_to_try(population):
    found = values(population)
    assert not np.isfinite(found.sizes(3.5)).any()
