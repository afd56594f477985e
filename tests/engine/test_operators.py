"""Every operator: the graph computes what the model does, books balance, and relevance from a reference adds up."""

import functools

import operator_networks
import pytest
import torch
from operator_networks import DETACHED, FAMILIES, WIDTH, build
from torch import Tensor, nn

from lrp_audit.engine import Attribution, Population, RelevanceGraph, capture, propagate

ROWS = 5


@functools.cache
def network(family: str) -> nn.Module:
    return build(*FAMILIES[family])


@functools.cache
def graph(family: str) -> RelevanceGraph:
    return capture(network(family), rows(2, 1))


def rows(count: int, seed: int) -> Tensor:
    return torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def explain(family: str, x: Tensor, **options: object) -> Attribution:
    return propagate(graph(family), x, target=1, composite="lrp0", ledger=True, **options)


def assert_balanced(attribution: Attribution) -> None:
    scale = 1 + attribution.relevance["x"].abs().sum(1)
    for entry in attribution.ledger.entries:
        assert (entry.imbalance.abs() <= 1e-12 * scale).all(), entry.name
    assert (attribution.ledger.imbalance.abs() <= 1e-12 * scale).all()


def test_every_network_belongs_to_a_family() -> None:
    assert sorted(name for family in FAMILIES.values() for name in family) == sorted(operator_networks.networks())


@pytest.mark.parametrize("family", FAMILIES)
def test_computes_what_the_model_does(family: str) -> None:
    x = rows(ROWS, 2)
    torch.testing.assert_close(explain(family, x).output, network(family)(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_books_balance_without_a_reference(family: str) -> None:
    attribution = explain(family, rows(ROWS, 3))
    assert_balanced(attribution)
    assert (attribution.explained == attribution.output[:, 1]).all()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("members", [1, 3, 2 * ROWS])
def test_adds_up_over_references(family: str, members: int) -> None:
    x, reference = rows(ROWS, 4), rows(members, 5)
    attribution = explain(family, x, reference=Population({"x": reference}))
    difference = network(family)(x)[:, 1] - network(family)(reference)[:, 1].mean()
    assert_adds_up(attribution, difference)
    assert_balanced(attribution)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("distance", [1e-12, 1e-6, 1e2])
def test_adds_up_from_a_reference_of_its_own(family: str, distance: float) -> None:
    x = rows(ROWS, 6)
    reference = x + distance * rows(ROWS, 7)
    if family == "extrema":
        reference = x + min(distance, 1.0) * rows(ROWS, 7)  # the order of the ranked values must stay
    assert_adds_up(explain(family, x, reference=reference), network(family)(x)[:, 1] - network(family)(reference)[:, 1])


def assert_adds_up(attribution: Attribution, difference: Tensor) -> None:
    relevance = attribution.relevance["x"]
    bound = 1e-9 * (1 + relevance.abs().sum(1))
    assert ((relevance.sum(1) - difference).abs() <= bound).all()
    assert ((attribution.explained - difference).abs() <= 1e-9 * (1 + difference.abs())).all()


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != DETACHED])
def test_near_the_reference_relevance_is_gradient_times_difference(family: str) -> None:
    x = rows(ROWS, 8)
    step = 1e-7 * rows(ROWS, 9)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(family)(leaf)[:, 1].sum(), leaf)
    found = explain(family, x + step, reference=x).relevance["x"] / step
    torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-4 * gradient.abs().max().item())
