"""The user's own model on its own path, to be held against its graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from lrp_audit.adapters.affine import Affine
from lrp_audit.adapters.encoding import Encoded, Encoding
from lrp_audit.adapters.margins import FloatArray, OutputScale
from lrp_audit.adapters.nodes import as_fitted
from lrp_audit.adapters.torch_module import TorchNetwork
from lrp_audit.adapters.warning_filters import quiet


class Estimator(Protocol):
    """Scores of rows: probabilities (N, classes), decision values, or values (N,)."""

    def __call__(self, encoding: Encoding, rows: Encoded) -> FloatArray: ...


@dataclass(frozen=True, eq=False)
class SklearnEstimator:
    """A fitted scikit-learn estimator (or a skorch net in a pipeline), called as its user calls it."""

    estimator: Any
    scale: OutputScale
    label: int | None = None  # of a multi-label classifier

    def __call__(self, encoding: Encoding, rows: Encoded) -> FloatArray:
        try:
            with quiet():
                values = np.asarray(self._method()(as_fitted(self.estimator, rows.table)), dtype=np.float64)
        except (ValueError, TypeError):
            raise encoding.complaint(rows.table) from None
        if self.label is not None:
            positive = values[:, self.label]
            return np.stack([1 - positive, positive], axis=1)
        return values if self.scale.classes else values.reshape(len(rows))

    def _method(self) -> Any:
        if not self.scale.classes:
            return self.estimator.predict
        return self.estimator.decision_function if self.scale.link == "identity" else self.estimator.predict_proba


@dataclass(frozen=True, eq=False)
class TorchEstimator:
    """A torch network in its own precision, on the encoded rows."""

    network: TorchNetwork
    affine: Affine | None = None  # of a preprocessor that mixes columns

    def __call__(self, encoding: Encoding, rows: Encoded) -> FloatArray:
        inputs = _network_inputs(rows, self.affine, self.network.names)
        return np.asarray(self.network.scores(inputs).numpy())


@dataclass(frozen=True, eq=False)
class SkorchEstimator:
    """A skorch net, with its own inference loop and non-linearity, on the encoded rows."""

    net: Any
    scale: OutputScale
    dtype: torch.dtype
    affine: Affine | None = None

    def __call__(self, encoding: Encoding, rows: Encoded) -> FloatArray:
        inputs = _network_inputs(rows, self.affine, ("input",))
        given: Any = {name: (one.to(self.dtype) if one.is_floating_point() else one) for name, one in inputs.items()}
        given = {name: one.cpu().numpy() for name, one in given.items()}
        taken = given if len(given) > 1 else next(iter(given.values()))
        values = self.net.predict_proba(taken) if self.scale.classes else self.net.predict(taken)
        values = np.asarray(values, dtype=np.float64)
        return values if self.scale.classes else values.reshape(len(rows))


def _network_inputs(rows: Encoded, affine: Affine | None, names: Sequence[str]) -> dict[str, torch.Tensor]:
    """The tensors a network takes; behind a mixer there is one, which the affine map fills."""
    if affine is None:
        return rows.inputs
    (values,) = rows.inputs.values()
    weight, bias = torch.from_numpy(affine.weight), torch.from_numpy(affine.bias)
    return {names[0]: values.cpu() @ weight + bias}
