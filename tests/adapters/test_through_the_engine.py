"""Every kind of adapted network can be captured, and its relevance adds up in the user's columns."""

import pickle
from typing import Any

import adapter_networks as networks
import adapter_tables as tables
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from torch import nn

from lrp_audit.adapters.margins import margin_of
from lrp_audit.adapters.tabular import TabularModel, adapt
from lrp_audit.engine import Population, capture, preset, propagate

CLASSES = ["approved", "denied"]
NUMBERS = tables.NUMBERS


def steps(*then: Any) -> Any:
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler(), *then), NUMBERS), (OneHotEncoder(), ["housing"])
    )


def pipeline(estimator: Any, *then: Any, classes: int = 2) -> Any:
    frame = tables.loans()
    return lambda: adapt(tables.fit(make_pipeline(steps(*then), estimator), frame, tables.outcome(frame, classes)))


def regressor() -> TabularModel:
    frame = tables.loans()
    return adapt(make_pipeline(steps(), PoissonRegressor()).fit(frame, frame["age"]))


def exported() -> TabularModel:
    rows = torch.export.Dim("rows")
    module = networks.drawn(networks.Residual()).eval()
    program = torch.export.export(module, (torch.zeros(3, 4),), dynamic_shapes=({0: rows},))
    return adapt(program, columns=NUMBERS, classes=CLASSES)


def function_ending() -> TabularModel:
    module = networks.drawn(networks.EndsInProbability(lambda z: torch.softmax(z, dim=1), 3))
    return adapt(module, columns=NUMBERS, classes=list("abc"))


def multi_label() -> TabularModel:
    module = networks.drawn(nn.Sequential(nn.Linear(4, 5), nn.SELU(), nn.Linear(5, 3)))
    return adapt(module, columns=NUMBERS, classes=list("abc"), label="b")


def embeddings() -> TabularModel:
    inputs = {"codes": ["months", "employed"], "numbers": ["age", "income", "debt"]}
    return adapt(networks.drawn(networks.Entities()), inputs=inputs, classes=CLASSES)


def behind_pca() -> TabularModel:
    preprocessor = steps(PCA(3)).fit(tables.loans())
    module = networks.drawn(nn.Sequential(nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 1)))
    return adapt(module, preprocessor=preprocessor, classes=CLASSES)


MODELS = {
    "network": pipeline(tables.network()),
    "network, four classes": pipeline(tables.network(activation="tanh"), classes=4),
    "network behind pca": pipeline(tables.network(activation="logistic"), PCA(3, whiten=True)),
    "logistic": pipeline(LogisticRegression()),
    "svc": pipeline(LinearSVC()),
    "calibrated folds": pipeline(CalibratedClassifierCV(LogisticRegression(), cv=3)),
    "calibrated": pipeline(CalibratedClassifierCV(LogisticRegression(), cv=3, ensemble=False)),
    "log regressor": regressor,
    "residual": lambda: adapt(networks.drawn(networks.Residual()), columns=NUMBERS, classes=CLASSES),
    "exported": exported,
    "casting": lambda: adapt(networks.drawn(networks.Casting()), columns=NUMBERS, classes=CLASSES),
    "softmax taken off": function_ending,
    "one of several labels": multi_label,
    "embeddings": embeddings,
    "torch behind pca": behind_pca,
}


def rows(seed: int) -> pd.DataFrame:
    frame = tables.loans(12, seed=seed, missing=False)
    return frame.assign(income=frame["income"] / 20000, employed=frame["employed"].astype(int))


@pytest.mark.parametrize("name", MODELS)
def test_relevance_in_columns_adds_up_to_the_difference_in_margin(name: str) -> None:
    model: TabularModel = MODELS[name]()
    encoded, members = model.encode(rows(1)), model.encode(rows(2))
    graph = capture(model.module, encoded.inputs)
    for adverse in model.classes or ("above", "below"):
        for against in ("others", "runner-up") if model.link == "softmax" else ("others",):
            target: Any = model.margin_target(adverse, against)
            found = propagate(
                graph,
                encoded.inputs,
                target=target,
                composite=preset("lrp0"),
                reference=Population(members.inputs),
            )
            margin = margin_of(torch.from_numpy(model.raw(encoded)), target)
            typical = margin_of(torch.from_numpy(model.raw(members)), target).mean()
            columns = model.to_columns(found.relevance)
            size = 1 + np.abs(columns).sum(axis=1).max()
            np.testing.assert_allclose(columns.sum(axis=1), (margin - typical).numpy(), rtol=0, atol=1e-9 * size)


@pytest.mark.parametrize("name", ["network behind pca", "calibrated folds", "calibrated", "residual", "embeddings"])
def test_a_model_travels_to_other_processes(name: str) -> None:
    model: TabularModel = MODELS[name]()
    twin: TabularModel = pickle.loads(pickle.dumps(model))
    frame = rows(3)
    np.testing.assert_array_equal(twin.raw(twin.encode(frame)), model.raw(model.encode(frame)))
    np.testing.assert_array_equal(twin.estimate(frame), model.estimate(frame))
    assert twin.columns == model.columns
    assert twin.invalid(frame.assign(age=np.nan, debt=np.inf)) == model.invalid(frame.assign(age=np.nan, debt=np.inf))
