"""Against captum: its LRP on dense networks and its DeepLift on dense and convolutional ones."""

import warnings
from collections.abc import Callable
from copy import deepcopy
from functools import partial

import pytest
from engine_rules import everywhere, only
from oracle_networks import assert_same, dense, finished, rows, subject
from torch import Tensor, nn

from lrp_audit import Population, relevance

attr = pytest.importorskip("captum.attr")
lrp_rules = pytest.importorskip("captum.attr._utils.lrp_rules")

TARGET = 2


def by_captum(network: nn.Module, x: Tensor, rule: Callable[[], object]) -> Tensor:
    network = deepcopy(network)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.rule = rule()  # captum reads its rules from the modules
    return attr.LRP(network).attribute(x.clone().requires_grad_(), target=TARGET).detach()


def by_deep_lift(network: nn.Module, x: Tensor, reference: Tensor) -> Tensor:
    method = attr.DeepLift if len(reference) == 1 else attr.DeepLiftShap
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting forward, backward hooks")
        attribution = method(deepcopy(network)).attribute(x.clone().requires_grad_(), reference, target=TARGET)
    return attribution.detach()


def without_negative_signs() -> tuple[nn.Module, Tensor]:
    """Where captum's γ and z⁺ are the same rules as ours: no bias, and nothing negative goes in or comes out."""
    network = dense(nn.ReLU, bias=False)
    network[-1].weight.data.abs_()
    return network, rows(8, 7).abs()


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("epsilon", [1e-9, 1e-6, 0.1])
def test_epsilon(activation: str, epsilon: float, bias: bool) -> None:
    case, x = subject("dense", activation, bias=bias), rows(8, 7)
    ours = relevance(case.graph, x, target=TARGET, rules=everywhere("epsilon", epsilon=epsilon))
    assert_same(only(ours), by_captum(case.network, x, partial(lrp_rules.EpsilonRule, epsilon)))


@pytest.mark.parametrize("gamma", [0.25, 1.0, 10.0])
def test_gamma(gamma: float) -> None:
    network, x = without_negative_signs()
    ours = relevance(network, x, target=TARGET, rules=everywhere("gamma", gamma=gamma, stabiliser=1e-9))
    assert_same(only(ours), by_captum(network, x, partial(lrp_rules.GammaRule, gamma)))


def test_z_plus() -> None:
    network, x = without_negative_signs()
    ours = relevance(network, x, target=TARGET, rules=everywhere("alpha-beta", alpha=1.0, beta=0.0, stabiliser=1e-9))
    assert_same(only(ours), by_captum(network, x, lrp_rules.Alpha1_Beta0_Rule))


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_lrp_0_on_relu_networks_is_input_times_gradient(bias: bool) -> None:
    case, x = subject("dense", bias=bias), rows(8, 7)
    theirs = attr.InputXGradient(case.network).attribute(x.clone().requires_grad_(), target=TARGET).detach()
    assert_same(only(relevance(case.graph, x, target=TARGET, rules="lrp0")), theirs, relative=1e-12)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "elu", "leaky relu", "softplus"])
@pytest.mark.parametrize("references", [1, 5, 12], ids=["one reference", "five references", "twelve references"])
def test_deep_lift(activation: str, references: int) -> None:
    """The rescale rule is LRP-0 from a reference; DeepLiftShap takes the mean over several, as a population does."""
    case, x, reference = subject("dense", activation), rows(8, 7), rows(references, 7)
    theirs = by_deep_lift(case.network, x, reference)
    population = Population({"input": reference})
    assert_same(only(relevance(case.graph, x, target=TARGET, rules="lrp0", reference=population)), theirs)
    if references == 1:
        assert_same(only(relevance(case.graph, x, target=TARGET, rules="lrp0", reference=reference)), theirs)


def test_deep_lift_through_convolution_and_pooling() -> None:
    """No activation touches the pooling: there captum's DeepLift misses its own sum."""
    network = finished(
        nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, padding=1),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 3, 3),
            nn.Tanh(),
            nn.Flatten(),
            nn.Linear(3 * 4 * 2, 3),
        )
    )
    x, reference = rows(6, 2, 12, 8), rows(1, 2, 12, 8)
    theirs = by_deep_lift(network, x, reference)
    assert_same(only(relevance(network, x, target=TARGET, rules="lrp0", reference=reference)), theirs)
