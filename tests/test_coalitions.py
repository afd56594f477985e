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
from lrp_audit.explaining.coalitions import PAIRS, draw_pairs
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


@settings(max_examples=4)
@given(st.integers(0, 1000))
def test_sums_to_the_difference_from_the_members_and_leaves_out_what_is_ignored(seed):
    ready, inputs, reference = made_ready(Ignoring(seed), seed=seed)
    few = {name: value[:6] for name, value in inputs.items()}
    found = ready.attribute(few, reference)
    members = ready.margin(dict(reference.members))
    np.testing.assert_allclose(found.explained, ready.margin(few) - members.mean(), rtol=1e-12)
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


class Additive(nn.Module):
    """One bent function of each column, and their sum."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        a, b, c, d, e = rows.unbind(1)
        return (torch.tanh(3 * a) + torch.relu(b - 0.2) - 2 * torch.sigmoid(4 * c) + d.abs().relu() + e).unsqueeze(1)


def test_an_additive_model_gives_points_below_average_whatever_its_functions_are():
    ready, inputs, reference = made_ready(Additive(), members=160)
    (values,) = inputs.values()
    functions = torch.stack(
        [
            torch.tanh(3 * values[:, 0]),
            torch.relu(values[:, 1] - 0.2),
            -2 * torch.sigmoid(4 * values[:, 2]),
            values[:, 3].abs().relu(),
            values[:, 4],
        ],
        dim=1,
    )
    found = ready.attribute(inputs, reference)
    np.testing.assert_allclose(found.relevance, (functions - functions.mean(0)).numpy(), atol=1e-9)
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
def test_quadratic_models_are_exact_without_sampling_error(seed):
    ready, inputs, reference = made_ready(Quadratic(seed), seed=seed, members=160)
    few = {name: value[:8] for name, value in inputs.items()}
    np.testing.assert_allclose(ready.attribute(few, reference).relevance, shapley(ready, few, inputs), atol=1e-9)


class Thresholds(nn.Module):
    """Saturating units of all columns, as a trained network has them; LRP from members alone is biased on it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.into = nn.Parameter(2 * torch.randn(5, 12, generator=generator))
        self.out = nn.Parameter(torch.randn(12, 1, generator=generator))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.tanh(torch.relu(rows @ self.into - 1)) @ self.out


def errors(network, seed):
    """Mean distance from exact Shapley values, with the correction and without."""
    ready, inputs, reference = made_ready(network(seed), seed=seed, members=160)
    few = {name: value[:24] for name, value in inputs.items()}
    truth = shapley(ready, few, inputs)
    return [np.abs(ready.attribute(few, one).relevance - truth).mean() for one in (reference, members_only(reference))]


def test_comes_nearer_to_shapley_values_where_columns_interact():
    corrected, ordinary = np.sum([errors(Thresholds, seed) for seed in range(4)], axis=0)
    assert corrected < 0.93 * ordinary


def test_does_little_harm_where_there_is_little_to_correct():
    corrected, ordinary = np.sum([errors(Ignoring, seed) for seed in range(4)], axis=0)
    assert corrected < 1.1 * ordinary


def members_only(reference):
    return dataclasses.replace(reference, representation="members")


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
def test_coalitions_are_spread_over_all_sizes_and_their_members_differ(members, columns, seed):
    pairs = draw_pairs(members, columns, seed)
    counts = np.bincount(pairs.chosen.sum(1), minlength=columns + 1)
    assert counts.max() - counts.min() <= 1
    assert len(set(pairs.members.tolist())) == len(pairs.members) == min(PAIRS, members)


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
