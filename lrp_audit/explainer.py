"""Relevance of a table's rows, in the columns a person knows.

Joins a model's graph, the target explained, the rules and the reference into one `Explainer`; what it returns sums to
`f(x) - mean f(reference)` (design, sections 2 and 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lrp_audit.adapters.tabular import Encoded, TabularModel
from lrp_audit.engine import Composite, Population, RelevanceGraph, Target, capture, evaluate, propagate
from lrp_audit.reference import Reference

CHUNK_ROWS = 512  # rows propagated together; part of what makes equal inputs give equal bits

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ColumnRelevance:
    """Relevance of N rows over C columns, on the margin's scale.

    Attributes:
        relevance: (N, C), `+` toward the adverse outcome.
        explained: (N,), `f(x) - mean f(reference)`.
        reference_margin: (N,), `mean f(reference)`; differs by row only where the runner-up class does.
        sinks: named sinks of the ledger, each (N,); empty where relevance sums to `explained` by itself.
    """

    relevance: FloatArray
    explained: FloatArray
    reference_margin: FloatArray
    sinks: Mapping[str, FloatArray]

    @property
    def residual(self) -> FloatArray:
        """What neither columns nor sinks account for; (N,)."""
        return np.asarray(self.explained - self.relevance.sum(1) - sum(self.sinks.values()))

    @property
    def tolerance(self) -> FloatArray:
        """The conservation error that float64 rounding allows, `1e-9 (1 + sum |R|)`; (N,)."""
        return np.asarray(1e-9 * (1 + np.abs(self.relevance).sum(1)))


@dataclass(frozen=True)
class Explainer:
    """A model made ready to be asked why: its graph, the target it is asked about, and the rules of the answer."""

    model: TabularModel
    target: Target
    composite: Composite
    graph: RelevanceGraph
    books: bool  # whether the rules lose relevance that the ledger must account for

    def margin(self, inputs: Mapping[str, Tensor]) -> FloatArray:
        """The adverse outcome's margin for encoded rows; (N,)."""
        return evaluate(self.graph, inputs, self.target).numpy()

    def attribute(self, inputs: Mapping[str, Tensor], reference: Reference) -> ColumnRelevance:
        """Relevance of every row against the reference, a fixed number of rows at a time."""
        rows = len(next(iter(inputs.values())))
        parts = [
            self._attribute({name: value[start : start + CHUNK_ROWS] for name, value in inputs.items()}, reference)
            for start in range(0, rows, CHUNK_ROWS)
        ]
        return ColumnRelevance(
            np.concatenate([part.relevance for part in parts]),
            np.concatenate([part.explained for part in parts]),
            np.concatenate([part.reference_margin for part in parts]),
            {sink: np.concatenate([part.sinks[sink] for part in parts]) for sink in parts[0].sinks},
        )

    def _attribute(self, inputs: Mapping[str, Tensor], reference: Reference) -> ColumnRelevance:
        population = Population(dict(reference.members)) if len(reference) else None
        books = self.books or population is None
        result = propagate(
            self.graph, inputs, target=self.target, composite=self.composite, reference=population, ledger=books
        )
        sinks = {} if result.ledger is None else {name: sink.numpy() for name, sink in result.ledger.sinks.items()}
        explained = result.explained.numpy()
        return ColumnRelevance(
            self.model.to_columns(result.relevance), explained, self.margin(inputs) - explained, sinks
        )


def explainer(model: TabularModel, example: Encoded, target: Target, composite: Composite, *, books: bool) -> Explainer:
    """Capture the model's graph on `example` rows and make it ready.

    Raises:
        CaptureError, UnsupportedOperatorError: the network has no graph that relevance can flow through.
    """
    graph = capture(model.module, {name: value[:2] for name, value in example.inputs.items()}, target=target)
    return Explainer(model, target, composite, graph, books)
