"""Integrated gradients and Shapley sampling: complete, equal to other implementations, and like LRP where all agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from captum.attr import IntegratedGradients
from hypothesis import given, settings
from hypothesis import strategies as st
from test_coalitions import COLUMNS, Ignoring, Quadratic, made_ready, shapley
from torch import nn

from lrp_audit.adapters.tabular import adapt
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.session import new_session
from lrp_audit.deciding.tabular_decisions import tabular_decisions
from lrp_audit.errors import ConfigError, ReferenceDataError
from lrp_audit.explaining.methods.integrated_gradients import integrated_gradients
from lrp_audit.explaining.methods.shapley import shapley_values
from lrp_audit.explaining.reference import Applicants, build_reference
from lrp_audit.settings.config import AuditConfig, load


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


@settings(max_examples=3)
@given(st.integers(0, 500))
def test_the_completeness_error_is_booked_and_falls_with_steps(seed):
    ready, inputs, reference = made_ready(Quadratic(seed), seed=seed, members=5, representation="members")
    assert np.abs(missed(ready, few(inputs), reference, steps=2)).max() < 1e-10  # exact up to degree 3
    rough, fine = (np.abs(missed(*kinked(seed), steps=steps)).mean() for steps in (2, 48))
    assert 0 < fine < rough


def missed(*given, steps):
    return integrated_gradients(*given, steps=steps).sinks["quadrature"]


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


def records(frame, **settings):
    given = {"model": {"file": "m", "columns": COLUMNS}, "decision": {"adverse": "denied"}} | settings
    config = AuditConfig.model_validate(given)
    model = adapt(Ignoring(0).double().eval(), columns=COLUMNS, classes=("ok", "denied"))
    session = new_session(config, tabular_decisions(config, model, frame), bytes(32))
    return [item.record for item in decide(session, frame.iloc[:12]) if item.record.contributions]


FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 5)).round(2), columns=COLUMNS)


@pytest.mark.rule("CA-05")
@pytest.mark.parametrize("method", ["lrp", "integrated-gradients", "shapley"])
def test_audit_toml_chooses_the_method_and_the_record_names_it(method):
    found = records(FRAME, explanation={"method": method})
    assert len({record.method.name for record in found}) == 1
    for record in found:
        assert record.conservation is not None
        assert abs(record.conservation.residual) <= record.conservation.tolerance
        assert set(record.conservation.sinks) == ({"quadrature"} if method == "integrated-gradients" else set())
    plain = records(FRAME)
    same = [one.families[0].family == other.families[0].family for one, other in zip(found, plain, strict=True)]
    assert np.mean(same) >= 0.75


@pytest.mark.rule("CA-08")
def test_full_checks_are_measured_in_full_and_named_as_not_performed_otherwise():
    costly = {"integrated-gradients", "sufficiency", "stability", "curves"}
    for level, status in {"letter": "not performed", "full": "performed"}.items():
        for record in records(FRAME, checks={"level": level}):
            stated = bool(record.ranking.covered)
            found = {check.id: check.status for check in record.checks if check.id in costly}
            assert found == dict.fromkeys(costly, status if stated else "not performed")


def test_what_is_for_tables_is_refused_for_texts_and_for_coalitions(tmp_path):
    for sections, key in [
        ('[explanation]\nmethod = "shapley"\n[text]\ncolumn = "t"\n', "explanation.method"),
        ('[explanation]\nmethod = "shapley"\n[reference]\nrepresentation = "coalitions"\n', "reference.representation"),
        ('[explanation]\nrules = "epsilon"\n[reference]\nrepresentation = "coalitions"\n', "reference.representation"),
    ]:
        path = tmp_path / "audit.toml"
        path.write_text(f'[model]\nfile = "m"\n[decision]\nadverse = "x"\n{sections}')
        with pytest.raises(ConfigError, match=key):
            load(path)
