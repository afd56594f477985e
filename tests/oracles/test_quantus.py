"""Against quantus: pixel flipping is deletion, its Lipschitz estimate that of stability, its randomisation ours.

quantus takes zennit along where it is installed, and with it torchvision, which is not: it is imported as if zennit
were not there.
"""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from test_coalitions import COLUMNS, Ignoring, made_ready
from torch import nn

from lrp_audit.checks.agreement import largest
from lrp_audit.checks.curves import curves
from lrp_audit.checks.putback import hybrids
from lrp_audit.checks.stability import stability
from lrp_audit.explaining.reference import Reference
from lrp_audit.validation.similarity import complexity_rise, rank_similarity

pytestmark = [pytest.mark.oracle, pytest.mark.slow]


@pytest.fixture(scope="module")
def quantus():
    found = importlib.util.find_spec
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "zennit" else found(name, *more))
        return pytest.importorskip("quantus")


class Rows(nn.Module):
    """The network as quantus calls it: rows as images of one line, two classes."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        margin = self.module(images.reshape(len(images), 5).double())
        return torch.cat([torch.zeros_like(margin), margin], dim=1)


@pytest.mark.parametrize("baseline", [0.0, 0.75])
def test_deletion_is_pixel_flipping_to_a_constant(quantus, baseline):
    network = Ignoring(3)
    ready, inputs, reference = made_ready(network, members=4, representation="members")
    ((name, values),) = inputs.items()
    rows, member = values[:6], {name: torch.full((1, 5), baseline, dtype=torch.float64)}
    alone = Reference("all_applicants", "members", member, reference.frame, 0, None, "")
    relevance = ready.attribute({name: rows}, alone).relevance
    deletion, _ = curves(lambda back: hybrids(ready, {name: rows}, alone, range(1), back), relevance, draws=1, seed=0)
    metric = quantus.PixelFlipping(
        features_in_step=1,
        perturb_baseline=baseline,
        abs=False,
        normalise=False,
        return_auc_per_sample=False,
        disable_warnings=True,
        display_progressbar=False,
    )
    scores = metric(
        model=Rows(network).eval(),
        x_batch=rows.numpy().reshape(6, 1, 5),
        y_batch=np.ones(6, dtype=int),
        a_batch=relevance.reshape(6, 1, 5),
        device="cpu",
        softmax=False,
    )
    expected = ready.margin({name: rows}) - np.array(scores).mean(1)
    np.testing.assert_allclose(deletion.given, expected, rtol=1e-5, atol=1e-5)  # quantus goes by single precision


def test_the_lipschitz_estimate_is_quantus_s_of_the_same_noises(quantus):
    ready, inputs, reference = made_ready(Ignoring(1), members=16, representation="members")
    frame = pd.DataFrame(next(iter(inputs.values()))[:5].numpy(), columns=COLUMNS)
    seen = []

    def encode(table):
        seen.append(ready.model.encode(table).inputs)
        return seen[-1]

    def attribute(rows):
        return ready.attribute(rows, reference).relevance

    relevance = attribute(ready.model.encode(frame).inputs)
    half = dict.fromkeys(COLUMNS, 0.005)
    found = stability(encode, attribute, frame, relevance, largest(relevance, 2), half, draws=6, seed=0)
    ((name, noisy),) = next(rows for rows in seen if len(next(iter(rows.values()))) == 30).items()
    again = attribute({name: noisy}).reshape(6, 5, 5)
    moved, still = noisy.numpy().reshape(6, 5, 5), frame.to_numpy()
    constant, distance = quantus.similarity_func.lipschitz_constant, quantus.similarity_func.distance_euclidean
    for row in range(5):
        expected = max(
            constant(
                a=relevance[row],
                b=again[draw, row],
                c=still[row],
                d=moved[draw, row],
                norm_numerator=distance,
                norm_denominator=distance,
            )
            for draw in range(6)
        )
        assert found.lipschitz[row] == pytest.approx(expected, rel=1e-4)  # quantus adds 1e-10 to what it divides by


def _gradient_times_input(model, inputs, targets, **_):
    rows = torch.as_tensor(inputs, dtype=torch.float32).requires_grad_()
    output = model(rows).gather(1, torch.as_tensor(targets)[:, None]).sum()
    return (torch.autograd.grad(output, rows)[0] * rows).detach().numpy()


def test_complexity_rises_as_efficient_parameter_randomisation_says(quantus):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2)).eval()
    images = np.random.default_rng(0).normal(size=(12, 1, 5)).astype(np.float32)
    seen = []

    def explain(model, inputs, targets, **_):
        seen.append(_gradient_times_input(model, inputs, targets))
        return seen[-1]

    metric = quantus.EfficientMPRT(
        complexity_func=lambda a, x, **_: quantus.complexity_func.entropy(np.abs(a), a),
        normalise=False,
        abs=False,
        return_aggregate=False,
        disable_warnings=True,
        display_progressbar=False,
    )
    scores = metric(
        model=network, x_batch=images, y_batch=np.zeros(12, dtype=int), a_batch=None, explain_func=explain, device="cpu"
    )
    before, after = (list(item.reshape(12, 5).astype(np.float64)) for item in (seen[0], seen[-1]))
    assert complexity_rise(before, after) == pytest.approx(float(np.mean(scores)), rel=1e-5)
    assert abs(float(np.mean(scores))) > 1e-3


def test_similarity_is_quantus_s_rank_correlation(quantus):
    generator = np.random.default_rng(0)
    first, second = ([generator.normal(size=count).round(1) for count in range(3, 40)] for _ in range(2))
    spearman = quantus.similarity_func.correlation_spearman
    assert rank_similarity(first, second) == pytest.approx(np.mean([*map(spearman, first, second)]), abs=1e-12)
