"""Against the rules written out entry by entry (matrix_rules.py), on dense networks with awkward signs."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache, partial

import matrix_rules
import numpy as np
import pytest
import torch
from engine_rules import everywhere, first_then, only
from matrix_rules import Array
from oracle_networks import assert_same, finished, rows, subject
from torch import Tensor, nn

from lrp_audit import Population, relevance
from lrp_audit.engine import RelevanceGraph, capture

TARGET = 1
ANYWHERE: dict[str, tuple[dict[str, float], matrix_rules.Rule]] = {
    "lrp0": ({}, matrix_rules.lrp_0),
    "epsilon": ({}, matrix_rules.epsilon),
    "gamma": ({}, matrix_rules.gamma),
    "alpha-beta": ({}, matrix_rules.alpha_beta),
    "zplus": ({}, matrix_rules.z_plus),
}
AT_THE_INPUT: dict[str, tuple[dict[str, float], matrix_rules.Rule]] = {
    "flat": ({}, matrix_rules.flat),
    "w-square": ({}, matrix_rules.w_square),
    "z-box": ({"low": -4.0, "high": 5.0}, partial(matrix_rules.z_box, low=-4.0, high=5.0)),
}
FROM_A_REFERENCE = ANYWHERE | {"gamma": ({}, partial(matrix_rules.gamma, stabiliser=0.0))}
"""Without biases γ's denominator is never smaller than the pre-activation, so it needs no stabiliser."""

SIGNS: dict[str, Callable[[Tensor], Tensor]] = {
    "signed": lambda a: a,
    "positive": torch.abs,
    "negative": lambda a: -a.abs(),
}


def by_hand(
    network: nn.Sequential,
    activation: Callable[[Array], Array],
    rules: list[matrix_rules.Rule],
    x: Tensor,
    reference: Tensor | None = None,
) -> Tensor:
    layers = [(m.weight.detach().numpy(), bias_of(m)) for m in network if isinstance(m, nn.Linear)]
    reference = None if reference is None else reference.numpy()
    return torch.from_numpy(matrix_rules.network(layers, activation, rules, x.numpy(), TARGET, reference))


def bias_of(layer: nn.Linear) -> Array:
    return np.zeros(layer.out_features) if layer.bias is None else layer.bias.detach().numpy()


def relu(a: Array) -> Array:
    return np.maximum(a, 0.0)


@cache
def tanh_network(weights: str) -> tuple[nn.Sequential, RelevanceGraph]:
    network = deepcopy(subject("dense", "tanh").network)
    for layer in network:
        if isinstance(layer, nn.Linear):
            layer.weight.data = SIGNS[weights](layer.weight.data)
    return network, capture(network, rows(2, 7))


@pytest.mark.parametrize("weights", SIGNS)
@pytest.mark.parametrize("inputs", SIGNS)
@pytest.mark.parametrize("name", ANYWHERE)
def test_one_rule_at_every_layer(name: str, inputs: str, weights: str) -> None:
    """All contributions positive, all negative, or mixed; tanh keeps negative hidden activations alive."""
    network, graph = tanh_network(weights)
    x = SIGNS[inputs](rows(6, 7))
    parameters, rule = ANYWHERE[name]
    ours = relevance(graph, x, target=TARGET, rules=everywhere(name, **parameters))
    assert_same(only(ours), by_hand(network, np.tanh, [rule] * 3, x), relative=1e-9)


@pytest.mark.parametrize("inputs", SIGNS)
@pytest.mark.parametrize("name", AT_THE_INPUT)
def test_a_rule_for_the_first_layer(name: str, inputs: str) -> None:
    case, x = subject("dense"), SIGNS[inputs](rows(6, 7))
    parameters, rule = AT_THE_INPUT[name]
    theirs = by_hand(case.network, relu, [rule, matrix_rules.epsilon, matrix_rules.epsilon], x)
    ours = relevance(case.graph, x, target=TARGET, rules=first_then(name, parameters, "epsilon"))
    assert_same(only(ours), theirs, relative=1e-9)


@pytest.mark.parametrize("name", [*ANYWHERE, *AT_THE_INPUT])
def test_a_pre_activation_of_exactly_zero_gets_nothing(name: str) -> None:
    """1·1 + 1·(-1) + 0 = 0 in the first unit: no relevance passes it, and nothing becomes infinite."""
    hidden, head = nn.Linear(2, 2), nn.Linear(2, 2)
    hidden.weight.data = torch.tensor([[1.0, -1.0], [2.0, 1.0]])
    hidden.bias.data = torch.tensor([0.0, 0.5])
    network, x = finished(nn.Sequential(hidden, nn.ReLU(), head)), torch.tensor([[1.0, 1.0]], dtype=torch.float64)
    parameters, rule = (ANYWHERE | AT_THE_INPUT)[name]
    composite = first_then(name, parameters, "epsilon")
    ours = only(relevance(network, x, target=TARGET, rules=composite))
    assert torch.isfinite(ours).all()
    if name != "lrp0":  # LRP-0 has no value at 0/0; there the multiplier is the subgradient that the engine chose
        assert_same(ours, by_hand(network, relu, [rule, matrix_rules.epsilon], x), relative=1e-9)


@pytest.mark.parametrize("references", [1, 6], ids=["shared", "one per row"])
@pytest.mark.parametrize("name", FROM_A_REFERENCE)
def test_against_a_reference_the_layers_see_differences(name: str, references: int) -> None:
    network, graph = tanh_network("signed")
    x, reference = rows(6, 7), rows(references, 7)
    parameters, rule = FROM_A_REFERENCE[name]
    ours = relevance(graph, x, target=TARGET, rules=everywhere(name, **parameters), reference=reference)
    assert_same(only(ours), by_hand(network, np.tanh, [rule] * 3, x, reference), relative=1e-9)


@pytest.mark.parametrize("count", [4, 6, 9])
@pytest.mark.parametrize("name", FROM_A_REFERENCE)
def test_a_population_is_the_mean_over_its_members(name: str, count: int) -> None:
    """Fewer members than rows, as many, and more."""
    network, graph = tanh_network("signed")
    x, members = rows(6, 7), rows(count, 7)
    parameters, rule = FROM_A_REFERENCE[name]
    theirs = torch.stack([by_hand(network, np.tanh, [rule] * 3, x, member[None]) for member in members]).mean(0)
    composite = everywhere(name, **parameters)
    ours = relevance(graph, x, target=TARGET, rules=composite, reference=Population({"input": members}))
    assert_same(only(ours), theirs, relative=1e-9)
