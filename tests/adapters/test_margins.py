"""Margins, probabilities and cutoffs are one scale, read in both directions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from lrp_audit.adapters.margins import Isotonic, OutputScale, Sigmoid
from lrp_audit.errors import ConfigError

CLASSES = ("approved", "denied")
STEPS = Isotonic(x=(0.0, 1.0, 2.0, 3.0), y=(0.25, 0.25, 0.75, 0.75), on_probability=False)
SCALES = {
    "logit": OutputScale(CLASSES, "logit"),
    "softmax": OutputScale(CLASSES, "softmax"),
    "several classes": OutputScale(("a", "denied", "c"), "softmax"),
    "sigmoid of the margin": OutputScale(CLASSES, "logit", Sigmoid(-1.7, 0.4, on_probability=False)),
    "sigmoid of the probability": OutputScale(CLASSES, "logit", Sigmoid(-6.0, 2.5, on_probability=True)),
    "isotonic": OutputScale(CLASSES, "logit", STEPS),
    "isotonic of the probability": OutputScale(
        CLASSES, "logit", Isotonic((0.1, 0.4, 0.6, 0.9), (0.0, 0.3, 0.3, 1.0), on_probability=True)
    ),
}


@pytest.mark.parametrize("name", SCALES)
@given(margin=st.floats(-12, 12), cutoff=st.floats(0.01, 0.99))
def test_a_margin_reaches_its_line_where_the_probability_reaches_the_cutoff(
    name: str, margin: float, cutoff: float
) -> None:
    scale = SCALES[name]
    for adverse in scale.classes:
        line = scale.margins(np.array([cutoff]), adverse, "others")[0]
        probability = scale.probability(np.array([margin]), adverse, "others")[0]
        if abs(probability - cutoff) > 1e-9:
            assert (margin >= line) == (probability >= cutoff)


@pytest.mark.parametrize("name", SCALES)
def test_probabilities_of_both_sides_make_one(name: str) -> None:
    scale = SCALES[name]
    if len(scale.classes) == 2:
        margin = np.linspace(-9, 9, 37)
        total = scale.probability(margin, "denied", "others") + scale.probability(-margin, "approved", "others")
        np.testing.assert_allclose(total, 1, rtol=1e-14)


def test_a_flat_stretch_counts_from_its_right_end() -> None:
    scale = SCALES["isotonic"]
    half = scale.margins(np.array([0.5]), "denied", "others")
    assert half[0] == 1.5
    assert scale.margins(np.array([0.75]), "denied", "others")[0] == 2.0
    assert scale.margins(np.array([0.25]), "denied", "others")[0] == -np.inf  # everybody reaches it
    assert scale.margins(np.array([0.8]), "denied", "others")[0] == np.inf  # nobody does
    assert scale.margins(np.array([0.75]), "approved", "others")[0] == -1.0  # 1 - p >= 0.75 up to the stretch's end
    assert scale.margins(np.array([0.25]), "approved", "others")[0] == -np.inf
    assert scale.margins(np.array([0.8]), "approved", "others")[0] == np.inf


def test_estimated_margins_are_those_of_the_probability_nearest_to_the_graphs() -> None:
    scale = SCALES["isotonic"]
    estimate = np.array([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]])
    np.testing.assert_allclose(scale.estimated(estimate, np.array([0.4, 1.5, 7.0]), "denied", "others"), [0.4, 1.5, 7])
    np.testing.assert_allclose(
        scale.estimated(estimate, -np.array([0.4, 1.4, 1.0]), "approved", "others"), [-0.4, -1.5, -2.0]
    )
    plain = SCALES["logit"]
    positive = expit(np.array([-3.0, 0.2, 50.0]))
    estimate = np.stack([1 - positive, positive], axis=1)
    np.testing.assert_allclose(
        plain.estimated(estimate, np.array([-2.9, 0.1, 50.0]), "denied", "others"), [-3.0, 0.2, 50.0]
    )


def test_a_sigmoid_is_inverted_exactly() -> None:
    calibrator = Sigmoid(-2.0, 0.5, on_probability=False)
    for probability in (0.01, 0.5, 0.93):
        margin = calibrator.margin(probability)
        assert margin == pytest.approx((logit(probability) + 0.5) / 2)
        assert calibrator.probability(np.array([margin]))[0] == pytest.approx(probability)
    beyond = Sigmoid(-2.0, 0.5, on_probability=True)
    assert beyond.margin(0.95) == np.inf  # a sigmoid of numbers up to one never gets there
    assert beyond.margin(0.1) == -np.inf


@pytest.mark.parametrize("cutoff", [0.0, 1.0, 1.2, -0.1])
def test_a_cutoff_off_the_scale_is_refused(cutoff: float) -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        SCALES["logit"].check_cutoff(np.array([cutoff]))


def test_comparisons_that_have_no_probability_are_refused() -> None:
    several = SCALES["several classes"]
    with pytest.raises(ConfigError, match="runner-up"):
        several.probability(np.zeros(1), "denied", "runner-up")
    decision_values = OutputScale(("a", "b", "c"), "identity")
    with pytest.raises(ConfigError, match="runner-up"):
        decision_values.target("a", "others")
    with pytest.raises(ConfigError, match="positive"):
        OutputScale((), "log").check_cutoff(np.array([0.0]))


def test_targets_in_words() -> None:
    assert SCALES["logit"].describe("denied", "others") == "logit of 'denied' over 'approved'"
    assert SCALES["several classes"].describe("denied", "others") == "logit of 'denied' over all other classes"
    assert "strongest other class" in SCALES["several classes"].describe("denied", "runner-up")
    assert OutputScale((), "log").describe("below", "others") == "minus the logarithm of the predicted value"
    assert OutputScale((), "identity").describe("above", "others") == "predicted value"
    assert OutputScale(CLASSES, "identity").describe("denied", "others") == "decision value of 'denied' over 'approved'"
