"""Choices put into encoded rows are what encoding the changed table gives, for every kind of encoder and input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from torch import nn

from lrp_audit.adapters.tabular import TabularModel, adapt
from lrp_audit.checks.encoded_choices import EncodedColumns, encoded_columns
from lrp_audit.checks.fewest_changes import UNCHANGED
from lrp_audit.checks.variations import plausible_columns, varied
from lrp_audit.deciding.decision_model import explain_all
from lrp_audit.deciding.tabular_decisions import tabular_decisions
from lrp_audit.settings.config import AuditConfig


class Entities(nn.Module):
    """Embeddings of two code columns beside three numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, 3) for size in (6, 2))
        self.layers = nn.Linear(9, 2)

    def forward(self, codes: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        return self.layers(torch.cat([*(table(codes[:, i]) for i, table in enumerate(self.tables)), numbers], dim=1))


def people(count: int = 300) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame({
        "income": np.where(generator.uniform(size=count) < 0.2, np.nan, generator.lognormal(10, 0.5, count)),
        "term": generator.choice([12, 24, 36], count),
        "age": generator.integers(18, 80, count),
        "housing": generator.choice(["rent", "own"], count).astype(object),
        "rating": generator.choice(["a", "b", "c"], count).astype(object),
    })  # fmt: skip


def pipeline() -> Any:
    table = people()
    prepare = ColumnTransformer([
        ("income", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["income"]),
        ("bins", KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), ["age"]),
        ("codes", OneHotEncoder(), ["housing", "term"]),
        ("order", OrdinalEncoder(), ["rating"]),
    ])  # fmt: skip
    outcome = np.where(table.age + 20 * (table.housing == "rent") > 55, "denied", "approved")
    return make_pipeline(prepare, LogisticRegression()).fit(table, outcome)


def entities() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    codes = {"kind": generator.integers(0, 6, 300), "sex": generator.integers(0, 2, 300)}
    return pd.DataFrame({**codes, **{name: generator.normal(size=300) for name in "xyz"}})


def network() -> TabularModel:
    inputs = {"codes": ("kind", "sex"), "numbers": tuple("xyz")}
    return adapt(Entities(), inputs=inputs, classes=("approved", "denied"))


def config(columns: tuple[str, ...]) -> AuditConfig:
    return AuditConfig.model_validate({
        "model": {"file": "m"},
        "columns": {name: {"mutable": True} for name in columns},
        "decision": {"adverse": "denied"},
    })  # fmt: skip


CASES = {
    "pipeline": (adapt(pipeline()), people(), ("income", "age", "term", "rating", "housing")),
    "several inputs": (network(), entities(), ("kind", "x", "z")),
}


def encoded(name: str) -> tuple[TabularModel, pd.DataFrame, EncodedColumns]:
    model, table, names = CASES[name]
    listed = model.encoding.listed
    columns = plausible_columns(model.columns, table.dropna(), config(names), listed=listed)
    assert {column.column for column in columns} == set(names)
    return model, table, encoded_columns(model, table, columns)


ENCODED = {name: encoded(name) for name in CASES}


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
@settings(max_examples=40)
def test_a_choice_is_what_the_changed_row_encodes_to(name, data):
    model, table, columns = ENCODED[name]
    row = data.draw(st.integers(0, len(table) - 1))
    one = st.tuples(*(st.integers(UNCHANGED, len(column.values) - 1) for column in columns.plausible))
    choices = np.array(data.draw(st.lists(one, min_size=1, max_size=4)), dtype=np.intp)
    found = columns.varied(model.encode(table).inputs, row, choices)
    expected = model.encode(varied(table.iloc[[row] * len(choices)], columns.plausible, choices)).inputs
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key].dtype == value.dtype
        assert torch.equal(found[key], value)


def test_columns_that_are_looked_up_are_known():
    assert CASES["pipeline"][0].encoding.listed == {"housing", "term", "rating"}
    assert CASES["several inputs"][0].encoding.listed == {"kind", "sex"}


def test_no_column_varies_nothing():
    model, table, _ = CASES["pipeline"]
    inputs = model.encode(table).inputs
    found = encoded_columns(model, table, ()).varied(inputs, 3, np.zeros((2, 0), dtype=np.intp))
    assert all(torch.equal(found[name], value[[3, 3]]) for name, value in inputs.items())


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibrated_models_are_confirmed_by_their_own_probability(method):
    table = people(800).dropna().drop(columns=["housing", "rating"]).reset_index(drop=True)
    outcome = np.where(table.age + table.income / 2000 > 60, "denied", "approved")
    model = CalibratedClassifierCV(make_pipeline(StandardScaler(), LogisticRegression()), method=method, ensemble=False)
    model.fit(table, outcome)
    ready = tabular_decisions(config(("income", "age")), adapt(model), table)
    refused = table[model.predict_proba(table)[:, 1] >= 0.5].head(40)
    found = 0
    for row, item in enumerate(explain_all(ready, refused, [])):
        for variation in item.variations.found:
            changed = refused.iloc[[row]].assign(**{change.column: [change.value] for change in variation.changes})
            assert model.predict_proba(changed)[0, 1] < 0.5
            assert variation.score == pytest.approx(model.predict_proba(changed)[0, 1], abs=1e-9)
            found += 1
    assert found >= 20
