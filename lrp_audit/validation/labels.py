"""Label randomisation: do explanations change when a model is fitted on labels without meaning (Adebayo et al. 2018)?

The model is fitted again twice on the same rows: on their labels, which shows what another fit alone changes, and on
the labels in random order. Explanations of the first should be like the model's own, and those of the second not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.adapters.estimators import SklearnEstimator
from lrp_audit.adapters.model import TabularModel
from lrp_audit.adapters.nodes import as_fitted
from lrp_audit.adapters.tabular import adapt
from lrp_audit.validation.refit import RefitError, refit_estimator, refit_network
from lrp_audit.validation.similarity import Vectors, rank_similarity

MOST_ROWS = 20_000  # that a model is fitted on again

ExplainModel = Callable[[TabularModel], Vectors]


@dataclass(frozen=True)
class Refitted:
    """One fit: how like its explanations are to the model's own, and the share of the true labels it predicts.

    `right` is None for a regressor.
    """

    similarity: float
    right: float | None


@dataclass(frozen=True)
class LabelRandomisation:
    """The fit on the labels as they are, and on shuffled ones. `how` says how the model was fitted again."""

    how: str
    rows: int
    true: Refitted
    shuffled: Refitted


def label_randomisation(
    model: TabularModel,
    explain: ExplainModel,
    frame: pd.DataFrame,
    labels: npt.NDArray[Any],
    *,
    seconds: float,
    seed: int,
    done: Callable[[], object] = lambda: None,
) -> LabelRandomisation:
    """Fit the model again on labels as they are and on shuffled ones.

    Args:
        model: the model; it stays as it is.
        explain: relevance of the sample's rows by a model of the same columns.
        frame: rows to fit on.
        labels: of these rows: positions of the model's classes, or values.
        seconds: that one fit may take.
        seed: of the order of labels, and of fitting.
        done: called after each fit.

    Raises:
        RefitError: the model cannot be fitted again; says why.
    """
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(len(frame))[:MOST_ROWS])
    rows, known = frame.iloc[chosen], labels[chosen]
    refit = _estimator if isinstance(model.estimator, SklearnEstimator) else _network
    original = explain(model)

    def fitted(given: npt.NDArray[Any]) -> Refitted:
        found = refit(model, rows, given, seconds, seed)
        done()
        return Refitted(rank_similarity(original, explain(found)), _right(found, rows, known))

    how = "scikit-learn" if refit is _estimator else "plain loop"
    return LabelRandomisation(how, len(rows), fitted(known), fitted(generator.permutation(known)))


def _estimator(
    model: TabularModel, rows: pd.DataFrame, labels: npt.NDArray[Any], seconds: float, seed: int
) -> TabularModel:
    own = model.estimator
    assert isinstance(own, SklearnEstimator)
    if own.label is not None:
        raise RefitError("the model decides several labels at once")
    given = as_fitted(own.estimator, model.encoding.read(rows))
    targets = np.asarray(own.estimator.classes_)[labels] if model.classes else labels
    fitted = refit_estimator(own.estimator, given, targets, seconds=seconds, seed=seed)
    if model.classes and len(fitted.classes_) != len(model.classes):
        raise RefitError("the rows do not hold every class of the model")
    return adapt(fitted, columns=model.encoding.names, classes=model.classes)


def _network(
    model: TabularModel, rows: pd.DataFrame, labels: npt.NDArray[Any], seconds: float, seed: int
) -> TabularModel:
    inputs, classes = model.encode(rows).inputs, len(model.classes)
    module = refit_network(model.module, inputs, labels, model.link, classes=classes, seconds=seconds, seed=seed)
    return replace(model, module=module)


def _right(model: TabularModel, rows: pd.DataFrame, labels: npt.NDArray[Any]) -> float | None:
    if not model.classes:
        return None
    scores = model.scale.scores(model.raw(model.encode(rows)))
    chosen = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(1)
    return float(np.mean(chosen == labels))
