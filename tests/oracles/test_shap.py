"""Against exact Shapley values: relevance over a population equals them on additive models, points on linear ones.

They are interventional over the whole population. With so few columns KernelExplainer enumerates all coalitions, and is
exact; shap's Exact gives the same to 1e-15 but compiles for some seconds first.
"""

import warnings

import numpy as np
import pytest
import torch
from engine_rules import only
from oracle_networks import finished, rows
from torch import Tensor, nn

from lrp_audit import Population, relevance

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its plots warn about the version of matplotlib
    shap = pytest.importorskip("shap")

TARGET = 1
EXACT = 1e-9


class Additive(nn.Module):
    """One subnetwork for each block of columns; the outputs add up."""

    def __init__(self, *blocks: int) -> None:
        super().__init__()
        self.blocks = blocks
        activations = [nn.ReLU(), nn.Tanh(), nn.GELU(), nn.Sigmoid(), nn.SiLU()]
        self.parts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 6), activations[i % 5], nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
            for i, width in enumerate(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        columns = torch.split(x, list(self.blocks), dim=1)
        return torch.stack([part(c) for part, c in zip(self.parts, columns, strict=True)]).sum(0)


def shapley(network: nn.Module, x: Tensor, population: Tensor) -> Tensor:
    def margin(values: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(values))[:, TARGET].numpy()

    explainer = shap.KernelExplainer(margin, population.numpy())
    return torch.from_numpy(explainer.shap_values(x.numpy(), nsamples=2 ** x.shape[1], silent=True))


def over_population(network: nn.Module, x: Tensor, population: Tensor) -> Tensor:
    reference = Population({next(iter(inputs_of(network))): population})
    return only(relevance(network, x, target=TARGET, rules="lrp0", reference=reference))


def inputs_of(network: nn.Module) -> tuple[str, ...]:
    return ("x",) if isinstance(network, Additive) else ("input",)


def test_one_column_each() -> None:
    network, x, population = finished(Additive(1, 1, 1, 1, 1)), rows(6, 5), rows(20, 5)
    ours = over_population(network, x, population)
    torch.testing.assert_close(ours, shapley(network, x, population), rtol=EXACT, atol=EXACT)


def test_blocks_of_columns_get_what_the_block_gets() -> None:
    """Inside a block columns interact, so only the block's sum is settled."""
    network, x, population = finished(Additive(2, 1, 2)), rows(6, 5), rows(20, 5)
    ours, theirs = over_population(network, x, population), shapley(network, x, population)
    block_of = torch.tensor([0, 0, 1, 2, 2])
    sums = [torch.zeros(6, 3, dtype=torch.float64).index_add_(1, block_of, values) for values in (ours, theirs)]
    torch.testing.assert_close(*sums, rtol=EXACT, atol=EXACT)


def test_blocks_hidden_in_one_network_of_zeros() -> None:
    """The same structure as weights: block-diagonal layers."""
    first, second, head = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)
    owner = torch.arange(8) // 2
    first.weight.data *= owner[:, None] == torch.arange(4)[None, :]
    second.weight.data *= owner[:, None] == owner[None, :]
    network = finished(nn.Sequential(first, nn.ReLU(), second, nn.ELU(), head))
    x, population = rows(6, 4), rows(20, 4)
    ours = over_population(network, x, population)
    torch.testing.assert_close(ours, shapley(network, x, population), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("centroid", [True, False], ids=["centroid", "population"])
def test_linear_models_are_points_below_average(centroid: bool) -> None:
    network, x, population = finished(nn.Linear(6, 2)), rows(6, 6), rows(30, 6)
    mean = population.mean(0, keepdim=True)
    points = network.weight.detach()[TARGET] * (x - mean)
    ours = only(relevance(network, x, target=TARGET, rules="lrp0", reference=mean)) if centroid else None
    ours = over_population(network, x, population) if ours is None else ours
    torch.testing.assert_close(ours, points, rtol=EXACT, atol=EXACT)
    torch.testing.assert_close(ours, shapley(network, x, population), rtol=EXACT, atol=EXACT)
    assert torch.equal(ours.argsort(dim=1), points.argsort(dim=1))


class Product(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(1, keepdim=True)


def test_a_product_is_shared_as_shapley_shares_it() -> None:
    """Of two factors each gets its own change times the other one's midpoint."""
    a, b, a_ref, b_ref = (rows(5, 3) for _ in range(4))
    ours = relevance(
        finished(Product()), {"a": a, "b": b}, target=0, rules="lrp0", reference={"a": a_ref, "b": b_ref}
    ).relevance
    torch.testing.assert_close(ours["a"], (a - a_ref) * (b + b_ref) / 2, rtol=EXACT, atol=EXACT)
    torch.testing.assert_close(ours["b"], (b - b_ref) * (a + a_ref) / 2, rtol=EXACT, atol=EXACT)


def test_sampled_values_lie_within_their_errors_of_exact_ones() -> None:
    """The method `shapley`, and the difference of two values that decides near-ties."""
    from test_coalitions import Ignoring, made_ready

    from lrp_audit.checks.near_ties import Contest, part
    from lrp_audit.explaining.methods.shapley import shapley_values

    ready, inputs, reference = made_ready(Ignoring(2), members=160, representation="members")
    ((name, everyone),) = inputs.items()
    few = {name: everyone[:4]}
    exact = shap.KernelExplainer(lambda rows: ready.margin({name: torch.from_numpy(rows)}), everyone.numpy())
    truth = exact.shap_values(few[name].numpy(), nsamples=2**5, silent=True)
    sampled = shapley_values(ready, few, reference, permutations=4, seed=0)
    assert (np.abs(sampled.columns.relevance - truth) <= 5 * sampled.standard_error + EXACT).all()
    first, second = np.full(4, 1), np.full(4, 3)
    parted = part(ready, Contest(few, first, second), inputs, np.arange(5), seed=0)
    assert (np.abs(parted.difference - (truth[:, 1] - truth[:, 3])) <= 5 * parted.standard_error).all()
