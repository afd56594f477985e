"""scikit-learn estimators as torch networks in float64 with raw outputs (logits, or values before the link)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn import linear_model, svm
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch import nn

from lrp_audit.adapters.affine import Affine, FloatArray
from lrp_audit.adapters.margins import Link
from lrp_audit.errors import UnsupportedModelError

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
}
TREE_WORDS = ("Tree", "Forest", "Boost", "xgboost", "lightgbm", "catboost")


@dataclass(frozen=True, eq=False)
class Head:
    """An estimator's network on its own input, and what its output means."""

    module: nn.Module  # (N, width) float64 -> (N, outputs)
    classes: tuple[str, ...]
    link: Link
    single_precision: bool = False


def class_names(classes: Any) -> tuple[str, ...]:
    """Class labels as text."""
    return tuple(str(one.item() if isinstance(one, np.generic) else one) for one in classes)


def linear(weight: Any, bias: Any) -> nn.Linear:
    """A float64 layer computing `x @ weight + bias`, weight (in, out)."""
    weight = np.asarray(weight, dtype=np.float64)
    layer = nn.Linear(weight.shape[0], weight.shape[1], dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight.T)))
        layer.bias.copy_(torch.from_numpy(np.broadcast_to(np.asarray(bias, np.float64), weight.shape[1]).copy()))
    return layer.requires_grad_(False)


def behind(affine: Affine | None, module: nn.Module) -> nn.Module:
    """The module with an affine map (PCA and what follows it) as its first layer."""
    return module if affine is None else nn.Sequential(linear(affine.weight, affine.bias), module)


def sklearn_head(estimator: Any, label: str | None, names: tuple[str, ...], where: str) -> Head:
    """The network of a fitted scikit-learn estimator.

    Args:
        estimator: Fitted classifier or regressor.
        label: For a multi-label classifier, the label decided on.
        names: Names of the labels of a multi-label classifier, in order; default their numbers.
        where: Name of the step, for messages.

    Raises:
        UnsupportedModelError: no differentiable graph, or several values at once.
    """
    build = ESTIMATORS.get(type(estimator))
    if build is None:
        raise UnsupportedModelError(out_of_scope(estimator, where))
    if type(estimator) is MLPClassifier and estimator.out_activation_ == "logistic" and estimator.n_outputs_ > 1:
        return _one_label(estimator, label, names)
    if label is not None:
        raise UnsupportedModelError(
            f"[decision] label = '{label}' is for multi-label models; {type(estimator).__name__} decides on one label."
        )
    return build(estimator)


def out_of_scope(estimator: Any, where: str) -> str:
    """One sentence: why an estimator is not explained here, and what to use."""
    name, module = type(estimator).__name__, type(estimator).__module__
    step = f"Step '{where}' ({name})" if where else name
    if any(word in f"{module}.{name}" for word in TREE_WORDS):
        return f"{step} is a tree model without a differentiable graph and out of scope; use shap's TreeExplainer."
    if name == "TransformedTargetRegressor":
        return f"{step} is not supported; explain its fitted regressor_ and give the cutoff on the transformed scale."
    return (
        f"{step} is no network or linear model with a differentiable graph and out of scope; use a model-agnostic "
        "method such as shap's KernelExplainer."
    )


# --- multilayer perceptrons -------------------------------------------------------------------------------------------


def _layers(estimator: Any, outputs: slice = slice(None)) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, (weight, bias) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        last = i == len(estimator.coefs_) - 1
        layers.append(linear(weight[:, outputs], bias[outputs]) if last else linear(weight, bias))
        if not last:
            layers.append(ACTIVATIONS[estimator.activation]())
    return nn.Sequential(*layers)


def _single(estimator: Any) -> bool:
    return any(weight.dtype == np.float32 for weight in estimator.coefs_)


def _mlp_classifier(estimator: Any) -> Head:
    link: Link = "softmax" if estimator.out_activation_ == "softmax" else "logit"
    return Head(_layers(estimator), class_names(estimator.classes_), link, _single(estimator))


def _one_label(estimator: Any, label: str | None, names: tuple[str, ...]) -> Head:
    known = names or class_names(estimator.classes_)
    if len(known) != estimator.n_outputs_:
        raise UnsupportedModelError(f"The model has {estimator.n_outputs_} labels, but {len(known)} are named.")
    if label is None or label not in known:
        raise UnsupportedModelError(
            f"The model has several labels; set [decision] label to one of {', '.join(known)}"
            + (f" ('{label}' is none of them)." if label else ".")
        )
    k = known.index(label)
    return Head(_layers(estimator, slice(k, k + 1)), ("0", "1"), "logit", _single(estimator))


def _mlp_regressor(estimator: Any) -> Head:
    if estimator.n_outputs_ != 1:
        raise UnsupportedModelError(f"The regressor has {estimator.n_outputs_} outputs; only one can be decided on.")
    link: Link = "log" if estimator.out_activation_ == "exp" else "identity"
    return Head(_layers(estimator), (), link, _single(estimator))


# --- linear models ----------------------------------------------------------------------------------------------------


def _one_layer(estimator: Any) -> nn.Module:
    weight = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    return linear(weight.T, estimator.intercept_)


def _logistic(estimator: Any) -> Head:
    classes = class_names(estimator.classes_)
    several = len(estimator.coef_) > 1
    if several and (getattr(estimator, "multi_class", "auto") == "ovr" or estimator.solver == "liblinear"):
        raise UnsupportedModelError(
            f"{type(estimator).__name__} was fitted one-vs-rest over {len(classes)} classes, which has no single "
            "margin; fit it multinomially."
        )
    return Head(_one_layer(estimator), classes, "softmax" if several else "logit")


def _decision(estimator: Any) -> Head:
    if getattr(estimator, "_label_binarizer", None) is not None and estimator._label_binarizer.y_type_.startswith(
        "multilabel"
    ):
        raise UnsupportedModelError(f"A multi-label {type(estimator).__name__} is not supported; fit one per label.")
    return Head(_one_layer(estimator), class_names(estimator.classes_), "identity")


def _sgd_classifier(estimator: Any) -> Head:
    if estimator.loss == "log_loss" and len(estimator.classes_) == 2:
        return Head(_one_layer(estimator), class_names(estimator.classes_), "logit")
    return _decision(estimator)


def _one_value(estimator: Any, link: Link) -> Head:
    if np.ndim(estimator.coef_) > 1 and len(estimator.coef_) > 1:
        raise UnsupportedModelError(f"The regressor has {len(estimator.coef_)} outputs; only one can be decided on.")
    return Head(_one_layer(estimator), (), link)


def _regressor(estimator: Any) -> Head:
    return _one_value(estimator, "identity")


def _log_regressor(estimator: Any) -> Head:
    return _one_value(estimator, "log")


def _tweedie(estimator: Any) -> Head:
    log = estimator.link == "log" or (estimator.link == "auto" and estimator.power > 0)
    return _one_value(estimator, "log" if log else "identity")


_REGRESSORS: tuple[type, ...] = (
    linear_model.LinearRegression,
    linear_model.Ridge,
    linear_model.RidgeCV,
    linear_model.Lasso,
    linear_model.LassoCV,
    linear_model.ElasticNet,
    linear_model.ElasticNetCV,
    linear_model.BayesianRidge,
    linear_model.ARDRegression,
    linear_model.HuberRegressor,
    linear_model.QuantileRegressor,
    linear_model.SGDRegressor,
    svm.LinearSVR,
)

ESTIMATORS: Mapping[type, Callable[[Any], Head]] = {
    MLPClassifier: _mlp_classifier,
    MLPRegressor: _mlp_regressor,
    linear_model.LogisticRegression: _logistic,
    linear_model.LogisticRegressionCV: _logistic,
    svm.LinearSVC: _decision,
    linear_model.RidgeClassifier: _decision,
    linear_model.RidgeClassifierCV: _decision,
    linear_model.Perceptron: _decision,
    linear_model.SGDClassifier: _sgd_classifier,
    **dict.fromkeys(_REGRESSORS, _regressor),
    linear_model.PoissonRegressor: _log_regressor,
    linear_model.GammaRegressor: _log_regressor,
    linear_model.TweedieRegressor: _tweedie,
}


# --- calibrated folds -------------------------------------------------------------------------------------------------


class MeanCalibrated(nn.Module):
    """`logit(mean_i sigmoid(slope_i T_i + shift_i))`, the logit of the mean of calibrated probabilities.

    T_i is fold i's margin or, if `on_probability`, its sigmoid. Both tails are means of sigmoids, so neither
    probability is computed as one minus the other.
    """

    def __init__(
        self, folds: list[nn.Module], columns: list[slice], slope: FloatArray, shift: FloatArray, on_probability: bool
    ) -> None:
        super().__init__()
        self.folds = nn.ModuleList(folds)
        self.columns = columns
        self.on_probability = on_probability
        self.slope: torch.Tensor
        self.shift: torch.Tensor
        self.register_buffer("slope", torch.from_numpy(np.array(slope, dtype=np.float64)))
        self.register_buffer("shift", torch.from_numpy(np.array(shift, dtype=np.float64)))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        scores = torch.cat([fold(input[:, part]) for fold, part in zip(self.folds, self.columns, strict=True)], dim=1)
        if self.on_probability:
            scores = torch.sigmoid(scores)
        logits = scores * self.slope + self.shift
        upper = torch.sigmoid(logits).mean(dim=1, keepdim=True)
        lower = torch.sigmoid(-logits).mean(dim=1, keepdim=True)
        return torch.log(upper) - torch.log(lower)
