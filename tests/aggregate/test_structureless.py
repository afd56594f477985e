"""Samples without strategies keep what they say they keep."""

import numpy as np
import pytest
from scipy import stats

from lrp_audit.aggregate.structureless import Coupling, Unimodal


def _rows(n: int = 600) -> np.ndarray:
    """Four columns: normal, exponential with the first in it, two values with the first in them, and five values."""
    generator = np.random.default_rng(0)
    first = generator.normal(size=n)
    second = generator.exponential(size=n) + np.abs(first)
    third = 4.0 * (first + generator.normal(size=n) > 0)
    return np.column_stack([first, second, third, generator.integers(0, 5, n)])


def test_shuffled_rows_have_the_columns_values_and_their_rank_correlations() -> None:
    rows = _rows()
    found = Coupling(rows, np.random.default_rng(1)).shuffled()
    assert np.array_equal(np.sort(found, axis=0), np.sort(rows, axis=0))
    wanted, got = (stats.spearmanr(item).statistic for item in (rows, found))
    assert np.abs(wanted - got).max() < 0.06
    assert wanted[0, 2] > 0.4


def test_shuffled_columns_go_together_in_no_other_way() -> None:
    """A column that is near zero wherever another is high, without correlation, is so no more."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(600, 2))
    high = rows[:, 1] > 1
    rows[high, 0] *= 0.1
    found = Coupling(rows, generator).shuffled()
    assert rows[high, 0].std() < 0.15
    assert found[found[:, 1] > 1, 0].std() > 0.6


@pytest.mark.parametrize("shape", ["normal", "exponential", "uniform", "standard_cauchy"])
def test_a_column_with_one_peak_keeps_its_distribution(shape: str) -> None:
    generator = np.random.default_rng(0)
    rows = getattr(generator, shape)(size=(600, 1))
    found = Unimodal(rows).at(np.linspace(0.0005, 0.9995, 1000)[:, None])
    assert stats.ks_2samp(rows[:, 0], found[:, 0]).statistic < 0.06


def test_the_gap_between_two_values_is_filled() -> None:
    rows = np.repeat([0.0, 4.0], 300)[:, None]
    found = Unimodal(rows).at(np.linspace(0.0005, 0.9995, 1000)[:, None])[:, 0]
    assert np.diff(np.sort(found)).max() < 0.1
    assert (found.min(), found.max()) == pytest.approx((0, 4), abs=0.01)


def test_a_column_that_does_not_vary_stays_as_it_is() -> None:
    rows = np.column_stack([np.ones(100), np.random.default_rng(0).normal(size=100)])
    coupling = Coupling(rows, np.random.default_rng(1))
    assert Unimodal(rows).at(coupling.uniform())[:, 0] == pytest.approx(1)
    assert (coupling.shuffled()[:, 0] == 1).all()
