"""Integrated gradients and Shapley sampling: complete, equal to other implementations, and like LRP where all agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from captum.attr import IntegratedGradients
from hypothesis import given, settings
from hypothesis import strategies as st
from test_coalitions import Ignoring, Quadratic, made_ready, shapley
from torch import nn

from lrp_audit.errors import ReferenceDataError
from lrp_audit.methods.integrated_gradients import integrated_gradients
from lrp_audit.methods.shapley import shapley_values
from lrp_audit.reference import Applicants, build_reference


def few(inputs, rows=6):
    return {name: value[:rows] for name, value in inputs.items()}


def test_integrated_gradients_equal_captum_s_averaged_over_the_members():
    ready, inputs, reference = made_ready(Ignoring(2), members=7, representation="members")
    ((name, rows),) = few(inputs).items()
    oracle = IntegratedGradients(lambda x: ready.margin_over(inputs)({name: x}))
    expected = np.mean(
        [
            oracle.attribute(rows, member[None], n_steps=24, method="gausslegendre").detach().numpy()
            for member in reference.members[name]
        ],
        axis=0,
    )
    found = integrated_gradients(ready, {name: rows}, reference, steps=24)
    np.testing.assert_allclose(
        found.relevance, expected, rtol=1e-6, atol=1e-9
    )  # captum keeps its steps in single precision


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 500))
def test_the_completeness_error_is_the_residual_and_falls_with_steps(seed):
    ready, inputs, reference = made_ready(Quadratic(seed), seed=seed, members=5, representation="members")
    assert (
        np.abs(integrated_gradients(ready, few(inputs), reference, steps=2).residual).max() < 1e-10
    )  # exact at degree 3
    rough, fine = (np.abs(integrated_gradients(*kinked(seed), steps=steps).residual).mean() for steps in (2, 48))
    assert 0 < fine < rough


def kinked(seed):
    ready, inputs, reference = made_ready(Ignoring(seed), seed=seed, members=40, representation="members")
    return ready, few(inputs), reference


def test_shapley_values_sum_exactly_and_lie_within_their_own_errors_of_the_truth():
    ready, inputs, reference = made_ready(Ignoring(4), members=160, representation="members")
    found = shapley_values(ready, few(inputs), reference, permutations=2, seed=1)
    truth = shapley(ready, few(inputs), inputs)
    np.testing.assert_allclose(found.columns.relevance.sum(1), found.columns.explained, atol=1e-12)
    assert np.abs(found.columns.relevance[:, 0]).max() == 0
    error = np.abs(found.columns.relevance - truth)[:, 1:] / found.standard_error[:, 1:]
    assert error.max() < 4  # standard errors include how members differ, though all of them are used here
    more = shapley_values(ready, few(inputs), reference, permutations=16, seed=1)
    assert np.abs(more.columns.relevance - truth).mean() < np.abs(found.columns.relevance - truth).mean()


@pytest.mark.parametrize("classes", [("ok", "denied"), ("ok", "later", "denied")])
def test_all_methods_agree_on_a_linear_model(classes):
    ready, inputs, reference = made_ready(
        nn.Linear(5, len(classes) if len(classes) > 2 else 1), members=30, representation="members", classes=classes
    )
    rows = few(inputs)
    expected = ready.attribute(rows, reference)
    for found in (
        integrated_gradients(ready, rows, reference, steps=1),
        shapley_values(ready, rows, reference, permutations=1, seed=0).columns,
    ):
        np.testing.assert_allclose(found.relevance, expected.relevance, atol=1e-12)
        np.testing.assert_allclose(found.explained, expected.explained, atol=1e-12)


def test_a_row_does_not_depend_on_its_neighbours():
    ready, inputs, reference = made_ready(Ignoring(5), members=20, representation="members")
    single = {name: value[2:3] for name, value in inputs.items()}
    for method in (
        lambda rows: integrated_gradients(ready, rows, reference).relevance,
        lambda rows: shapley_values(ready, rows, reference, permutations=1, seed=0).columns.relevance,
    ):
        np.testing.assert_allclose(method(single)[0], method(few(inputs))[2], rtol=1e-9, atol=1e-12)


def test_nobody_to_compare_with_is_one_sentence():
    ready, inputs, _ = made_ready(Ignoring(0))
    applicants = Applicants(pd.DataFrame(columns=list(ready.model.columns)), inputs, np.zeros(0))
    reference = build_reference(applicants, ready.model, name="zero")
    for method in (
        lambda: integrated_gradients(ready, few(inputs), reference),
        lambda: shapley_values(ready, few(inputs), reference, permutations=1, seed=0),
    ):
        with pytest.raises(ReferenceDataError, match="near_cutoff"):
            method()
