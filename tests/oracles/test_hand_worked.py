"""Numbers that other projects worked out by hand for their own tests.

Sources: captum, tests/attr/test_lrp.py; RelevancePropagation.jl, test/test_rules.jl. A case that hands relevance to a
layer from outside is expressed by a last layer whose weights make it so.
"""

import pytest
import torch
from engine_rules import by_path, everywhere, only
from oracle_networks import assert_same, finished
from torch import Tensor, nn

from lrp_audit import relevance

TINY = ("epsilon", {"epsilon": 1e-12})


def linear(weight: list[list[float]], bias: list[float] | None = None) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight), bias=bias is not None)
    layer.weight.data = torch.tensor(weight)
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


def tensor(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


# --- captum -----------------------------------------------------------------------------------------------------------


def three_inputs(first: float) -> nn.Module:
    hidden = linear([[first, 2.0, 2.0], [2.0, 2.0, 2.0], [2.0, 2.0, 2.0]])
    return finished(nn.Sequential(hidden, nn.ReLU(), linear([[3.0, 3.0, 3.0]])))


@pytest.mark.parametrize(
    ("first", "rules", "expected"),
    [
        (2.0, {"0": TINY, "2": TINY}, (18.0, 36.0, 54.0)),
        (-2.0, {"0": ("gamma", {"gamma": 1.0}), "2": ("gamma", {"gamma": 0.25})}, (28 / 3, 104 / 3, 52.0)),
        (-2.0, dict.fromkeys("02", ("alpha-beta", {"alpha": 1.0, "beta": 0.0})), (12.0, 33.6, 50.4)),
        (-2.0, {"0": ("pass", {}), "2": TINY}, (24.0, 36.0, 36.0)),
    ],
    ids=["epsilon", "gamma", "alpha 1 beta 0", "pass"],
)
def test_three_inputs_one_hidden_layer(first: float, rules: dict, expected: tuple[float, ...]) -> None:
    ours = relevance(three_inputs(first), tensor(1.0, 2.0, 3.0), target=0, rules=by_path(rules))
    assert_same(only(ours), tensor(*expected))


def test_tanh_hands_on_what_it_gets() -> None:
    network = finished(nn.Sequential(linear([[0.1] * 3] * 3), nn.Tanh(), linear([[0.1] * 3])))
    ours = relevance(network, tensor(1.0, 2.0, 3.0), target=0, rules="lrp0")
    assert only(ours).flatten().tolist() == pytest.approx([0.0269, 0.0537, 0.0806], abs=5e-5)


class Skip(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + x


def test_skip_connection() -> None:
    network = finished(Skip(linear([[5.0, 5.0], [5.0, 5.0]])))
    ours = relevance(network, tensor(2.0, 3.0), target=1, rules="lrp0")
    assert_same(only(ours), tensor(10.0, 18.0))


def test_max_pooling_over_a_dense_layer() -> None:
    second = linear([[0.0, 1.0]])
    network = finished(nn.Sequential(linear([[2.0, 2.0], [2.0, 2.0]]), nn.MaxPool1d(2), nn.Flatten(), second))
    x = torch.tensor([[[1.0, 2.0], [5.0, 6.0]]], dtype=torch.float64)
    ours = relevance(network, x, target=0, rules="lrp0")
    assert only(ours).tolist() == [[[0.0, 0.0], [10.0, 12.0]]]


# --- RelevancePropagation.jl ------------------------------------------------------------------------------------------


def test_zero_rule_on_a_dense_layer() -> None:
    head = linear([[(1 / 3) / 18, (2 / 3) / 25]])  # the hidden units are 18 and 25; they shall get 1/3 and 2/3
    network = finished(nn.Sequential(linear([[3.0, 4.0], [5.0, 6.0]], [7.0, 8.0]), nn.ReLU(), head))
    ours = relevance(network, tensor(1.0, 2.0), target=0, rules="lrp0")
    assert_same(only(ours), tensor(17 / 90, 316 / 675))


def test_max_pooling_with_overlap() -> None:
    head = linear([[1 / 300, 2 / 180, 3 / 300, 4 / 270]])  # the four maxima 10, 6, 10, 9 shall get 1/30 to 4/30
    network = finished(nn.Sequential(nn.MaxPool2d(2, stride=1), nn.Flatten(), head))
    x = torch.tensor([[[[1.0, 2.0, 3.0], [10.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]], dtype=torch.float64)
    ours = relevance(network, x, target=0, rules="lrp0")
    expected = torch.tensor([[[[0.0, 0.0, 0.0], [4.0, 0.0, 2.0], [0.0, 0.0, 4.0]]]], dtype=torch.float64) / 30
    assert_same(only(ours), expected)


@pytest.mark.parametrize(("target", "expected"), [(0, (4.0, 8.0)), (1, (5.0, 14.0))])
def test_skip_connection_with_bias(target: int, expected: tuple[float, float]) -> None:
    inner = nn.Sequential(linear([[3.0, 4.0], [5.0, 6.0]], [7.0, 8.0]), nn.ReLU())
    ours = relevance(finished(Skip(inner)), tensor(1.0, 2.0), target=target, rules="lrp0")
    assert_same(only(ours), tensor(*expected))


@pytest.mark.parametrize(("alpha", "expected"), [(1.0, (-1.0, 0.0)), (2.0, (-2.0, 0.5))])
def test_alpha_beta_with_a_negative_output(alpha: float, expected: tuple[float, float]) -> None:
    network = finished(linear([[1.0, -1.0]], [-1.0]))
    composite = everywhere("alpha-beta", alpha=alpha, beta=alpha - 1)
    assert_same(only(relevance(network, tensor(1.0, 1.0), target=0, rules=composite)), tensor(*expected))


def test_generalised_gamma_with_inputs_and_outputs_of_both_signs() -> None:
    """With z = (-7, 1), what pulls the first unit down is raised, and what lifts the second one up."""
    hidden = linear([[1.0, -4.0], [2.0, 0.0]], [-2.0, 3.0])
    network = finished(nn.Sequential(hidden, nn.LeakyReLU(0.01), linear([[1.0, 1.0]])))
    composite = by_path({"0": ("gamma", {"gamma": 0.25}), "2": ("lrp0", {})})
    from_up = 1.0 / (2.0 * -1.0 + 0.0 + 3.0 * 1.25)
    from_down = -0.07 / (1.25 * -1.0 - 5.0 * 1.0 - 2.5)
    expected = tensor(-(2.0 * from_up + 1.25 * from_down), -5.0 * from_down)
    assert_same(only(relevance(network, tensor(-1.0, 1.0), target=0, rules=composite)), expected)
