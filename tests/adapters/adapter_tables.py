"""Tables and small fitted models that the adapter tests share."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

NUMBERS = ["age", "income", "debt", "months"]
CATEGORIES = ["purpose", "housing"]


def loans(rows: int = 160, seed: int = 0, *, missing: bool = True) -> pd.DataFrame:
    """Numbers, whole numbers, truth values and categories, some missing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "income": rng.lognormal(10, 1, rows),
            "debt": rng.normal(0, 3, rows),
            "months": rng.integers(0, 6, rows).astype(float),
            "employed": rng.random(rows) < 0.7,
            "purpose": rng.choice(["car", "home", "study", "other"], rows, p=[0.5, 0.3, 0.15, 0.05]),
            "housing": rng.choice(["own", "rent"], rows),
        }
    )
    if missing:
        frame.loc[rng.random(rows) < 0.1, "income"] = np.nan
        frame.loc[rng.random(rows) < 0.1, "purpose"] = np.nan
    return frame


def outcome(frame: pd.DataFrame, classes: int = 2) -> Any:
    """A class per row that depends on the columns."""
    score = frame["age"] / 20 + frame["debt"] - frame["employed"]
    return pd.qcut(score.rank(method="first"), classes, labels=list("abcdef"[:classes])).astype(str).to_numpy()


def fit(model: Any, frame: Any, target: Any = None) -> Any:
    """The fitted model; that it did not converge does not matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(frame, outcome(frame) if target is None else target)


def network(**settings: Any) -> MLPClassifier:
    """A small classifier, hardly trained."""
    return MLPClassifier((6, 4), **{"max_iter": 5, "random_state": 0, **settings})


def behind(*steps: Any, **settings: Any) -> Any:
    """A pipeline of steps that ends in a small classifier."""
    return make_pipeline(*steps, network(**settings))
