"""Deletion and insertion curves on margins whose best order is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lrp_audit.checks.curves import curves

EFFECTS = arrays(float, (3, 5), elements=st.floats(-4, 4).map(lambda value: round(value, 3)))


def additive(effects):
    """Margins to which every family adds its effect, unless it is put back."""
    return lambda back: np.where(back, 0.0, effects).sum(2)


@given(effects=EFFECTS)
def test_the_right_order_of_an_additive_margin_is_the_best_and_its_reverse_the_worst(effects):
    for found in curves(additive(effects), effects, draws=8, seed=0):
        np.testing.assert_allclose(found.given, found.best, atol=1e-9)
        assert (found.reverse <= found.random + 1e-9).all()
        np.testing.assert_allclose(found.normalised, 1, atol=1e-6)


@given(EFFECTS)
def test_the_areas_are_the_mean_fall_and_the_mean_rise_over_the_steps(effects):
    deletion, insertion = curves(additive(effects), effects, draws=1, seed=0)
    in_order = np.cumsum(-np.sort(-effects, axis=1), axis=1).mean(1)
    backward = np.cumsum(np.sort(effects, axis=1), axis=1).mean(1)
    np.testing.assert_allclose(deletion.given, in_order, atol=1e-9)
    np.testing.assert_allclose(deletion.reverse, backward, atol=1e-9)
    np.testing.assert_allclose(insertion.given, in_order, atol=1e-9)  # of what adds up, both count the same
    np.testing.assert_allclose(insertion.reverse, backward, atol=1e-9)


def test_insertion_starts_from_the_reference_and_gives_back():
    def kinked(back):  # two families, worth more together: 5 with both, 1 with the first, 0 with the second alone
        first, second = ~back[..., 0], ~back[..., 1]
        return np.where(first & second, 5.0, np.where(first, 1.0, 0.0))

    deletion, insertion = curves(kinked, np.array([[2.0, 1.0]]), draws=1, seed=0)
    assert deletion.given == pytest.approx((5 + 5) / 2)  # without the first nothing is left
    assert deletion.reverse == pytest.approx((4 + 5) / 2)
    assert insertion.given == pytest.approx((1 + 5) / 2)
    assert insertion.reverse == pytest.approx((0 + 5) / 2)
    assert insertion.random == pytest.approx((1 + 5 + 0 + 5) / 4)


def test_an_order_that_knows_nothing_scores_like_chance_and_a_wrong_one_below():
    generator = np.random.default_rng(0)
    effects = generator.normal(size=(400, 8))
    for blind in curves(additive(effects), generator.normal(size=effects.shape), draws=30, seed=1):
        assert abs(blind.normalised.mean()) < 0.1
    for wrong in curves(additive(effects), -effects, draws=30, seed=1):
        assert wrong.normalised.mean() < -0.7


def test_greedy_sees_an_interaction_that_single_effects_miss():
    def joint(back):  # the first two families count only together
        return np.where(back[..., 0] | back[..., 1], 0.0, 3.0) + np.where(back[..., 2], 0.0, 1.0)

    relevance = np.array([[1.0, 1.0, 2.0]])
    deletion, _ = curves(joint, relevance, draws=4, seed=0)
    assert deletion.best[0] > deletion.given[0]
    assert deletion.normalised[0] < 1


@given(EFFECTS)
def test_nothing_is_better_than_the_best_order_found(effects):
    generator = np.random.default_rng(3)
    mixing = generator.normal(size=(5, 5))

    def bent(back):
        return np.tanh(np.where(back, 0.0, effects) @ mixing).sum(2)

    for found in curves(bent, effects, draws=4, seed=0):
        assert (found.normalised <= 1 + 1e-9).all()
