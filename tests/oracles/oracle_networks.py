"""Small networks in float64 with the operators that the other implementations know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from lrp_audit.engine import RelevanceGraph, capture

Activation = Callable[[], nn.Module]
ACTIVATIONS: Mapping[str, Activation] = {
    "relu": nn.ReLU,
    "leaky relu": partial(nn.LeakyReLU, 0.2),
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "gelu tanh": partial(nn.GELU, approximate="tanh"),
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "softsign": nn.Softsign,
    "hardswish": nn.Hardswish,
    "relu6": nn.ReLU6,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
}


def dense(activation: Activation, *, bias: bool = True, widths: tuple[int, ...] = (7, 9, 6, 3)) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out, bias=bias), activation()]
    return finished(nn.Sequential(*layers[:-1]))


def conv1d(activation: Activation, *, bias: bool = True) -> nn.Sequential:
    """Takes (N, 2, 16)."""
    return finished(
        nn.Sequential(
            nn.Conv1d(2, 4, 3, padding=1, bias=bias),
            activation(),
            nn.MaxPool1d(2),
            nn.Conv1d(4, 6, 3, stride=2, padding=2, bias=bias),
            activation(),
            nn.AvgPool1d(2),
            nn.Flatten(),
            nn.Linear(12, 5, bias=bias),
            activation(),
            nn.Linear(5, 3, bias=bias),
        )
    )


def conv2d(activation: Activation, *, bias: bool = True) -> nn.Sequential:
    """Takes (N, 2, 9, 8)."""
    return finished(
        nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=(1, 0), bias=bias),
            activation(),
            nn.AvgPool2d(2, stride=2, padding=1),
            nn.Conv2d(4, 6, 3, groups=2, dilation=(1, 2), padding=2, bias=bias),
            activation(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(6 * 3 * 2, 5, bias=bias),
            activation(),
            nn.Linear(5, 3, bias=bias),
        )
    )


def normed(activation: Activation, *, bias: bool = True) -> nn.Sequential:
    """Batch norm after a convolution and after a dense layer, with statistics that are not trivial. Takes (N, 2, 9)."""
    network = nn.Sequential(
        nn.Conv1d(2, 4, 3, bias=bias),
        nn.BatchNorm1d(4),
        activation(),
        nn.Flatten(),
        nn.Linear(28, 6, bias=bias),
        nn.BatchNorm1d(6),
        activation(),
        nn.Linear(6, 3, bias=bias),
    )
    for module in network:
        if isinstance(module, nn.BatchNorm1d):
            module.eps = 1e-12  # a merged norm keeps its eps in zennit, which moves the output by eps / 2
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.normal_(module.bias)
    return finished(network)


@dataclass(frozen=True)
class Subject:
    """A network, its captured graph, and the shape of one row."""

    network: nn.Module
    graph: RelevanceGraph
    row: tuple[int, ...]


BUILDERS: Mapping[str, tuple[Callable[..., nn.Module], tuple[int, ...]]] = {
    "dense": (dense, (7,)),
    "conv1d": (conv1d, (2, 16)),
    "conv2d": (conv2d, (2, 9, 8)),
    "normed": (normed, (2, 9)),
}


@cache
def subject(kind: str, activation: str = "relu", *, bias: bool = True) -> Subject:
    """Build and capture once; comparisons never change a network, they copy it."""
    build, row = BUILDERS[kind]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build(ACTIVATIONS[activation], bias=bias)
        return Subject(network, capture(network, rows(2, *row)), row)


def finished(network: nn.Module) -> nn.Module:
    return network.double().eval()


def rows(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def assert_same(ours: Tensor, theirs: Tensor, *, relative: float = 1e-6) -> None:
    """Entry by entry, relative to the largest entry of the row."""
    assert ours.shape == theirs.shape
    scale = theirs.flatten(1).abs().amax(1).clamp_min(1e-12)
    worst = ((ours - theirs).flatten(1).abs().amax(1) / scale).max().item()
    assert worst <= relative, f"differs by {worst:.1e} of the largest relevance in a row"
