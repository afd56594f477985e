"""The user's own model on its own path, to be held against its graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch

from lrp_audit.adapters.affine import Affine
from lrp_audit.adapters.encoding import Encoding
from lrp_audit.adapters.margins import FloatArray, OutputScale
from lrp_audit.adapters.nodes import as_fitted
from lrp_audit.adapters.torch_module import TorchNetwork
from lrp_audit.adapters.warning_filters import quiet


class Estimator(Protocol):
    """Scores of a frame's rows: probabilities (N, classes), decision values, or values (N,)."""

    def __call__(self, encoding: Encoding, frame: pd.DataFrame) -> FloatArray: ...


@dataclass(frozen=True, eq=False)
class SklearnEstimator:
    """A fitted scikit-learn estimator (or a skorch net in a pipeline), called as its user calls it."""

    estimator: Any
    scale: OutputScale
    label: int | None = None  # of a multi-label classifier

    def __call__(self, encoding: Encoding, frame: pd.DataFrame) -> FloatArray:
        rows = as_fitted(self.estimator, encoding.read(frame))
        try:
            with quiet():
                values = np.asarray(self._method()(rows), dtype=np.float64)
        except (ValueError, TypeError):
            raise encoding.complaint(frame) from None
        if self.label is not None:
            positive = values[:, self.label]
            return np.stack([1 - positive, positive], axis=1)
        return values if self.scale.classes else values.reshape(len(frame))

    def _method(self) -> Any:
        if not self.scale.classes:
            return self.estimator.predict
        return self.estimator.decision_function if self.scale.link == "identity" else self.estimator.predict_proba


@dataclass(frozen=True, eq=False)
class TorchEstimator:
    """A torch network in its own precision, on the encoded rows."""

    network: TorchNetwork
    affine: Affine | None = None  # of a preprocessor that mixes columns

    def __call__(self, encoding: Encoding, frame: pd.DataFrame) -> FloatArray:
        inputs = _network_inputs(encoding, frame, self.affine, self.network.names)
        return np.asarray(self.network.scores(inputs).numpy())


@dataclass(frozen=True, eq=False)
class SkorchEstimator:
    """A skorch net, with its own inference loop and non-linearity, on the encoded rows."""

    net: Any
    scale: OutputScale
    dtype: torch.dtype
    affine: Affine | None = None

    def __call__(self, encoding: Encoding, frame: pd.DataFrame) -> FloatArray:
        inputs = _network_inputs(encoding, frame, self.affine, ("input",))
        given: Any = {name: (one.to(self.dtype) if one.is_floating_point() else one) for name, one in inputs.items()}
        given = {name: one.cpu().numpy() for name, one in given.items()}
        rows = given if len(given) > 1 else next(iter(given.values()))
        values = self.net.predict_proba(rows) if self.scale.classes else self.net.predict(rows)
        values = np.asarray(values, dtype=np.float64)
        return values if self.scale.classes else values.reshape(len(frame))


def _network_inputs(
    encoding: Encoding, frame: pd.DataFrame, affine: Affine | None, names: Sequence[str]
) -> dict[str, torch.Tensor]:
    """The tensors a network takes; behind a mixer there is one, which the affine map fills."""
    inputs = encoding.encode(frame).inputs
    if affine is None:
        return inputs
    (values,) = inputs.values()
    weight, bias = torch.from_numpy(affine.weight), torch.from_numpy(affine.bias)
    return {names[0]: values.cpu() @ weight + bias}
