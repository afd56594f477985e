"""Relevance of a table's rows, in the columns a person knows.

Joins a model's graph, the target explained, the rules and the reference into one `Explainer`; what it returns sums to
`f(x) - mean f(reference)` (design, sections 2 and 3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import TypeIs

from lrp_audit.adapters.margins import RunnerUp, Target, margin_of
from lrp_audit.adapters.model import TabularModel
from lrp_audit.adapters.tabular import Encoded
from lrp_audit.engine import Composite, Population, RelevanceGraph, capture, propagate
from lrp_audit.explaining.coalitions import corrected, draw_pairs, in_company
from lrp_audit.explaining.reference import Reference

FloatArray = npt.NDArray[np.float64]
Margin = Callable[[Mapping[str, Tensor]], Tensor]  # encoded rows -> the margin of each, (N,)
RowClasses = tuple[Tensor, Tensor]  # the adverse class and the one it is held against, of every row


@dataclass(frozen=True)
class ColumnRelevance:
    """Relevance of N rows over C columns, on the margin's scale.

    Attributes:
        relevance: (N, C), `+` toward the adverse outcome.
        explained: (N,), `f(x) - mean f(reference)`.
        reference_margin: (N,), `mean f(reference)`; differs by row only where the runner-up class does.
        sinks: named sinks of the ledger, each (N,); empty where relevance sums to `explained` by itself.
        moved: (N,), what was added to make a correction by coalitions complete; None where nothing is estimated.
    """

    relevance: FloatArray
    explained: FloatArray
    reference_margin: FloatArray
    sinks: Mapping[str, FloatArray]
    moved: FloatArray | None = None

    @cached_property
    def attributed(self) -> FloatArray:
        """What the columns account for; (N,)."""
        return np.asarray(self.relevance.sum(1))

    @cached_property
    def residual(self) -> FloatArray:
        """What neither columns nor sinks account for; (N,)."""
        return np.asarray(self.explained - self.attributed - sum(self.sinks.values()))

    @cached_property
    def tolerance(self) -> FloatArray:
        """The conservation error that float64 rounding allows, `1e-9 (1 + sum |R|)`; (N,)."""
        return np.asarray(1e-9 * (1 + np.abs(self.relevance).sum(1)))


ROWS_AT_ONCE = 2048  # more do not stay in a processor's cache, and take three times as long


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
            return np.asarray(margin_of(self._output(inputs), self.target).numpy(), dtype=np.float64)

    def _output(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Of the model for encoded rows, which it takes in blocks; (N, classes), or as its module has it."""
        blocks = [inputs]
        if len(next(iter(inputs.values()))) > ROWS_AT_ONCE:
            split = zip(*(value.split(ROWS_AT_ONCE) for value in inputs.values()), strict=True)
            blocks = [dict(zip(inputs, block, strict=True)) for block in split]
        found: list[Tensor] = [self.model.module(**block) for block in blocks]
        return found[0] if len(found) == 1 else torch.cat(found)

    def attribute(self, inputs: Mapping[str, Tensor], reference: Reference) -> ColumnRelevance:
        """Relevance of every encoded row against the reference."""
        found = self._over_members(inputs, reference.members)
        return self._in_company(found, inputs, reference) if reference.representation == "coalitions" else found

    def _over_members(self, inputs: Mapping[str, Tensor], members: Mapping[str, Tensor]) -> ColumnRelevance:
        result = propagate(
            self.graph,
            dict(inputs),
            target=self.target_of(inputs),
            composite=self.composite,
            reference=Population(dict(members)) if members else None,
            ledger=self.loses or not members,
        )
        totals = {} if result.ledger is None else result.ledger.totals()
        explained = np.asarray(result.explained.numpy())
        return ColumnRelevance(
            relevance=self.model.to_columns(result.relevance),
            explained=explained,
            reference_margin=self.margin(inputs) - explained,
            sinks={name: np.asarray(sink.numpy()) for name, sink in totals.items()},
        )

    def _in_company(
        self, ordinary: ColumnRelevance, inputs: Mapping[str, Tensor], reference: Reference
    ) -> ColumnRelevance:
        """Relevance over the members, corrected by mixed states (`coalitions`)."""
        pairs = draw_pairs(len(reference), len(self.model.columns), reference.seed)
        members = {name: value[torch.from_numpy(pairs.members)] for name, value in reference.members.items()}
        target, own = self.target_of(inputs), self.margin(inputs)
        with torch.no_grad():
            output = self._output(members)
        other = output[:, target[0]] - output[:, target[1]] if _by_row(target) else margin_of(output, target)
        ends = np.asarray(other.numpy(), dtype=np.float64).reshape(len(pairs.members), -1)
        company = in_company(
            partial(self._between, target), inputs, members, pairs.chosen, self.model.owners, own + ends
        )
        found = corrected(ordinary.relevance, company, own - ends)
        return replace(ordinary, relevance=found.relevance, moved=found.moved)

    def _between(
        self, target: Target | RowClasses, rows: Mapping[str, Tensor], bases: Mapping[str, Tensor]
    ) -> tuple[FloatArray, FloatArray]:
        """Relevance of rows, each against a base of its own, and margins; a target of each row repeats with them."""
        count = len(next(iter(rows.values())))
        if _by_row(target):
            adverse, other = target
            target = adverse.repeat(count // len(adverse)), other.repeat(count // len(other))
        found = propagate(self.graph, dict(rows), target=target, composite=self.composite, reference=dict(bases))
        margin = _of_rows(found.output, target) if _by_row(target) else margin_of(found.output, target)
        return self.model.to_columns(found.relevance), np.asarray(margin.numpy(), dtype=np.float64)

    def margin_over(self, inputs: Mapping[str, Tensor]) -> Margin:
        """The margin of other rows over the classes that are runners-up of `inputs`: as many rows, or any for one."""
        if not isinstance(self.target, RunnerUp):
            return lambda rows: margin_of(self._output(rows), self.target)
        with torch.no_grad():
            classes = self.target.pairs(self._output(inputs))

        def margin(rows: Mapping[str, Tensor]) -> Tensor:
            return _of_rows(self._output(rows), classes)

        return margin

    def difference(self, inputs: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> tuple[FloatArray, FloatArray]:
        """What is to be explained, the margin less the mean margin of the `base` rows, and that margin; each (N,)."""
        own = self.margin(inputs)
        if not isinstance(self.target, RunnerUp):
            return own - self.margin(base).mean(), own
        with torch.no_grad():
            mean = self._output(base).mean(0)
            adverse, other = self.target.pairs(self._output(inputs))
        return own - np.asarray((mean[adverse] - mean[other]).numpy(), dtype=np.float64), own

    def target_of(self, inputs: Mapping[str, Tensor]) -> Target | RowClasses:
        """The target for these rows: which class is the runner-up is a constant of each."""
        if not isinstance(self.target, RunnerUp):
            return self.target
        with torch.no_grad():
            return self.target.pairs(self._output(inputs))


def _by_row(target: Target | RowClasses) -> TypeIs[RowClasses]:
    return isinstance(target, tuple) and isinstance(target[0], Tensor)


def _of_rows(output: Tensor, classes: RowClasses) -> Tensor:
    """The margin of every row over its own classes, or of all rows over those of one."""
    adverse, other = (output.gather(1, index.expand(len(output))[:, None])[:, 0] for index in classes)
    return adverse - other


def explainer(model: TabularModel, example: Encoded, target: Target, composite: Composite, *, loses: bool) -> Explainer:
    """Capture the model's graph on `example` rows and make it ready.

    Raises:
        CaptureError, UnsupportedOperatorError: the network has no graph that relevance can flow through.
    """
    own = target if callable(target) and not isinstance(target, RunnerUp) else None
    graph = capture(model.module, {name: value[:2] for name, value in example.inputs.items()}, target=own)
    return Explainer(model, target, composite, graph, loses)
