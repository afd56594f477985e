"""Against zennit: every rule and preset that both have, on dense and convolutional networks, to 1e-6 in float64."""

from copy import deepcopy

import pytest
from engine_rules import POOLING, everywhere, first_then, only
from oracle_networks import assert_same, rows, subject
from torch import Tensor, nn

from lrp_audit import relevance
from lrp_audit.engine import AlphaBeta, Case, Composite, Epsilon, preset

pytest.importorskip("zennit", exc_type=ImportError)

from zennit import canonizers, composites, rules, types
from zennit.attribution import Gradient

TARGET = 1
LOW, HIGH = -3.0, 3.5
KINDS = ["dense", "conv1d", "conv2d"]
FROM_ZERO_TO_ZERO = [
    "relu", "leaky relu", "elu", "selu", "gelu", "gelu tanh", "silu", "tanh", "softsign", "hardswish", "relu6"
]  # fmt: skip
BIAS = pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
ROWS = 4
ANYWHERE = {
    "epsilon": (rules.Epsilon(), "epsilon", {}),
    "epsilon 0.1": (rules.Epsilon(0.1), "epsilon", {"epsilon": 0.1}),
    "gamma": (rules.Gamma(), "gamma", {}),
    "gamma 1.5": (rules.Gamma(1.5), "gamma", {"gamma": 1.5}),
    "alpha-beta": (rules.AlphaBeta(), "alpha-beta", {}),
    "alpha-beta (3, 2)": (rules.AlphaBeta(3.0, 2.0), "alpha-beta", {"alpha": 3.0, "beta": 2.0}),
    "zplus": (rules.ZPlus(), "zplus", {}),
}
AT_THE_INPUT = {
    "flat": (rules.Flat(), {}),
    "w-square": (rules.WSquare(), {}),
    "z-box": (rules.ZBox(LOW, HIGH), {"low": LOW, "high": HIGH}),
    "zplus": (rules.ZPlus(), {}),
}


def by_zennit(network: nn.Module, composite: object, x: Tensor) -> Tensor:
    def only_target(output: Tensor) -> Tensor:
        return nn.functional.one_hot(output.argmax(1) * 0 + TARGET, output.shape[1]) * output

    with Gradient(deepcopy(network), composite) as attribute:
        return attribute(x.clone().requires_grad_(), only_target)[1].detach()


def layer_map(rule: object) -> list[tuple[object, object]]:
    return [*composites.layer_map_base(), (types.Linear, rule)]


@BIAS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ANYWHERE)
def test_one_rule_at_every_layer(kind: str, name: str, bias: bool) -> None:
    case = subject(kind, bias=bias)
    x = rows(ROWS, *case.row)
    theirs_rule, rule, parameters = ANYWHERE[name]
    theirs = by_zennit(case.network, composites.LayerMapComposite(layer_map(theirs_rule)), x)
    ours = relevance(case.graph, x, target=TARGET, rules=everywhere(rule, **parameters))
    assert_same(only(ours), theirs)


@BIAS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", AT_THE_INPUT)
def test_a_rule_for_the_first_layer(kind: str, name: str, bias: bool) -> None:
    case = subject(kind, "tanh", bias=bias)
    x = rows(ROWS, *case.row)
    rule, parameters = AT_THE_INPUT[name]
    composite = composites.SpecialFirstLayerMapComposite(
        layer_map=layer_map(rules.Epsilon()), first_map=[(types.Linear, rule)]
    )
    ours = relevance(case.graph, x, target=TARGET, rules=first_then(name, parameters, "epsilon"))
    assert_same(only(ours), by_zennit(case.network, composite, x))


@pytest.mark.parametrize("activation", FROM_ZERO_TO_ZERO)
@pytest.mark.parametrize("rule", ["epsilon", "gamma"])
def test_activations_hand_on_what_they_get(activation: str, rule: str) -> None:
    case = subject("dense", activation)
    x = rows(ROWS, *case.row)
    theirs = by_zennit(case.network, composites.LayerMapComposite(layer_map(ANYWHERE[rule][0])), x)
    assert_same(only(relevance(case.graph, x, target=TARGET, rules=rule)), theirs)


PRESETS = {
    "epsilon-plus": (composites.EpsilonPlus(), preset("epsilon-plus")),
    "epsilon-gamma-box": (
        # zennit puts the box only on a first convolution; here it is the first layer's rule, whatever the layer
        composites.EpsilonGammaBox(LOW, HIGH, first_map=[(types.Linear, rules.ZBox(LOW, HIGH))]),
        preset("epsilon-gamma-box", low=LOW, high=HIGH),
    ),
    "epsilon-alpha2-beta1": (
        composites.EpsilonAlpha2Beta1(),
        Composite((Case(AlphaBeta(), kind="conv"), Case(Epsilon(), kind="linear"), POOLING)),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PRESETS)
def test_presets(kind: str, name: str) -> None:
    case = subject(kind)
    x = rows(ROWS, *case.row)
    theirs, ours = PRESETS[name]
    assert_same(only(relevance(case.graph, x, target=TARGET, rules=ours)), by_zennit(case.network, theirs, x))


@pytest.mark.parametrize("name", ANYWHERE)
def test_batch_norm_is_folded(name: str) -> None:
    case = subject("normed")
    x = rows(ROWS, *case.row)
    theirs_rule, rule, parameters = ANYWHERE[name]
    composite = composites.LayerMapComposite(layer_map(theirs_rule), canonizers=[canonizers.SequentialMergeBatchNorm()])
    ours = relevance(case.graph, x, target=TARGET, rules=everywhere(rule, **parameters))
    assert_same(only(ours), by_zennit(case.network, composite, x))
