"""Against the network itself: relevance from a reference adds up to the difference that plain forward passes show.

The bound is |ΣR - (f(x) - mean f(reference))| <= 1e-9 (1 + Σ|R|), in float64.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
import tabular_networks
import torch
from tabular_networks import Case
from torch import Tensor

from lrp_audit import Attribution, Population, relevance
from lrp_audit.engine import with_target

ROWS = 5
MEMBERS = 4
TARGETS: dict[str, object] = {
    "one output": 1,
    "a margin": (0, 2),
    "log-odds": lambda output: output[:, 1] - torch.logsumexp(output[:, [0, 2]], dim=1),
}


@pytest.fixture(params=tabular_networks.CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return tabular_networks.build(request.param)


def value(case: Case, rows: Mapping[str, Tensor], target: object) -> Tensor:
    with torch.no_grad():
        output = case.network(*rows.values())
    if callable(target):
        return target(output)
    return output[:, target] if isinstance(target, int) else output[:, target[0]] - output[:, target[1]]


def explain(case: Case, rows: Mapping[str, Tensor], reference: object, target: object = 1) -> Attribution:
    return relevance(case.graph, rows, target=target, rules="lrp0", reference=reference)


def total(attribution: Attribution, of: Callable[[Tensor], Tensor] = lambda r: r) -> Tensor:
    return sum(of(r).flatten(1).sum(1) for r in attribution.relevance.values())


def assert_adds_up(attribution: Attribution, difference: Tensor) -> None:
    bound = 1e-9 * (1 + total(attribution, torch.abs))
    assert ((total(attribution) - difference).abs() <= bound).all()
    assert ((attribution.explained - difference).abs() <= bound).all()


@pytest.mark.parametrize("target", TARGETS)
def test_adds_up(case: Case, target: str) -> None:
    rows, shared, each = case.draw(ROWS), case.draw(1), case.draw(ROWS)
    wanted = TARGETS[target]
    if callable(wanted):
        case = replace(case, graph=with_target(case.graph, wanted))
    for reference in (shared, each):
        difference = value(case, rows, wanted) - value(case, reference, wanted)
        assert_adds_up(explain(case, rows, reference, wanted), difference)
    for count in (ROWS - 1, ROWS, ROWS + 3):
        members = case.draw(count)
        difference = value(case, rows, wanted) - value(case, members, wanted).mean()
        assert_adds_up(explain(case, rows, Population(members), wanted), difference)


@pytest.mark.parametrize("scale", [1e-3, 30.0])
def test_adds_up_at_other_scales(case: Case, scale: float) -> None:
    """Saturated gates and softmaxes, and columns that hardly move."""
    rows, reference = case.draw(ROWS, scale), case.draw(ROWS, scale)
    assert_adds_up(explain(case, rows, reference), value(case, rows, 1) - value(case, reference, 1))


def test_a_row_knows_nothing_of_the_rows_beside_it(case: Case) -> None:
    """More rows than the engine takes at once, against some of them alone."""
    rows, reference = case.draw(1100), case.draw(1)
    together = explain(case, rows, reference)
    assert_adds_up(together, value(case, rows, 1) - value(case, reference, 1))
    some = [0, 1023, 1024, 1099]
    alone = explain(case, {name: v[some] for name, v in rows.items()}, reference).relevance
    for name, found in together.relevance.items():
        torch.testing.assert_close(found[some], alone[name], rtol=1e-9, atol=1e-11)


def test_a_population_is_the_mean_over_its_members(case: Case) -> None:
    rows, members = case.draw(ROWS), case.draw(MEMBERS)
    together = explain(case, rows, Population(members)).relevance
    alone = [explain(case, rows, {name: v[i : i + 1] for name, v in members.items()}).relevance for i in range(MEMBERS)]
    for name, found in together.items():
        expected = torch.stack([one[name] for one in alone]).mean(0)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


def test_a_row_that_is_its_reference_has_no_relevance(case: Case) -> None:
    rows = case.draw(ROWS)
    attribution = explain(case, rows, rows)
    assert all((r == 0).all() for r in attribution.relevance.values())
    assert (attribution.explained == 0).all()


def test_a_column_that_is_its_reference_has_no_relevance(case: Case) -> None:
    rows, reference = case.draw(ROWS), case.draw(ROWS)
    for name in rows:
        rows[name][:, 0] = reference[name][:, 0]
    for r in explain(case, rows, reference).relevance.values():
        assert (r[:, 0] == 0).all()
        assert torch.isfinite(r).all()


def test_near_the_reference_relevance_is_gradient_times_difference(case: Case) -> None:
    """No division of rounding errors: 1e-12 and 1e-5 away, multipliers are those of the derivative."""
    reference = case.draw(ROWS)
    if any(not v.is_floating_point() for v in reference.values()):
        pytest.skip("categories are equal or not")
    for distance in (1e-12, 1e-5):
        rows = {name: v + distance * torch.randn_like(v) for name, v in reference.items()}
        leaves = {name: v.clone().requires_grad_() for name, v in reference.items()}
        gradients = torch.autograd.grad(case.network(*leaves.values())[:, 1].sum(), list(leaves.values()))
        attribution = explain(case, rows, reference)
        assert_adds_up(attribution, value(case, rows, 1) - value(case, reference, 1))
        for name, gradient in zip(leaves, gradients, strict=True):
            expected = gradient * (rows[name] - reference[name])
            torch.testing.assert_close(
                attribution.relevance[name], expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item()
            )
