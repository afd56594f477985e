"""Relevance of a table's rows, in the columns a person knows.

Joins a model's graph, the target explained, the rules and the reference into one `Explainer`; what it returns sums to
`f(x) - mean f(reference)` (design, sections 2 and 3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrp_audit.adapters.margins import RunnerUp, Target, margin_of
from lrp_audit.adapters.model import TabularModel
from lrp_audit.adapters.tabular import Encoded
from lrp_audit.engine import Composite, Population, RelevanceGraph, capture, propagate
from lrp_audit.explaining.coalitions import draw_coalitions, estimate
from lrp_audit.explaining.reference import Reference

FloatArray = npt.NDArray[np.float64]
Margin = Callable[[Mapping[str, Tensor]], Tensor]  # encoded rows -> the margin of each, (N,)


@dataclass(frozen=True)
class ColumnRelevance:
    """Relevance of N rows over C columns, on the margin's scale.

    Attributes:
        relevance: (N, C), `+` toward the adverse outcome.
        explained: (N,), `f(x) - mean f(reference)`.
        reference_margin: (N,), `mean f(reference)`; differs by row only where the runner-up class does.
        sinks: named sinks of the ledger, each (N,); empty where relevance sums to `explained` by itself.
        moved: (N,), what was added to make an estimate over coalitions complete; None where nothing is estimated.
    """

    relevance: FloatArray
    explained: FloatArray
    reference_margin: FloatArray
    sinks: Mapping[str, FloatArray]
    moved: FloatArray | None = None

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
    """A model made ready to be asked why: its graph, the target it is asked about, and the rules of the answer.

    Attributes:
        loses: whether the rules lose relevance on the way, which the ledger must then account for.
    """

    model: TabularModel
    target: Target
    composite: Composite
    graph: RelevanceGraph
    loses: bool

    def margin(self, inputs: Mapping[str, Tensor]) -> FloatArray:
        """The adverse outcome's margin for encoded rows; (N,)."""
        with torch.no_grad():
            return np.asarray(margin_of(self.model.module(**inputs), self.target).numpy(), dtype=np.float64)

    def attribute(self, inputs: Mapping[str, Tensor], reference: Reference) -> ColumnRelevance:
        """Relevance of every encoded row against the reference."""
        if reference.representation == "coalitions":
            return self._attribute_over_coalitions(inputs, reference)
        result = propagate(
            self.graph,
            dict(inputs),
            target=self.target_of(inputs),
            composite=self.composite,
            reference=Population(dict(reference.members)) if len(reference) else None,
            ledger=self.loses or not len(reference),
        )
        totals = {} if result.ledger is None else result.ledger.totals()
        explained = np.asarray(result.explained.numpy())
        return ColumnRelevance(
            relevance=self.model.to_columns(result.relevance),
            explained=explained,
            reference_margin=self.margin(inputs) - explained,
            sinks={name: np.asarray(sink.numpy()) for name, sink in totals.items()},
        )

    def _attribute_over_coalitions(self, inputs: Mapping[str, Tensor], reference: Reference) -> ColumnRelevance:
        target, owners = self.target_of(inputs), self.model.owners
        drawn = draw_coalitions(len(reference), len(self.model.columns), reference.seed)
        explained, own = self.difference(inputs, reference.everyone)
        found = estimate(
            lambda rows, bases: self._relevance(rows, bases, target),
            self.model.to_columns,
            inputs,
            reference.members,
            {name: value.mean(0) for name, value in reference.everyone.items()},
            {name: drawn[:, owners[name]] for name in inputs},
            explained,
        )
        return ColumnRelevance(found.relevance, explained, own - explained, {}, found.moved)

    def _relevance(
        self, rows: Mapping[str, Tensor], bases: Mapping[str, Tensor], target: Target | tuple[Tensor, Tensor]
    ) -> Mapping[str, Tensor]:
        """Relevance of rows, each against a base of its own."""
        return propagate(
            self.graph, dict(rows), target=target, composite=self.composite, reference=dict(bases)
        ).relevance

    def margin_over(self, inputs: Mapping[str, Tensor]) -> Margin:
        """The margin of other rows over the classes that are runners-up of `inputs`: as many rows, or any for one."""
        if not isinstance(self.target, RunnerUp):
            return lambda rows: margin_of(self.model.module(**rows), self.target)
        with torch.no_grad():
            classes = self.target.pairs(self.model.module(**inputs))

        def margin(rows: Mapping[str, Tensor]) -> Tensor:
            output: Tensor = self.model.module(**rows)
            adverse, other = (output.gather(1, index.expand(len(output))[:, None])[:, 0] for index in classes)
            return adverse - other

        return margin

    def difference(self, inputs: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> tuple[FloatArray, FloatArray]:
        """What is to be explained, the margin less the mean margin of the `base` rows, and that margin; each (N,)."""
        own = self.margin(inputs)
        if not isinstance(self.target, RunnerUp):
            return own - self.margin(base).mean(), own
        with torch.no_grad():
            mean = self.model.module(**base).mean(0)
            adverse, other = self.target.pairs(self.model.module(**inputs))
        return own - np.asarray((mean[adverse] - mean[other]).numpy(), dtype=np.float64), own

    def target_of(self, inputs: Mapping[str, Tensor]) -> Target | tuple[Tensor, Tensor]:
        """The target for these rows: which class is the runner-up is a constant of each."""
        if not isinstance(self.target, RunnerUp):
            return self.target
        with torch.no_grad():
            return self.target.pairs(self.model.module(**inputs))


def explainer(model: TabularModel, example: Encoded, target: Target, composite: Composite, *, loses: bool) -> Explainer:
    """Capture the model's graph on `example` rows and make it ready.

    Raises:
        CaptureError, UnsupportedOperatorError: the network has no graph that relevance can flow through.
    """
    own = target if callable(target) and not isinstance(target, RunnerUp) else None
    graph = capture(model.module, {name: value[:2] for name, value in example.inputs.items()}, target=own)
    return Explainer(model, target, composite, graph, loses)
