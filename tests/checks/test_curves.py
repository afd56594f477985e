"""Deletion and insertion curves on margins whose best order is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lrp_audit.checks.curves import deletion_curves, insertion_curves

EFFECTS = arrays(float, (3, 5), elements=st.floats(-4, 4).map(lambda value: round(value, 3)))


def additive(effects):
    """Margins to which every family adds its effect, unless it is put back."""
    return lambda back: np.where(back, 0.0, effects).sum(1)


@pytest.mark.parametrize("curves", [deletion_curves, insertion_curves])
@given(effects=EFFECTS)
def test_the_right_order_of_an_additive_margin_is_the_best_and_its_reverse_the_worst(curves, effects):
    found = curves(additive(effects), effects, draws=8, seed=0)
    np.testing.assert_allclose(found.given, found.best, atol=1e-9)
    assert (found.reverse <= found.random + 1e-9).all()
    np.testing.assert_allclose(found.normalised, 1, atol=1e-6)


@given(EFFECTS)
def test_the_area_is_the_mean_fall_over_the_steps(effects):
    found = deletion_curves(additive(effects), effects, draws=1, seed=0)
    fallen = np.cumsum(-np.sort(-effects, axis=1), axis=1)
    np.testing.assert_allclose(found.given, fallen.mean(1), atol=1e-9)


def test_an_order_that_knows_nothing_scores_like_chance_and_a_wrong_one_below():
    generator = np.random.default_rng(0)
    effects = generator.normal(size=(400, 8))
    blind = deletion_curves(additive(effects), generator.normal(size=effects.shape), draws=30, seed=1).normalised
    wrong = deletion_curves(additive(effects), -effects, draws=30, seed=1).normalised
    assert abs(blind.mean()) < 0.1
    assert wrong.mean() < -0.7


def test_greedy_sees_an_interaction_that_single_effects_miss():
    def joint(back):  # the first two families count only together
        return np.where(back[:, 0] | back[:, 1], 0.0, 3.0) + np.where(back[:, 2], 0.0, 1.0)

    relevance = np.array([[1.0, 1.0, 2.0]])
    found = deletion_curves(joint, relevance, draws=4, seed=0)
    assert found.best[0] > found.given[0]
    assert found.normalised[0] < 1
