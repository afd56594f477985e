"""zennit, captum and shap on multilayer perceptrons, each where it is installed."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from types import ModuleType
from typing import Any

import torch
from harness import Method  # the script beside this folder
from torch import Tensor, nn

STEPS = 32  # of integrated gradients


def perceptron(*widths: int, dtype: torch.dtype) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1]).to(dtype).eval().requires_grad_(False)


def twin(network: nn.Sequential) -> nn.Sequential:
    """A copy for a peer to hook, with gradients at its weights, which zennit and captum need."""
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    widths = [layer.in_features for layer in layers] + [layers[-1].out_features]
    copy = perceptron(*widths, dtype=layers[0].weight.dtype)
    copy.load_state_dict(network.state_dict())
    return copy.to(layers[0].weight.device).requires_grad_(True)


def zennit_methods(network: nn.Sequential, x: Tensor, target: int, hooks: ExitStack) -> Iterator[tuple[str, Method]]:
    """Yield every rule on a network of its own, whose hooks stay registered until `hooks` closes."""
    # zennit imports torchvision only for the canonizers of torchvision's own models
    sys.modules.setdefault("zennit.torchvision", ModuleType("zennit.torchvision"))
    try:
        from zennit import composites, rules, types
        from zennit.attribution import Gradient
    except ImportError:
        return
    seed = nn.functional.one_hot(torch.tensor(target), network(x[:1]).shape[1]).to(x)
    for name, rule in {
        "epsilon": rules.Epsilon(),
        "gamma": rules.Gamma(),
        "alpha-beta": rules.AlphaBeta(),
        "zplus": rules.ZPlus(),
    }.items():
        composite = composites.LayerMapComposite([(types.Activation, rules.Pass()), (nn.Linear, rule)])
        attribute = hooks.enter_context(Gradient(twin(network), composite))
        yield f"zennit {name}", lambda attribute=attribute: attribute(x.detach().requires_grad_(), lambda z: z * seed)


def captum_methods(network: nn.Sequential, x: Tensor, target: int, *, signed: bool) -> Iterator[tuple[str, Method]]:
    """Yield ε, on non-negative inputs the two rules that captum defines for them alone, and integrated gradients.

    The latter take one pass of all rows per step, from zero.
    """
    try:
        from captum.attr import LRP, IntegratedGradients
        from captum.attr._utils import lrp_rules
    except ImportError:
        return
    network = twin(network)

    def method(rule: Callable[[], Any]) -> Method:
        def attribute() -> object:
            for layer in network:
                if isinstance(layer, nn.Linear):
                    layer.rule = rule()
            return LRP(network).attribute(x, target=target)

        return attribute

    yield "captum epsilon", method(lambda: lrp_rules.EpsilonRule(1e-6))
    if not signed:
        yield "captum gamma", method(lrp_rules.GammaRule)
        yield "captum zplus", method(lrp_rules.Alpha1_Beta0_Rule)
    steps = IntegratedGradients(twin(network))
    yield (
        f"captum integrated gradients, {STEPS} steps",
        lambda: steps.attribute(x, target=target, n_steps=STEPS, internal_batch_size=len(x)),
    )


def population_methods(network: nn.Sequential, x: Tensor, reference: Tensor) -> Iterator[tuple[str, Method]]:
    """Yield DeepLIFT over the rows of a reference, by captum and by shap; the network has one output."""
    try:
        from captum.attr import DeepLiftShap
    except ImportError:
        pass
    else:
        deep = DeepLiftShap(twin(network))
        yield "captum DeepLiftShap", lambda: deep.attribute(x, reference, target=0)
    try:
        from shap import DeepExplainer
    except ImportError:
        return
    explainer = DeepExplainer(twin(network), reference)
    yield "shap DeepExplainer", lambda: explainer.shap_values(x, check_additivity=False)
