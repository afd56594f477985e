"""A fitted estimator, however wrapped, as one network on columnwise encoded rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from torch import nn

from lrp_audit.adapters.margins import Calibrator, Isotonic, OutputScale, Sigmoid
from lrp_audit.adapters.nodes import Node, Wire, join
from lrp_audit.adapters.sklearn_network import Head, MeanCalibrated, behind, class_names, sklearn_head
from lrp_audit.adapters.trace import trace
from lrp_audit.errors import UnsupportedModelError


@dataclass(frozen=True, eq=False)
class Network:
    """One module on the values of one node, and what its output means."""

    node: Node
    module: nn.Module  # (N, node.width) float64 -> (N, outputs)
    scale: OutputScale
    single_precision: bool
    preprocessing: tuple[Any, ...] = ()  # the fitted transformers on the way


@dataclass(frozen=True)
class Labels:
    """What the configuration says about a multi-label model."""

    decided: str | None = None
    names: tuple[str, ...] = ()


HeadOf = Callable[[Any, Labels, int, str], Head | None]


def network(estimator: Any, wire: Wire, labels: Labels, other_head: HeadOf, where: str = "") -> Network:
    """The network of a fitted scikit-learn estimator, its pipelines, searches and calibrations unwrapped.

    Args:
        estimator: What was fitted.
        wire: What enters it.
        labels: The label decided on, for multi-label models.
        other_head: Asked first for the head of a last step, so that networks of other libraries may end a pipeline.
        where: Name of the step, for messages.

    Raises:
        UnsupportedModelError: a step cannot be traced, or the estimator has no differentiable graph.
    """
    if isinstance(estimator, Pipeline):
        return _pipeline(estimator, wire, labels, other_head, where)
    if isinstance(estimator, (GridSearchCV, RandomizedSearchCV)):
        return network(estimator.best_estimator_, wire, labels, other_head, where)
    if isinstance(estimator, FrozenEstimator):
        return network(estimator.estimator, wire, labels, other_head, where)
    if isinstance(estimator, CalibratedClassifierCV):
        return _calibrated(estimator, wire, labels, other_head, where)
    expected = getattr(estimator, "n_features_in_", wire.width)
    if expected != wire.width:
        raise UnsupportedModelError(
            f"{type(estimator).__name__} takes {expected} numbers, but the steps before it give {wire.width}."
        )
    one = other_head(estimator, labels, wire.width, where)
    if one is None:
        one = sklearn_head(estimator, labels.decided, labels.names, where)
    module = behind(wire.affine, one.module)
    return Network(wire.node, module, OutputScale(one.classes, one.link), one.single_precision)


def _pipeline(estimator: Pipeline, wire: Wire, labels: Labels, other_head: HeadOf, where: str) -> Network:
    inside = f"{where}/" if where else ""
    for name, step in estimator.steps[:-1]:
        wire = trace(step, wire, inside + name)
    name, last = estimator.steps[-1]
    result = network(last, wire, labels, other_head, inside + name)
    steps = tuple(step for _, step in estimator.steps[:-1])
    return replace(result, preprocessing=(*steps, *result.preprocessing))


# --- calibration ------------------------------------------------------------------------------------------------------


def _calibrated(
    estimator: CalibratedClassifierCV, wire: Wire, labels: Labels, other_head: HeadOf, where: str
) -> Network:
    folds = estimator.calibrated_classifiers_
    if len(estimator.classes_) != 2:
        raise UnsupportedModelError(
            "CalibratedClassifierCV over several classes calibrates one class against the rest and then rescales, "
            "which has no single margin; calibrate a two-class model, or use the uncalibrated one."
        )
    networks = [network(fold.estimator, wire, labels, other_head, where) for fold in folds]
    if any(one.scale.calibrator is not None or not one.scale.single for one in networks):
        raise UnsupportedModelError(
            "CalibratedClassifierCV is supported around classifiers with a single margin, not around calibrated ones "
            "or networks with two outputs."
        )
    on_probability = not hasattr(folds[0].estimator, "decision_function")
    scale = replace(networks[0].scale, classes=class_names(estimator.classes_), link="logit")
    if len(folds) == 1:
        return replace(networks[0], scale=replace(scale, calibrator=_calibrator(folds[0], on_probability)))
    sigmoids = [_calibrator(fold, on_probability) for fold in folds]
    if not all(isinstance(one, Sigmoid) for one in sigmoids):
        raise UnsupportedModelError(
            "CalibratedClassifierCV with isotonic calibration over several folds has no smooth graph; use "
            "method='sigmoid', or ensemble=False."
        )
    return _mean_of_folds(networks, [one for one in sigmoids if isinstance(one, Sigmoid)], scale)


def _mean_of_folds(networks: list[Network], sigmoids: list[Sigmoid], scale: OutputScale) -> Network:
    """One graph over all folds; folds with a preprocessing of their own read their own stretch of the row."""
    shared = all(one.node is networks[0].node for one in networks)
    node = networks[0].node if shared else join([Wire(one.node) for one in networks]).node
    edges = np.cumsum([0, *(one.node.width for one in networks)])
    columns = [slice(0, node.width) if shared else slice(edges[i], edges[i + 1]) for i in range(len(networks))]
    module = MeanCalibrated(
        [one.module for one in networks],
        columns,
        np.array([-one.a for one in sigmoids]),
        np.array([-one.b for one in sigmoids]),
        sigmoids[0].on_probability,
    )
    steps = tuple(step for one in networks for step in one.preprocessing)
    return Network(node, module, scale, any(one.single_precision for one in networks), steps)


def _calibrator(fold: Any, on_probability: bool) -> Calibrator:
    if fold.method not in ("sigmoid", "isotonic"):
        raise UnsupportedModelError(
            f"CalibratedClassifierCV with method='{fold.method}' is not supported; use method='sigmoid'."
        )
    fitted = fold.calibrators[0]
    if fold.method == "isotonic":
        x, y = fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist()
        if not fitted.increasing_:
            raise UnsupportedModelError(_inverted())
        return Isotonic(tuple(x), tuple(y), on_probability)
    if not fitted.a_ < 0:
        raise UnsupportedModelError(_inverted())
    return Sigmoid(float(fitted.a_), float(fitted.b_), on_probability)


def _inverted() -> str:
    return (
        "The calibrator turns the classifier's scores around (a higher score, a lower probability), so a margin would "
        "argue against its own probability; check the classifier and its calibration data."
    )
