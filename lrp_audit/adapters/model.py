"""A tabular model: the columns it reads, the network it is, and the way back to columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from lrp_audit.adapters.codes import unknown_codes
from lrp_audit.adapters.encoding import UNKNOWN_CATEGORY, Encoded, Encoding
from lrp_audit.adapters.estimators import Estimator
from lrp_audit.adapters.margins import Against, FloatArray, Link, OutputScale, Target, margin_of
from lrp_audit.adapters.nodes import IntArray
from lrp_audit.errors import UnsupportedModelError
from lrp_audit.language.messages import ENGLISH, Messages

DOUBLE_TOLERANCE = 1e-9
SINGLE_TOLERANCE = 1e-5
PROBED_ROWS = 200


@dataclass(frozen=True, eq=False)
class TabularModel:
    """A user's model, ready to be explained in the columns of its own table.

    Attributes:
        module: Float64 copy in evaluation mode; raw output (N, outputs): logits, decision values, or values before
            the link. The user's model is left as it is.
        columns: Input columns as the table names them, in model order.
        scale: What the raw output means.
        kind: In words.
        weights_sha256: Of the weights of the network.
        preprocessing_sha256: Of the fitted preprocessing, if there is one.
        tolerance: Relative agreement promised between module and estimator.
        encoding: The columnwise part of the way from table to module.
        estimator: The user's own model on its own path.
    """

    module: nn.Module
    columns: tuple[str, ...]
    scale: OutputScale
    kind: str
    weights_sha256: str
    preprocessing_sha256: str | None
    tolerance: float
    encoding: Encoding
    estimator: Estimator

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in order; none for a regressor."""
        return self.scale.classes

    @property
    def link(self) -> Link:
        """From raw output to probability or value. 'identity' with classes: decision values without probabilities."""
        return self.scale.link

    @property
    def owners(self) -> dict[str, IntArray]:
        """Per module input, for every element of a row the index into `columns`."""
        return self.encoding.owners

    def invalid(self, frame: pd.DataFrame) -> dict[int, tuple[str, str]]:
        """Row position -> (column, why), for rows that cannot be scored.

        Raises:
            DataError: a whole column is missing or of the wrong type.
        """
        found = self.encoding.invalid(frame)
        if not any(slot.integer for slot in self.encoding.slots.values()) or len(found) == len(frame):
            return found
        rows = np.array([row for row in range(len(frame)) if row not in found], dtype=np.intp)
        for name, cells in unknown_codes(self.module, self.encode(frame.iloc[rows]).inputs).items():
            for row in np.flatnonzero(cells.any(axis=1)):
                column = self.columns[self.owners[name][int(np.argmax(cells[row]))]]
                found.setdefault(int(rows[row]), (column, UNKNOWN_CATEGORY))
        return dict(sorted(found.items()))

    def encode(self, frame: pd.DataFrame) -> Encoded:
        """Rows as the module takes them; the frame is not changed.

        Raises:
            DataError: as `invalid`, or a row is invalid.
        """
        return self.encoding.encode(frame)

    def raw(self, encoded: Encoded) -> FloatArray:
        """The module's raw output (N, outputs)."""
        with torch.no_grad():
            return np.asarray(self.module(**encoded.inputs).cpu().numpy(), dtype=np.float64)

    def estimate(self, frame: pd.DataFrame) -> FloatArray:
        """What the user's own model returns on its own path.

        Probabilities (N, classes); predicted values (N,) of a regressor; decision values, (N,) toward the second of
        two classes or (N, classes), where the classifier has no probabilities.
        """
        return self.estimator(self.encoding, self.encode(frame))

    def margin_target(self, adverse: str, against: Against = "others") -> Target:
        """The adverse margin as a target on the raw output: an index, a pair of indices or a function; + is adverse.

        Args:
            adverse: Adverse class; for a regressor 'above' or 'below', the side of the cutoff.
            against: With several classes, the strongest other one ('runner-up') or all of them ('others').

        Raises:
            ConfigError: no such class, or no such comparison.
        """
        return self.scale.target(adverse, against)

    def describe_target(self, adverse: str, against: Against = "others", say: Messages = ENGLISH) -> str:
        """The target in words."""
        return self.scale.describe(adverse, against, say)

    def probability(self, margin: FloatArray, adverse: str, against: Against = "others") -> FloatArray:
        """Adverse probability (for a regressor the value) at an adverse margin, through its calibrator."""
        return self.scale.probability(margin, adverse, against)

    def margin_of_score(self, score: FloatArray, adverse: str, against: Against = "others") -> FloatArray:
        """The adverse margins at which cutoffs on the scale of `probability` lie; infinite where out of reach.

        Raises:
            ConfigError: outside the scale.
        """
        score = np.asarray(score, dtype=np.float64)
        self.scale.check_cutoff(score)
        return self.scale.margins(score, adverse, against)

    def estimated_margin(self, encoded: Encoded, adverse: str, against: Against = "others") -> FloatArray:
        """The adverse margin behind what the user's own model returns (N,).

        Where its probability is rounded (to 1, say), the margin with that probability nearest to the graph's.
        """
        raw = margin_of(torch.from_numpy(self.raw(encoded)), self.scale.target(adverse, against)).numpy()
        return self.scale.estimated(self.estimator(self.encoding, encoded), raw, adverse, against)

    def verify(self, frame: pd.DataFrame) -> float:
        """Compare module and estimator on real rows.

        Returns:
            The largest difference, relative to the largest score.

        Raises:
            UnsupportedModelError: they differ by more than `tolerance`, or a FunctionTransformer mixes columns.
        """
        if len(frame) == 0:
            return 0.0
        mixing = self.encoding.mixing_functions(frame.iloc[:PROBED_ROWS])
        if mixing:
            raise UnsupportedModelError(
                f"Step '{mixing[0]}' (FunctionTransformer) does not map every number of this table by itself, so its "
                "columns cannot be traced; write it as one function per cell."
            )
        encoded = self.encode(frame)
        own, graph = self.estimator(self.encoding, encoded), self.scale.scores(self.raw(encoded))
        size = float(np.max(np.abs(own))) or 1.0
        difference = np.abs(own - graph).reshape(len(frame), -1).max(axis=1) / size
        worst = int(np.argmax(difference))
        if not difference[worst] <= self.tolerance:
            theirs, ours = np.ravel(own[worst])[-1], np.ravel(graph[worst])[-1]
            raise UnsupportedModelError(
                f"The graph of the model and the model itself disagree: {ours:.12g} against {theirs:.12g}, a relative "
                f"difference of {difference[worst]:.1e} where {self.tolerance:.0e} is allowed."
            )
        return float(difference[worst])

    def to_columns(self, relevance: Mapping[str, torch.Tensor]) -> FloatArray:
        """Relevance of module inputs, each (N, width), summed to input columns: (N, columns)."""
        rows = len(next(iter(relevance.values())))
        total = torch.zeros(rows, len(self.columns), dtype=torch.float64)
        for name, owners in self.owners.items():
            if name in relevance:
                values = relevance[name].detach().cpu().to(torch.float64).reshape(rows, -1)
                total.index_add_(1, torch.from_numpy(owners), values)
        return total.numpy()

    def transformed(self, encoded: Encoded) -> list[FloatArray]:
        """Per column, what the network saw of it: (N, elements of that column)."""
        parts: list[list[FloatArray]] = [[] for _ in self.columns]
        for name, owners in self.owners.items():
            values = encoded.inputs[name].cpu().numpy().astype(np.float64)
            for column in np.unique(owners):
                parts[column].append(values[:, owners == column])
        return [np.hstack(one) if one else np.zeros((len(encoded), 0)) for one in parts]
