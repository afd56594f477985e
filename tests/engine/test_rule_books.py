"""What a rule hands on and what it books, by hand, with stabilisers and biases large enough to be seen."""

import pytest
import torch
from torch import Tensor, nn

from lrp_audit.engine import (
    LRP0,
    AlphaBeta,
    Case,
    Composite,
    Epsilon,
    Flat,
    Gamma,
    Rule,
    WSquare,
    ZBox,
    ZPlus,
    relevance,
)

Sinks = dict[str, float]


def booked(weight: list[float], bias: float | None, x: list[float], rule: Rule) -> tuple[Tensor, Sinks]:
    """Relevance of one linear unit's inputs under a rule, and what its ledger books elsewhere."""
    network = nn.Sequential(nn.Linear(len(weight), 1, bias=bias is not None)).double().eval()
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([weight], dtype=torch.float64))
        if bias is not None:
            network[0].bias.fill_(bias)
    row = torch.tensor([x], dtype=torch.float64)
    found = relevance(network, row, target=0, rules=Composite((Case(rule),)), ledger=True)
    assert found.ledger.imbalance.abs().max() < 1e-12
    totals = {name: total.item() for name, total in found.ledger.totals().items()}
    return found.relevance["input"][0], {name: total for name, total in totals.items() if abs(total) > 1e-12}


def holds(found: tuple[Tensor, Sinks], passed: list[float], sinks: Sinks) -> None:
    torch.testing.assert_close(found[0], torch.tensor(passed, dtype=torch.float64), rtol=1e-12, atol=1e-12)
    assert found[1] == pytest.approx(sinks, rel=1e-12)


@pytest.mark.parametrize(
    ("rule", "passed", "sinks"),
    [
        # x = (1, 2, -1), w = (2, -1, -3), b = 2: contributions 2, -2, 3, bias 2, z = 5
        (LRP0(), [2, -2, 3], {"bias": 2}),
        (Epsilon(1.0), [10 / 6, -10 / 6, 15 / 6], {"bias": 10 / 6, "stabiliser": 5 / 6}),
        (Epsilon(0.25, relative=True), [1.6, -1.6, 2.4], {"bias": 1.6, "stabiliser": 1.0}),
        # 1.5 (2 + 3 + 2) - 2 = 8.5
        (Gamma(0.5, 1.0), [15 / 9.5, -10 / 9.5, 22.5 / 9.5], {"bias": 15 / 9.5, "stabiliser": 5 / 9.5}),
        # positive 7, negative -2: 2 · 5 / 8 and -5 / -3 a unit
        (AlphaBeta(2, 1, 1.0), [2.5, -10 / 3, 3.75], {"bias": 2.5, "stabiliser": 1.25 - 5 / 3}),
        (ZPlus(stabiliser=1.0), [1.25, 0, 1.875], {"bias": 1.25, "stabiliser": 0.625}),
        (Flat(1.0), [1.25, 1.25, 1.25], {"stabiliser": 1.25}),
        (WSquare(1.0), [20 / 19, 5 / 19, 45 / 19], {"bias": 20 / 19, "stabiliser": 5 / 19}),
        # 2 + 4, -2 + 3, 3 + 9
        (ZBox(1.0, low=-2.0, high=3.0), [30 / 20, 5 / 20, 60 / 20], {"stabiliser": 5 / 20}),
    ],
)
def test_a_positive_output(rule: Rule, passed: list[float], sinks: Sinks) -> None:
    holds(booked([2.0, -1.0, -3.0], 2.0, [1.0, 2.0, -1.0], rule), passed, sinks)


@pytest.mark.parametrize(
    ("rule", "passed", "sinks"),
    [
        # the same with weights and bias turned round: contributions -2, 2, -3, bias -2, z = -5
        (LRP0(), [-2, 2, -3], {"bias": -2}),
        (Epsilon(1.0), [-10 / 6, 10 / 6, -15 / 6], {"bias": -10 / 6, "stabiliser": -5 / 6}),
        (Gamma(0.5, 1.0), [-15 / 9.5, 10 / 9.5, -22.5 / 9.5], {"bias": -15 / 9.5, "stabiliser": -5 / 9.5}),
        # positive 2, negative -7: 2 · -5 / 3 and 5 / -8 a unit
        (AlphaBeta(2, 1, 1.0), [1.25, -20 / 3, 1.875], {"bias": 1.25, "stabiliser": 0.625 - 10 / 3}),
        (ZPlus(stabiliser=1.0), [0, -10 / 3, 0], {"stabiliser": -5 / 3}),
        (Flat(1.0), [-1.25, -1.25, -1.25], {"stabiliser": -1.25}),
        (WSquare(1.0), [-20 / 19, -5 / 19, -45 / 19], {"bias": -20 / 19, "stabiliser": -5 / 19}),
        # -2 + 6, 2 + 2, -3 + 6
        (ZBox(1.0, low=-2.0, high=3.0), [-20 / 12, -20 / 12, -15 / 12], {"stabiliser": -5 / 12}),
    ],
)
def test_a_negative_output(rule: Rule, passed: list[float], sinks: Sinks) -> None:
    holds(booked([-2.0, 1.0, 3.0], -2.0, [1.0, 2.0, -1.0], rule), passed, sinks)


@pytest.mark.parametrize(
    ("rule", "passed", "sinks"),
    [
        # contributions 1, -2
        (Epsilon(1.0), [0.5, -1.0], {"stabiliser": -0.5}),
        (Gamma(0.5, 1.0), [1 / 3, -1.0], {"stabiliser": -1 / 3}),  # 1 - 1.5 · 2 = -2, and -1
        (WSquare(1.0), [-1 / 3, -1 / 3], {"stabiliser": -1 / 3}),
        (ZBox(1.0, low=-1.0, high=2.0), [-2 / 3, 0], {"stabiliser": -1 / 3}),  # 1 + 1, -2 + 2
    ],
)
def test_without_a_bias(rule: Rule, passed: list[float], sinks: Sinks) -> None:
    holds(booked([1.0, -1.0], None, [1.0, 2.0], rule), passed, sinks)


@pytest.mark.parametrize(
    ("weight", "bias", "passed", "sinks"),
    [
        (-3.0, 2.0, -4.5 / 3.5, {"bias": 2 / 3.5, "stabiliser": -1 / 3.5}),  # 2 - 1.5 · 3 = -2.5
        (3.0, -2.0, 4.5 / 3.5, {"bias": -2 / 3.5, "stabiliser": 1 / 3.5}),
        (2.5, -2.0, 3.75 * 0.5 / 2.75, {"bias": -2 * 0.5 / 2.75, "stabiliser": 0.5 / 2.75}),  # 1.5 · 2.5 - 2 = 1.75
    ],
)
def test_gamma_does_not_lift_a_bias_of_the_other_sign(weight: float, bias: float, passed: float, sinks: Sinks) -> None:
    holds(booked([weight], bias, [1.0], Gamma(0.5, 1.0)), [passed], sinks)


def test_small_weights_keep_the_sign_of_their_squares() -> None:
    """0.25 + 0.01 is below one: the stabiliser is added all the same."""
    holds(
        booked([0.5, 0.1], None, [2.0, 0.0], WSquare(0.24)),
        [0.25 / 0.5, 0.01 / 0.5],
        {"stabiliser": 1 - 0.26 / 0.5},
    )


def test_an_input_outside_its_box_turns_the_stabiliser_round() -> None:
    """2 · -3 + 2 · 2 = -2, so -1 is added to it; -6 is handed on by two thirds."""
    holds(booked([2.0], None, [-3.0], ZBox(1.0, low=-2.0, high=3.0)), [-4.0], {"stabiliser": -2.0})


def test_a_box_may_be_a_point_and_a_stabiliser_zero() -> None:
    assert ZBox(0.0, low=1.0, high=1.0) == ZBox(0.0, low=(1.0), high=torch.tensor(1.0))
    for rule in (LRP0(), Epsilon(0.0), Gamma(0.0, 0.0)):
        holds(booked([2.0, -1.0], None, [1.0, 1.0], rule), [2.0, -1.0], {})
    holds(booked([2.0, -1.0], None, [1.0, 1.0], AlphaBeta(1.0, 0.0, 0.0)), [1.0, 0.0], {})


def test_relative_epsilon_takes_the_mean_of_the_row_and_leaves_an_output_of_zero_alone() -> None:
    """Where contributions cancel nothing is handed on; a small output shrinks as a large one does."""
    holds(booked([1.0, -1.0], None, [1.0, 1.0], Epsilon(0.25, relative=True)), [0.0, 0.0], {})
    holds(booked([0.5], None, [1.0], Epsilon(0.25, relative=True)), [0.4], {"stabiliser": 0.1})


def test_gamma_from_a_reference_needs_no_stabiliser() -> None:
    """Differences (1, 1) contribute 2 and -1; 1.5 · 2 - 1 = 2. From the row itself nothing differs."""
    network = nn.Sequential(nn.Linear(2, 1)).double().eval()
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[2.0, -1.0]]))
    row, rules = torch.tensor([[1.0, 2.0]], dtype=torch.float64), Composite((Case(Gamma(0.5, 1.0)),))
    for reference, passed in (([[0.0, 1.0]], [1.5, -0.5]), ([[1.0, 2.0]], [0.0, 0.0])):
        base = torch.tensor(reference, dtype=torch.float64)
        found = relevance(network, row, target=0, rules=rules, reference=base, ledger=True)
        assert found.ledger.imbalance.abs().max() < 1e-12
        torch.testing.assert_close(found.relevance["input"][0], torch.tensor(passed, dtype=torch.float64))
