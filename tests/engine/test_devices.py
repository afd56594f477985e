"""On a CUDA device the engine finds what it finds on the processor. Skipped where there is none."""

import copy
import functools

import pytest
import torch
from operator_networks import FAMILIES, WIDTH, build
from torch import Tensor, nn

from lrp_audit.engine import Attribution, Population, capture, preset, propagate
from lrp_audit.engine.composite import PRESETS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
ROWS = 5
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 0.1}  # of the largest relevance


def rows(count: int, seed: int) -> Tensor:
    return torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@functools.cache
def network(family: str) -> nn.Module:
    return build(*FAMILIES[family])


def perceptron(dtype: torch.dtype) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Sequential(nn.Linear(WIDTH, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 2))
    return layers.to(dtype).eval().requires_grad_(False)


def assert_same(there: Attribution, here: Attribution, tolerance: float) -> None:
    assert there.ledger is not None
    assert here.ledger is not None
    for name, expected in here.relevance.items():
        found = there.relevance[name]
        assert found.is_cuda
        assert found.dtype == expected.dtype
        scale = expected.abs().max()
        assert scale > 0
        assert (found.cpu() - expected).abs().max() <= tolerance * scale
    booked = there.ledger.totals()
    assert booked.keys() == here.ledger.totals().keys()
    assert all(
        (booked[name].cpu() - value).abs().max() <= tolerance * scale for name, value in here.ledger.totals().items()
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("against", ["nothing", "rows of their own", "a population"])
def test_every_operator(family: str, against: str) -> None:
    found = []
    for device in ("cpu", "cuda"):
        reference = {
            "nothing": None,
            "rows of their own": rows(ROWS, 3).to(device),
            "a population": Population({"x": rows(3, 4).to(device)}),
        }[against]
        graph = capture(copy.deepcopy(network(family)).to(device), rows(2, 1).to(device))
        x = rows(ROWS, 2).to(device)
        found.append(propagate(graph, x, target=1, composite="lrp0", reference=reference, ledger=True))
    assert_same(found[1], found[0], TOLERANCE[torch.float64])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("rules", PRESETS)
def test_every_preset(rules: str, dtype: torch.dtype) -> None:
    composite = preset(rules, low=-5.0, high=5.0) if rules == "epsilon-gamma-box" else preset(rules)
    found = []
    for device in ("cpu", "cuda"):
        graph = capture(perceptron(dtype).to(device), rows(2, 1).to(device, dtype))
        found.append(propagate(graph, rows(ROWS, 2).to(device, dtype), target=1, composite=composite, ledger=True))
    assert_same(found[1], found[0], TOLERANCE[dtype])
