"""Real lending data through usual pipelines: graph and model agree, columns stay apart, relevance adds up."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, QuantileTransformer, StandardScaler

from lrp_audit.adapters.margins import margin_of
from lrp_audit.adapters.tabular import TabularModel, adapt
from lrp_audit.engine import Population, capture, preset, propagate

pytestmark = pytest.mark.real

DATA = Path(__file__).parents[2].parent / "shared" / "data"
Table = tuple[pd.DataFrame, "pd.Series[str]"]


def south_german() -> Table:
    path = DATA / "south_german_credit" / "SouthGermanCredit.asc"
    frame = pd.read_csv(path, sep=" ")
    return frame.drop(columns="kredit"), frame["kredit"].map({0: "bad", 1: "good"})


def hmda() -> Table:
    frame = pd.read_csv(DATA / "hmda_boston_1990" / "hmda_boston_1990.csv")
    return frame.drop(columns=["rownames", "deny"]), frame["deny"]


def taiwan() -> Table:
    frame = pd.read_csv(DATA / "taiwan_default" / "taiwan_default.csv.gz", nrows=6000)
    target = frame["default.payment.next.month"].map({0: "paid", 1: "default"})
    return frame.drop(columns=["ID", "default.payment.next.month"]), target


def german_steps(frame: pd.DataFrame) -> Any:
    amounts = ["laufzeit", "hoehe", "alter"]
    return make_column_transformer(
        (StandardScaler(), amounts), (OneHotEncoder(handle_unknown="ignore"), [c for c in frame if c not in amounts])
    )


def hmda_steps(frame: pd.DataFrame) -> Any:
    bins = KBinsDiscretizer(5, quantile_method="averaged_inverted_cdf")
    return make_column_transformer(
        (bins, ["lvrat"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include="number")),
        (OneHotEncoder(drop="if_binary"), make_column_selector(dtype_exclude="number")),
    )


def taiwan_steps(frame: pd.DataFrame) -> Any:
    bills = [name for name in frame if name.startswith("BILL")]
    pays = [name for name in frame if name.startswith("PAY_AMT")]
    others = [name for name in frame if name not in (*bills, *pays, "SEX", "EDUCATION", "MARRIAGE")]
    return make_column_transformer(
        (make_pipeline(StandardScaler(), PCA(3, random_state=0)), bills),
        (QuantileTransformer(n_quantiles=100), pays),
        (OneHotEncoder(min_frequency=20, handle_unknown="infrequent_if_exist"), ["SEX", "EDUCATION", "MARRIAGE"]),
        (StandardScaler(), others),
    )


SETS: dict[str, tuple[Callable[[], Table], Callable[[pd.DataFrame], Any], Any]] = {
    "south german": (south_german, german_steps, MLPClassifier((16, 8), max_iter=30, random_state=0)),
    "hmda": (hmda, hmda_steps, CalibratedClassifierCV(MLPClassifier((8,), max_iter=30, random_state=0), cv=3)),
    "taiwan": (taiwan, taiwan_steps, MLPClassifier((16, 8), max_iter=10, random_state=0)),
}


@pytest.fixture(scope="module", params=SETS)
def case(request: pytest.FixtureRequest) -> tuple[TabularModel, Any, pd.DataFrame]:
    """(adapted model, the user's model, rows it has not seen)."""
    load, steps, estimator = SETS[request.param]
    if not DATA.exists():
        pytest.skip("the public data sets are not beside the checkout")
    frame, target = load()
    held_out = np.arange(len(frame)) % 4 == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        user = make_pipeline(steps(frame), estimator).fit(frame[~held_out], target[~held_out])
    return adapt(user), user, frame[held_out]


def scorable(model: TabularModel, frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.iloc[:150]
    return frame.drop(index=frame.index[list(model.invalid(frame))])


def test_graph_and_model_agree_on_every_row_held_out(case: Any) -> None:
    model, user, unseen = case
    assert model.columns == tuple(unseen.columns)
    invalid = model.invalid(unseen)
    assert len(invalid) <= 5
    valid = unseen.drop(index=unseen.index[list(invalid)])
    assert model.verify(valid) < 1e-12
    np.testing.assert_array_equal(model.estimate(valid), user.predict_proba(valid))


def test_columns_stay_apart(case: Any) -> None:
    model, _, unseen = case
    unseen = scorable(model, unseen)
    ((name, before),) = model.encode(unseen).inputs.items()
    for place, column in enumerate(model.columns):
        changed = unseen.assign(**{column: unseen[column].to_numpy()[::-1]})
        moved = (model.encode(changed).inputs[name] != before).any(dim=0).numpy()
        assert not moved[model.owners[name] != place].any()
        assert moved.any() == (unseen[column] != changed[column]).any()


def test_relevance_of_columns_adds_up_to_the_difference_in_margin(case: Any) -> None:
    model, _, unseen = case
    unseen = scorable(model, unseen)
    inputs = model.encode(unseen).inputs
    adverse = model.classes[0]
    target: Any = model.margin_target(adverse)
    graph = capture(model.module, inputs)
    members = {name: one[:40] for name, one in inputs.items()}
    found = propagate(graph, inputs, target=target, composite=preset("lrp0"), reference=Population(members))
    margin = margin_of(torch.from_numpy(model.raw(model.encode(unseen))), target)
    columns = model.to_columns(found.relevance)
    np.testing.assert_allclose(columns.sum(axis=1), (margin - margin[:40].mean()).numpy(), rtol=0, atol=1e-9)
    assert columns.shape == (len(unseen), len(model.columns))
