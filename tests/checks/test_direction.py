"""Direction test: what walking every applicant's value through the model says, one at a time and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from lrp_audit.adapters.tabular import adapt
from lrp_audit.checks import direction
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.session import new_session
from lrp_audit.deciding.tabular_decisions import tabular_decisions
from lrp_audit.settings.config import AuditConfig

pytestmark = pytest.mark.rule("RS-11")
COLUMNS = ["income", "months", "ratio", "code"]


def hump(values):
    """Rises and falls again, so that no direction holds for a value on the wrong side."""
    return np.exp(-(values**2))


@pytest.fixture(scope="module")
def ready():
    """A pipeline that scales, looks codes up in a list and refuses others; 1 of 4 columns bends."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "income": generator.normal(50, 12, 300).round(1),
            "months": generator.integers(0, 90, 300),
            "ratio": generator.normal(size=300).round(2),
            "code": generator.choice([1, 4, 9], 300),
        }
    )
    outcome = np.where(frame["income"] < 48 - 6 * hump(frame["ratio"]) + 0.1 * frame["months"], "denied", "ok")
    prepare = ColumnTransformer(
        [
            ("scaled", StandardScaler(), ["income", "months"]),
            ("bent", FunctionTransformer(hump), ["ratio"]),
            ("codes", OneHotEncoder(), ["code"]),
        ]
    )
    model = adapt(make_pipeline(prepare, LogisticRegression()).fit(frame, outcome))
    config = AuditConfig.model_validate({"model": {"file": "m"}, "decision": {"adverse": "denied", "cutoff": 0.3}})
    return tabular_decisions(config, model, frame), frame, config


def walked(decisions, frame, row, column):
    """The direction of one value, by tables of one row."""
    population = decisions.reference.frame[column]
    given, median = float(frame[column].iloc[row]), population.median()
    far = population.quantile(0.95 if given < median else 0.05)
    if not (given < far if given < median else given > far):
        return None
    path = [given, *(given + (far - given) * step / direction.STEPS for step in range(1, direction.STEPS + 1))]
    if (population % 1 == 0).all():
        path = [given, *np.round(path[1:])]
    model = decisions.explainer.model
    tables = [frame.iloc[[row]].assign(**{column: [float(value)]}) for value in path]
    margins = np.array([decisions.explainer.margin(model.encode(table).inputs)[0] for table in tables])
    falls = (np.diff(margins) <= 1e-9).all() and margins[-1] < margins[0] - 1e-9
    return ("low" if far > given else "high") if falls else None


def test_every_direction_is_what_walking_that_value_alone_says(ready):
    decisions, frame, _ = ready
    rows, columns = (part.reshape(-1) for part in np.meshgrid(np.arange(60), np.arange(3), indexing="ij"))
    inputs = decisions.explainer.model.encode(frame.head(60)).inputs
    found = direction.tested_directions(decisions.explainer, frame.head(60), inputs, rows, columns, decisions.reference)
    expected = [walked(decisions, frame, row, COLUMNS[column]) for row, column in zip(rows, columns, strict=True)]
    assert found == expected
    assert {"low", "high", None} <= set(found)
    alone = [
        direction.tested_directions(
            decisions.explainer,
            frame.iloc[[row]],
            {name: value[row : row + 1] for name, value in inputs.items()},
            np.array([0]),
            np.array([column]),
            decisions.reference,
        )[0]
        for row, column in list(zip(rows, columns, strict=True))[:12]
    ]
    assert alone == found[:12]


def test_codes_that_the_model_looks_up_have_no_direction_and_stop_nothing(ready):
    decisions, frame, config = ready
    for item in decide(new_session(config, decisions, bytes(32)), frame):
        check = next((check for check in item.record.checks if check.id == "direction"), None)
        assert all(reason.direction is None for reason in item.record.reasons if reason.columns == ("code",))
        assert check is None or check.measured.get("tested", 0) <= 3


def test_a_missing_value_and_one_beyond_the_far_end_have_no_direction(ready):
    decisions, frame, _ = ready
    model = decisions.explainer.model
    far = frame.head(2).assign(income=[-500.0, 900.0])
    moved = direction.tested_directions(
        decisions.explainer, far, model.encode(far).inputs, np.array([0, 1]), np.array([0, 0]), decisions.reference
    )
    assert moved == ["low", None]  # income beyond the top: nothing to gain in going down
    missing = far.assign(income=[np.nan, 40.0])
    inputs = model.encode(far).inputs  # the network's side of it does not matter here
    assert direction.tested_directions(
        decisions.explainer, missing, inputs, np.array([0]), np.array([0]), decisions.reference
    ) == [None]
