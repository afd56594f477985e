"""Properties that hold for any network: drawn architectures, batches, orders, zeros."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lrp_audit import Population, relevance
from lrp_audit.engine import PRESETS, RelevanceGraph, capture, propagate

RULES = sorted(PRESETS.keys() - {"epsilon-gamma-box"})
ACTIVATIONS = (nn.ReLU, nn.GELU, nn.Tanh, nn.SiLU, nn.ELU, nn.Softplus, nn.Sigmoid, nn.LeakyReLU, nn.Mish)
DRAWN = settings(max_examples=6, derandomize=True, phases=[Phase.generate])


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


@dataclass(frozen=True)
class Architecture:
    """Widths of the layers, an activation after each, and which layers are residual, normed or gated."""

    widths: tuple[int, ...]
    activations: tuple[type[nn.Module], ...]
    extras: tuple[str, ...]
    seed: int

    def build(self) -> nn.Sequential:
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            layers: list[nn.Module] = []
            width = 4
            for size, activation, extra in zip(self.widths, self.activations, self.extras, strict=False):
                layers += [nn.Linear(width, size), activation()]
                width = size
                if extra == "residual":
                    layers.append(Residual(nn.Sequential(nn.Linear(width, width), activation())))
                elif extra == "layer norm" and width > 2:
                    layers.append(nn.LayerNorm(width))
                elif extra == "batch norm":
                    layers.append(nn.BatchNorm1d(width))
            return nn.Sequential(*layers, nn.Linear(width, 2)).double().eval()


architectures = st.builds(
    Architecture,
    widths=st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple),
    activations=st.tuples(*[st.sampled_from(ACTIVATIONS)] * 3),
    extras=st.tuples(*[st.sampled_from(("", "residual", "layer norm", "batch norm"))] * 3),
    seed=st.integers(0, 10**6),
)


def rows(count: int, seed: int = 0, width: int = 4) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@DRAWN
@given(architectures)
def test_relevance_and_sinks_sum_to_the_output(architecture: Architecture) -> None:
    graph, x = capture(architecture.build(), rows(2)), rows(5, 1)
    for rules in RULES:
        attribution = propagate(graph, x, target=1, composite=rules, ledger=True)
        scale = 1 + attribution.relevance["input"].abs().sum(1)
        assert (attribution.ledger.imbalance.abs() <= 1e-11 * scale).all(), rules


@DRAWN
@given(architectures, st.sampled_from(["lrp0", "gamma"]))
def test_relevance_from_a_population_sums_to_the_difference(architecture: Architecture, rules: str) -> None:
    network, x, members = architecture.build(), rows(4, 1), rows(3, 2)
    found = relevance(network, x, target=(0, 1), rules=rules, reference=Population({"input": members}))
    margin = network(x).diff(dim=1).neg()[:, 0] - network(members).diff(dim=1).neg().mean()
    r = found.relevance["input"]
    assert ((r.sum(1) - margin).abs() <= 1e-9 * (1 + r.abs().sum(1))).all()


@pytest.fixture(scope="module")
def graph() -> RelevanceGraph:
    layers = (6, 6, 3), (nn.ReLU, nn.GELU, nn.Tanh), ("residual", "layer norm", "batch norm")
    return capture(Architecture(*layers, seed=3).build(), rows(2))


@pytest.mark.parametrize("rules", RULES)
def test_a_row_does_not_depend_on_its_neighbours(graph: RelevanceGraph, rules: str) -> None:
    x = rows(9, 4)
    together = propagate(graph, x, target=0, composite=rules).relevance["input"]
    alone = torch.cat([propagate(graph, x[i : i + 1], target=0, composite=rules).relevance["input"] for i in range(9)])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("members", [3, 20])
def test_order_does_not_matter(graph: RelevanceGraph, members: int) -> None:
    x, reference = rows(9, 4), rows(members, 5)
    rows_order, members_order = torch.randperm(9), torch.randperm(members)
    plain = propagate(graph, x, target=0, composite="lrp0", reference=Population({"input": reference}))
    mixed = Population({"input": reference[members_order]})
    shuffled = propagate(graph, x[rows_order], target=0, composite="lrp0", reference=mixed)
    torch.testing.assert_close(shuffled.relevance["input"], plain.relevance["input"][rows_order], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("members", [1, 3, 20])
def test_a_population_is_the_mean_over_its_members(graph: RelevanceGraph, members: int) -> None:
    x, reference = rows(9, 4), rows(members, 5)
    together = propagate(graph, x, target=0, composite="lrp0", reference=Population({"input": reference}), ledger=True)
    alone = [
        propagate(graph, x, target=0, composite="lrp0", reference=reference[i : i + 1], ledger=True)
        for i in range(members)
    ]
    mean = torch.stack([one.relevance["input"] for one in alone]).mean(0)
    torch.testing.assert_close(together.relevance["input"], mean, rtol=1e-9, atol=1e-12)
    for entry, *others in zip(together.ledger.entries, *(one.ledger.entries for one in alone), strict=True):
        inflow = torch.stack([other.inflow for other in others]).mean(0)
        torch.testing.assert_close(entry.inflow, inflow, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rules", RULES)
def test_zero_input_has_no_relevance(graph: RelevanceGraph, rules: str) -> None:
    attribution = propagate(graph, torch.zeros(3, 4).double(), target=0, composite=rules, ledger=True)
    assert (attribution.relevance["input"] == 0).all()
    sinks = sum(attribution.ledger.totals().values())
    torch.testing.assert_close(sinks, attribution.explained, rtol=1e-9, atol=1e-12)


def test_dead_units_pass_nothing_on() -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)).double().eval()
    with torch.no_grad():
        network[0].bias.fill_(-1e3)
    graph = capture(network, rows(2))
    for rules in RULES:
        attribution = propagate(graph, rows(3), target=1, composite=rules, ledger=True)
        assert (attribution.relevance["input"] == 0).all(), rules
        assert attribution.ledger.imbalance.abs().max() < 1e-12, rules


def test_epsilon_tends_to_gradient_times_input() -> None:
    """Ancona et al. 2018: on ReLU networks without biases the two are the same."""
    network = nn.Sequential(
        nn.Linear(4, 7, bias=False), nn.ReLU(), Residual(nn.Sequential(nn.Linear(7, 7, bias=False), nn.ReLU()))
    ).double()
    network.append(nn.Linear(7, 2, bias=False).double()).eval()
    x = rows(6).requires_grad_()
    (gradient,) = torch.autograd.grad(network(x)[:, 1].sum(), x)
    expected = (gradient * x).detach()
    graph = capture(network, x)
    errors = []
    for epsilon in (1e-2, 1e-4, 1e-6, 0.0):
        from lrp_audit.engine import preset

        found = propagate(graph, x, target=1, composite=preset("epsilon", epsilon=epsilon)).relevance["input"]
        errors.append((found - expected).abs().max().item())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-14
    exact = propagate(graph, x, target=1, composite="lrp0").relevance["input"]
    torch.testing.assert_close(exact, expected, rtol=1e-12, atol=1e-14)


def test_float32_and_float64_agree() -> None:
    network = Architecture((6, 5), (nn.ReLU, nn.GELU), ("residual", "layer norm"), seed=1).build()
    x = rows(7)
    double = relevance(network, x, target=0).relevance["input"]
    single = relevance(network.float(), x.float(), target=0).relevance["input"]
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=1e-5)


def test_many_rows_go_through_in_pieces_without_a_seam(graph: RelevanceGraph) -> None:
    x = rows(2500, 6)
    found = propagate(graph, x, target=0, composite="lrp0", ledger=True)
    assert found.relevance["input"].shape == x.shape
    tail = propagate(graph, x[2040:2060], target=0, composite="lrp0", ledger=True)
    torch.testing.assert_close(found.relevance["input"][2040:2060], tail.relevance["input"], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found.ledger.imbalance[2040:2060], tail.ledger.imbalance, rtol=0, atol=1e-12)
