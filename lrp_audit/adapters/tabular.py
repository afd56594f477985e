"""From whatever a user trained on a table to a `TabularModel`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.export import ExportedProgram

from lrp_audit.adapters.digests import preprocessing_sha256, weights_sha256
from lrp_audit.adapters.encoding import Encoded, Encoding, Slot, column_kinds, used_columns
from lrp_audit.adapters.estimators import Estimator, SklearnEstimator, SkorchEstimator, TorchEstimator
from lrp_audit.adapters.frames import did_you_mean
from lrp_audit.adapters.margins import OutputScale
from lrp_audit.adapters.model import DOUBLE_TOLERANCE, SINGLE_TOLERANCE, TabularModel
from lrp_audit.adapters.networks import Labels, network
from lrp_audit.adapters.nodes import Node, Wire, table
from lrp_audit.adapters.sklearn_network import Head, behind, class_names
from lrp_audit.adapters.torch_module import (
    TorchNetwork,
    evaluation_copy,
    input_names,
    is_skorch,
    precision,
    torch_network,
)
from lrp_audit.adapters.trace import trace
from lrp_audit.errors import ConfigError, UnsupportedModelError

__all__ = ["Encoded", "TabularModel", "adapt"]


def adapt(
    model: object,
    *,
    columns: Sequence[str] = (),
    inputs: Mapping[str, Sequence[str]] | None = None,
    preprocessor: object = None,
    classes: Sequence[str] = (),
    label: str | None = None,
) -> TabularModel:
    """Make a trained model explainable in the columns of its table.

    Args:
        model: A fitted scikit-learn estimator or pipeline, a torch module, an exported program, or a skorch net.
        columns: Input columns in order, where the model was not fitted on named columns.
        inputs: For a network with several tensors: input name -> its columns.
        preprocessor: Fitted scikit-learn transformer in front of the model.
        classes: Names of a network's outputs in order. For a scikit-learn classifier other names for `classes_`; for
            a multi-label model the names of the labels. None for a regressor.
        label: For a multi-label model the label decided on; its classes are then '0' and '1'.

    Raises:
        UnsupportedModelError: no differentiable graph, or a step that cannot be traced to columns, named.
        ConfigError: columns, inputs, classes or label do not fit the model.
    """
    if isinstance(model, TabularModel):
        return model
    if isinstance(model, (nn.Module, ExportedProgram)) or is_skorch(model):
        return _adapt_network(model, columns, inputs, preprocessor, classes, label)
    if not hasattr(model, "fit") or not hasattr(model, "predict"):
        raise UnsupportedModelError(
            f"A {type(model).__name__} is neither a scikit-learn estimator nor a torch module, and out of scope."
        )
    if inputs:
        raise ConfigError(
            "model.inputs is for torch networks with several tensors; a scikit-learn model takes columns."
        )
    whole = model if preprocessor is None else Pipeline([("preprocessor", preprocessor), ("model", model)])
    return _adapt_estimator(whole, columns, Labels(label, tuple(classes)))


# --- scikit-learn -----------------------------------------------------------------------------------------------------


def _adapt_estimator(model: Any, columns: Sequence[str], labels: Labels) -> TabularModel:
    _check_fitted(model)
    names = _names(model, columns)
    found = network(model, table(len(names)), labels, _torch_head)
    scale = found.scale if labels.decided is not None else replace(found.scale, classes=_renamed(found.scale, labels))
    index = None if labels.decided is None else _labels_of(model, labels).index(labels.decided)
    tensors = dict(found.module.state_dict())
    if scale.calibrator is not None:
        tensors["calibrator"] = torch.tensor([ord(one) for one in repr(scale.calibrator)])
    return TabularModel(
        module=found.module.eval(),
        columns=used_columns(found.node, names),
        scale=scale,
        kind=_kind(model),
        weights_sha256=weights_sha256(tensors),
        preprocessing_sha256=preprocessing_sha256(found.preprocessing) if found.preprocessing else None,
        tolerance=SINGLE_TOLERANCE if found.single_precision else DOUBLE_TOLERANCE,
        encoding=_encoding(found.node, names, {input_names(found.module)[0]: Slot(np.arange(found.node.width))}),
        estimator=SklearnEstimator(model, scale, index),
    )


def _check_fitted(model: Any) -> None:
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise UnsupportedModelError(
            f"The {type(model).__name__} is not fitted; fit it before it is explained."
        ) from None
    except TypeError as error:
        raise UnsupportedModelError(f"A {type(model).__name__} cannot be explained: {error}.") from error


def _torch_head(estimator: Any, labels: Labels, width: int, where: str) -> Head | None:
    """A skorch net at the end of a pipeline."""
    if not is_skorch(estimator):
        return None
    own = evaluation_copy(estimator.module_)
    found = torch_network(own, {input_names(own)[0]: width}, _skorch_classes(estimator, ()), labels.decided)
    return Head(found.module, found.classes, found.link, found.single_precision)


def _names(model: Any, columns: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns a model was fitted on, or those given for it."""
    fitted = getattr(_first(model), "feature_names_in_", getattr(model, "feature_names_in_", None))
    if fitted is not None:
        names = tuple(str(one) for one in fitted)
        if columns and tuple(columns) != names:
            raise ConfigError(
                f"model.columns differs from the columns the {type(model).__name__} was fitted on, {', '.join(names)}; "
                "leave it out."
            )
        return names
    width = getattr(_first(model), "n_features_in_", getattr(model, "n_features_in_", None))
    if not columns:
        raise ConfigError(
            f"The {type(model).__name__} was fitted without column names; name its {width or ''} input columns in "
            "order in model.columns."
        )
    if width is not None and width != len(columns):
        raise ConfigError(f"model.columns names {len(columns)} columns, but the model was fitted on {width}.")
    return tuple(columns)


def _first(model: Any) -> Any:
    """The first step that does something: where a pipeline's column names are kept."""
    while isinstance(model, Pipeline):
        steps = [step for _, step in model.steps if step is not None and not isinstance(step, str)]
        model = steps[0]
    return model


def _renamed(scale: OutputScale, labels: Labels) -> tuple[str, ...]:
    if not labels.names or labels.names == scale.classes:
        return scale.classes
    if len(labels.names) != len(scale.classes) or set(labels.names) & set(scale.classes):
        raise ConfigError(
            f"model.classes = {', '.join(labels.names)} does not fit the model's own classes in order, "
            f"{', '.join(scale.classes) or 'none'}; leave it out, or give every class a new name."
        )
    return labels.names


def _labels_of(model: Any, labels: Labels) -> tuple[str, ...]:
    return labels.names or class_names(model.classes_)


def _kind(model: Any) -> str:
    return f"scikit-learn {_described(model)}"


def _described(model: Any) -> str:
    if isinstance(model, Pipeline):
        return f"Pipeline ending in {_described(model.steps[-1][1])}"
    if isinstance(model, CalibratedClassifierCV):
        folds = model.calibrated_classifiers_
        how = "calibrated" if len(folds) == 1 else f"mean of {len(folds)} calibrated"
        return f"{how} {_described(folds[0].estimator)}"
    inner = getattr(model, "best_estimator_", None) or getattr(model, "estimator", None)
    known = type(model).__name__ in ("GridSearchCV", "RandomizedSearchCV", "FrozenEstimator")
    return _described(inner) if known else type(model).__name__


# --- torch ------------------------------------------------------------------------------------------------------------


def _adapt_network(
    model: Any,
    columns: Sequence[str],
    inputs: Mapping[str, Sequence[str]] | None,
    preprocessor: Any,
    classes: Sequence[str],
    label: str | None,
) -> TabularModel:
    skorch = is_skorch(model)
    own = evaluation_copy(model.module_ if skorch else model)
    if preprocessor is not None:
        _check_fitted(preprocessor)
    given = [one for group in inputs.values() for one in group] if inputs else list(columns)
    names = _network_columns(own, given, preprocessor)
    wire = table(len(names)) if preprocessor is None else trace(preprocessor, table(len(names)))
    slots = _slots(own, wire, names, inputs)
    widths = {name: wire.width if wire.affine is not None else len(slot.positions) for name, slot in slots.items()}
    found = torch_network(own, widths, _skorch_classes(model, classes) if skorch else classes, label)
    scale = OutputScale(found.classes, found.link)
    module = behind(wire.affine, found.module)
    if wire.affine is not None:
        slots = {input_names(module)[0]: Slot(np.arange(wire.node.width))}
    else:
        slots = {name: replace(slot, integer=name in found.integers) for name, slot in slots.items()}
    return TabularModel(
        module=module.eval() if wire.affine is not None else module,
        columns=used_columns(wire.node, names),
        scale=scale,
        kind=_network_kind(model, preprocessor),
        weights_sha256=weights_sha256(_tensors(model, own)),
        preprocessing_sha256=None if preprocessor is None else preprocessing_sha256(preprocessor),
        tolerance=SINGLE_TOLERANCE if found.single_precision else DOUBLE_TOLERANCE,
        encoding=_encoding(wire.node, names, slots),
        estimator=_network_estimator(model, found, wire, scale),
    )


def _network_columns(own: nn.Module, given: Sequence[str], preprocessor: Any) -> tuple[str, ...]:
    if preprocessor is not None:
        fitted = getattr(_first(preprocessor), "feature_names_in_", None)
        return _names(preprocessor, given if fitted is None else ())
    if not given:
        raise ConfigError(
            "A torch network does not know its columns; name them in order in model.columns, or per tensor in "
            f"model.inputs (its tensors are {', '.join(input_names(own))})."
        )
    if len(set(given)) != len(given):
        raise ConfigError("model.columns or model.inputs names a column twice.")
    return tuple(given)


def _slots(
    own: nn.Module, wire: Wire, names: tuple[str, ...], inputs: Mapping[str, Sequence[str]] | None
) -> dict[str, Slot]:
    """Which encoded elements each tensor of the network takes, columns in the order given."""
    known = input_names(own)
    if not inputs:
        return {known[0]: Slot(np.arange(wire.node.width))}
    if wire.affine is not None:
        raise UnsupportedModelError(
            "A preprocessor that mixes columns (PCA or the like) cannot stand in front of a network with several "
            "tensors; give it one tensor, or leave the mixing to the network."
        )
    slots = {}
    for name, group in inputs.items():
        if name not in known:
            raise ConfigError(
                f"model.inputs names '{name}', but the network takes {', '.join(known)}{did_you_mean(name, known)}."
            )
        for one in group:
            if one not in names:
                raise ConfigError(f"model.inputs.{name} names '{one}', no column of the preprocessor.")
        owners = [names.index(one) for one in group]
        slots[name] = Slot(np.concatenate([np.flatnonzero(wire.node.owners == one) for one in owners]))
    return slots


def _skorch_classes(net: Any, classes: Sequence[str]) -> tuple[str, ...]:
    if classes:
        return tuple(classes)
    found = getattr(net, "classes_", None) if hasattr(net, "predict_proba") and not _is_regressor(net) else None
    return () if found is None else class_names(np.asarray(found))


def _is_regressor(net: Any) -> bool:
    return any(base.__name__ == "NeuralNetRegressor" for base in type(net).__mro__)


def _network_estimator(model: Any, found: TorchNetwork, wire: Wire, scale: OutputScale) -> Estimator:
    if is_skorch(model):
        return SkorchEstimator(model, scale, precision(found.own), wire.affine)
    return TorchEstimator(found, wire.affine)


def _tensors(model: Any, own: nn.Module) -> dict[str, torch.Tensor]:
    if isinstance(model, ExportedProgram):
        constants = {name: one for name, one in model.constants.items() if isinstance(one, torch.Tensor)}
        return {**constants, **model.state_dict}
    return dict(own.state_dict())


def _network_kind(model: Any, preprocessor: Any) -> str:
    if isinstance(model, ExportedProgram):
        words = "torch exported program"
    else:
        words = f"{'skorch' if is_skorch(model) else 'torch'} {type(model).__name__}"
    return words if preprocessor is None else f"{words} behind a scikit-learn {_described(preprocessor)}"


# --- both -------------------------------------------------------------------------------------------------------------


def _encoding(node: Node, names: tuple[str, ...], slots: Mapping[str, Slot]) -> Encoding:
    return Encoding(names, used_columns(node, names), column_kinds(node, names), node, slots)
