"""Relevance over coalitions: complete, blind to what the model ignores, and without bias on quadratic models."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lrp_audit.adapters.tabular import adapt
from lrp_audit.engine import preset
from lrp_audit.errors import ReferenceDataError
from lrp_audit.explaining.coalitions import draw_coalitions
from lrp_audit.explaining.explainer import explainer
from lrp_audit.explaining.reference import Applicants, build_reference

COLUMNS = ["a", "b", "c", "d", "e"]


class Ignoring(nn.Module):
    """A network whose first column has no effect at all."""

    def __init__(self, seed: int, outputs: int = 1) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, outputs))
        for parameter in self.layers.parameters():
            parameter.data.normal_(generator=generator).mul_(0.7)
        self.layers[0].weight.data[:, 0] = 0

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.layers(rows)


def made_ready(module, *, seed=0, members=64, representation="coalitions", classes=("ok", "denied"), target=None):
    model = adapt(module.double().eval(), columns=COLUMNS, classes=classes)
    frame = pd.DataFrame(np.random.default_rng(seed).normal(size=(160, 5)).round(2), columns=COLUMNS)
    encoded = model.encode(frame)
    target = model.margin_target("denied", "runner-up") if target is None else target
    ready = explainer(model, encoded, target, preset("lrp0"), loses=False)
    applicants = Applicants(frame, encoded.inputs, ready.margin(encoded.inputs))
    reference = build_reference(
        applicants, model, name="all_applicants", representation=representation, members=members, seed=seed
    )
    return ready, encoded.inputs, reference


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1000))
def test_sums_to_the_difference_from_the_whole_population_and_leaves_out_what_is_ignored(seed):
    ready, inputs, reference = made_ready(Ignoring(seed), seed=seed)
    few = {name: value[:6] for name, value in inputs.items()}
    found = ready.attribute(few, reference)
    margin = ready.margin(inputs)
    np.testing.assert_allclose(found.explained, margin[:6] - margin.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.relevance.sum(1), found.explained, atol=1e-12)
    assert np.abs(found.relevance[:, 0]).max() == 0
    assert np.abs(found.moved).max() > 0  # an estimate: something is moved, and booked


def test_a_row_does_not_depend_on_its_neighbours_and_repeats():
    ready, inputs, reference = made_ready(Ignoring(3))
    alone = [
        ready.attribute({name: value[row : row + 1] for name, value in inputs.items()}, reference) for row in (0, 4)
    ]
    together = ready.attribute({name: value[:5] for name, value in inputs.items()}, reference)
    for row, single in zip((0, 4), alone, strict=True):
        np.testing.assert_allclose(single.relevance[0], together.relevance[row], rtol=1e-9, atol=1e-12)


def test_a_linear_model_gives_points_below_average_of_the_population_from_a_sample_of_it():
    module = nn.Linear(5, 1)
    ready, inputs, reference = made_ready(module, members=20)
    (values,) = inputs.values()
    expected = (values - values.mean(0)) * module.weight[0]
    found = ready.attribute(inputs, reference)
    np.testing.assert_allclose(found.relevance, expected.detach().numpy(), atol=1e-9)
    np.testing.assert_allclose(found.moved, 0, atol=1e-9)


class Quadratic(nn.Module):
    """Squares and products of columns: no Shapley value of it is what its gradient at either end says."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.factors = nn.Parameter(torch.randn(5, 10, generator=generator))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        mixed = rows @ self.factors
        return (mixed[:, :5] * mixed[:, 5:]).sum(1, keepdim=True)


@pytest.mark.parametrize("seed", range(3))
def test_is_without_bias_on_quadratic_models(seed):
    ready, inputs, reference = made_ready(Quadratic(seed), seed=seed, members=160)
    few = {name: value[:8] for name, value in inputs.items()}
    drawn = [ready.attribute(few, dataclasses.replace(reference, seed=draw)).relevance for draw in range(24)]
    error = np.mean(drawn, axis=0) - shapley(ready, few, inputs)
    assert np.abs(error / (np.std(drawn, axis=0) / np.sqrt(24 - 1))).max() < 4.5  # standard errors, 40 of them


def test_the_runner_up_is_a_constant_of_each_row():
    ready, inputs, reference = made_ready(Ignoring(1, outputs=3), classes=("ok", "later", "denied"))
    found = ready.attribute(inputs, reference)
    np.testing.assert_allclose(found.relevance.sum(1), found.explained, atol=1e-12)
    np.testing.assert_allclose(found.explained + found.reference_margin, ready.margin(inputs), atol=1e-12)


def test_integer_codes_cannot_be_mixed():
    class Codes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(9, 3)
            self.last = nn.Linear(3, 1)
            self.last.weight.data.fill_(5.0)

        def forward(self, codes: torch.Tensor) -> torch.Tensor:
            return self.last(self.table(codes).sum(1))

    model = adapt(Codes().eval(), inputs={"codes": ("a", "b")}, classes=("ok", "denied"))
    frame = pd.DataFrame({"a": np.arange(60) % 9, "b": np.arange(60) % 7})
    applicants = Applicants(frame, model.encode(frame).inputs, -np.ones(60))
    with pytest.raises(ReferenceDataError, match="integer codes"):
        build_reference(applicants, model, name="all_applicants", representation="coalitions")


@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 99))
def test_coalitions_are_spread_over_all_sizes(members, columns, seed):
    sizes = draw_coalitions(members, columns, seed).sum(1)
    counts = np.bincount(sizes, minlength=columns + 1)
    assert counts.max() - counts.min() <= 1


def shapley(ready, few, population):
    """Exact values over the whole population, from all coalitions."""
    (name, rows), (_, everyone) = *few.items(), *population.items()
    worth = {}
    for size in range(6):
        for chosen in itertools.combinations(range(5), size):
            mask = torch.zeros(5, dtype=torch.bool)
            mask[list(chosen)] = True
            worth[chosen] = np.array([ready.margin({name: torch.where(mask, row, everyone)}).mean() for row in rows])
    values = np.zeros((len(rows), 5))
    for column in range(5):
        for chosen, before in worth.items():
            if column not in chosen:
                weight = math.factorial(len(chosen)) * math.factorial(4 - len(chosen)) / math.factorial(5)
                values[:, column] += weight * (worth[tuple(sorted((*chosen, column)))] - before)
    return values
