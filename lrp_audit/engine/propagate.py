"""One forward, one backward: relevance of every input for a target, from zero, one reference or a whole population."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from lrp_audit.engine.capture import Inputs, capture, name_inputs, with_target
from lrp_audit.engine.composite import Composite, preset
from lrp_audit.engine.graph import HALF, RelevanceGraph, Values, require_finite
from lrp_audit.engine.ledger import Books, Ledger, entries, join_books, mean_books, member_mean, row_sum
from lrp_audit.engine.plan import Plan, make_plan
from lrp_audit.engine.rows import require_rows_apart
from lrp_audit.engine.sweep import backward, forward, require_same, take_rows
from lrp_audit.engine.target import Goal, Target
from lrp_audit.errors import InputError

ROWS_AT_ONCE = 1024
"""Rows that go through the graph together; small enough for the processor's cache, the same on every machine."""


@dataclass(frozen=True)
class Population:
    """K reference members; attribution is the mean over them.

    Attributes:
        inputs: as the model takes them, K rows each: a tensor, a tuple, or a dict by input name.
    """

    inputs: Inputs

    def __len__(self) -> int:
        """Number of members."""
        inputs = self.inputs.values() if isinstance(self.inputs, Mapping) else self.inputs
        return len(inputs if isinstance(inputs, Tensor) else next(iter(inputs)))


@dataclass(frozen=True)
class Attribution:
    """What an attribution returns.

    Attributes:
        relevance: input name -> tensor of that input's shape.
        output: the model's raw output (N, outputs).
        explained: target value per row (N,), less its (mean) value on the reference.
        ledger: where the rest went, if asked for.
    """

    relevance: dict[str, Tensor]
    output: Tensor
    explained: Tensor
    ledger: Ledger | None = None


def relevance(
    model: nn.Module | ExportedProgram | RelevanceGraph,
    inputs: Inputs,
    *,
    target: Target,
    rules: str | Composite | None = None,
    reference: Inputs | Population | None = None,
    ledger: bool = False,
) -> Attribution:
    """Relevance of every input element for a target, by Layer-wise Relevance Propagation.

    Args:
        model: a module in evaluation mode, an exported program, or a graph from `capture` (to explain often).
        inputs: as the model takes them: a tensor, a tuple, or a dict by input name; N rows.
        target: an output's number; a pair (a, b) for output a minus output b; tensors of numbers (N,) in their place;
            float weights of the outputs (N, outputs); or a function of the raw output (N, outputs) that gives (N,).
        rules: a preset's name or a composite; by default "epsilon", with a reference "lrp0".
        reference: one row, a row per input, or a `Population`. Relevance then sums to f(x) - mean f(reference).
        ledger: also account for every unit of relevance that did not reach an input.

    Raises:
        EngineError: see its subclasses; each names what is wrong and where.
    """
    graph = (
        model
        if isinstance(model, RelevanceGraph)
        else capture(model, None if isinstance(model, ExportedProgram) else inputs)
    )
    default = "epsilon" if reference is None else "lrp0"
    return propagate(
        graph, inputs, target=target, composite=default if rules is None else rules, reference=reference, ledger=ledger
    )


def propagate(
    graph: RelevanceGraph,
    inputs: Inputs,
    *,
    target: Target,
    composite: str | Composite,
    reference: Inputs | Population | None = None,
    ledger: bool = False,
) -> Attribution:
    """As `relevance`, on a captured graph with a composite (or a preset's name)."""
    rules = preset(composite) if isinstance(composite, str) else composite
    if callable(target) and target is not graph.target:
        graph = with_target(graph, target)
    graph.require_unchanged()
    given = _in_graph_type(graph, inputs)
    rows = graph.require_inputs(given)
    goal = Goal.of(graph, target, rows)
    with torch.inference_mode(False), torch.no_grad():
        members = None if reference is None else _members(graph, reference, rows)
        key = ("plan", rules, goal.index, reference is None, ledger)
        plan: Plan = graph.remember(key, lambda: make_plan(graph, rules, goal.index, reference is not None, ledger))
        for batch in (given, *([] if members is None else [members.inputs])):
            require_rows_apart(graph, plan, batch)
        parts = list(_Run(graph, plan, goal, ledger).parts(given, members, rows))
    return _joined(graph, plan, parts, given, ledger)


def _in_graph_type(graph: RelevanceGraph, inputs: Inputs) -> dict[str, Tensor]:
    """Inputs by name; half precision widened where the graph was captured in float32."""
    wanted = {item.name: item.dtype for item in graph.inputs}
    return {
        name: value.float()
        if isinstance(value, Tensor) and value.dtype in HALF and wanted.get(name) == torch.float32
        else value
        for name, value in name_inputs(list(wanted), inputs).items()
    }


def _members(graph: RelevanceGraph, reference: Inputs | Population, rows: int) -> _Members:
    members = _in_graph_type(graph, reference.inputs if isinstance(reference, Population) else reference)
    count = graph.require_inputs(members, "reference")
    if not isinstance(reference, Population) and count not in (1, rows):
        raise InputError(
            f"The reference has {count} rows for {rows} inputs; give one row, one per input, or a Population(...)."
        )
    return _Members(members, count, paired=not isinstance(reference, Population) and count == rows)


@dataclass(frozen=True)
class _Members:
    """Reference rows; ``paired`` if each belongs to the input row of the same position."""

    inputs: dict[str, Tensor]
    count: int
    paired: bool


@dataclass(frozen=True)
class _Part:
    """The result for some consecutive rows."""

    relevance: dict[str, Tensor]
    output: Tensor
    explained: Tensor
    books: Books


@dataclass(frozen=True)
class _Run:
    """One graph, plan and goal applied to inputs piece by piece."""

    graph: RelevanceGraph
    plan: Plan
    goal: Goal
    ledger: bool

    def parts(self, inputs: dict[str, Tensor], members: _Members | None, rows: int) -> Iterator[_Part]:
        """Results for consecutive rows, in order."""
        if members is None:
            yield from (self._plain(_rows(inputs, piece), None, piece) for piece in self._pieces(rows))
        elif members.paired:
            for piece in self._pieces(rows):
                yield self._plain(_rows(inputs, piece), _rows(members.inputs, piece), piece)
        elif self.ledger and not self.plan.rows_known:
            for piece in self._pieces(rows):
                yield self._one_by_one(_rows(inputs, piece), members, piece)
        elif self.plan.rowwise:
            reference = forward(self.graph, self.plan, members.inputs)
            for piece in self._pieces(rows):
                yield self._broadcast(_rows(inputs, piece), reference, members.count, piece)
        else:
            for piece in self._pieces(rows, members.count):
                yield self._repeated(_rows(inputs, piece), members, piece)

    def _pieces(self, rows: int, members: int | None = None) -> list[slice]:
        """Rows to work on together; all, where some value has rows behind another dimension."""
        if self.ledger and not self.plan.rows_known:
            size = 1
        elif members is not None:
            size = max(1, ROWS_AT_ONCE // members)
        else:
            size = ROWS_AT_ONCE if self.plan.rowwise else rows
        return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]

    def _plain(self, inputs: dict[str, Tensor], reference: dict[str, Tensor] | None, piece: slice) -> _Part:
        """No reference, or one of its own for every row."""
        values = forward(self.graph, self.plan, inputs)
        base = None if reference is None else forward(self.graph, self.plan, reference)
        explained = self.goal.value(values[self.plan.goal], piece)
        if base is not None:
            require_same(self.graph, self.plan, values, base, paired=True)
            explained = explained - self.goal.value(base[self.plan.goal], piece)
        relevance, books = self._back(values, base, piece, piece.stop - piece.start)
        return _Part(relevance, values[self.graph.output], explained, books)

    def _broadcast(self, inputs: dict[str, Tensor], reference: Values, count: int, piece: slice) -> _Part:
        """All pairs of rows and members, by loops over the shorter side; the other side broadcasts."""
        graph, plan = self.graph, self.plan
        values = forward(graph, plan, inputs)
        require_same(graph, plan, values, reference, paired=False)
        rows = piece.stop - piece.start
        mean = reference[plan.goal].mean(0, keepdim=True).expand_as(values[plan.goal])
        explained = self.goal.value(values[plan.goal], piece) - self.goal.value(mean, piece)
        if count <= rows:
            relevance, books = self._over_members(values, reference, count, piece)
        else:
            relevance, books = self._over_rows(values, reference, count, piece)
        return _Part(relevance, values[graph.output], explained, books)

    def _over_members(
        self, values: Values, reference: Values, count: int, piece: slice
    ) -> tuple[dict[str, Tensor], Books]:
        total: dict[str, Tensor] = {}
        books = []
        for k in range(count):
            member = take_rows(self.graph, reference, slice(k, k + 1))
            found, booked = self._back(values, member, piece, piece.stop - piece.start)
            total = {name: total[name].add_(r) for name, r in found.items()} if total else found
            books.append(booked)
        return {name: r.div_(count) for name, r in total.items()}, mean_books(books)

    def _over_rows(
        self, values: Values, reference: Values, count: int, piece: slice
    ) -> tuple[dict[str, Tensor], Books]:
        relevance: list[dict[str, Tensor]] = []
        books = []
        for i in range(piece.stop - piece.start):
            row = take_rows(self.graph, values, slice(i, i + 1))
            here = slice(piece.start + i, piece.start + i + 1)
            found, booked = self._back(row, reference, here, count)
            relevance.append({name: r.mean(0, keepdim=True) for name, r in found.items()})
            books.append(member_mean(booked, count))
        return {name: torch.cat([r[name] for r in relevance]) for name in relevance[0]}, join_books(books)

    def _repeated(self, inputs: dict[str, Tensor], members: _Members, piece: slice) -> _Part:
        """All pairs of rows and members written out, for graphs along which nothing may broadcast."""
        rows, count = piece.stop - piece.start, members.count
        values = forward(self.graph, self.plan, {n: v.repeat_interleave(count, 0) for n, v in inputs.items()})
        repeated = {n: v.repeat(rows, *[1] * (v.ndim - 1)) for n, v in members.inputs.items()}
        reference = forward(self.graph, self.plan, repeated)
        require_same(self.graph, self.plan, values, reference, paired=True)
        relevance, books = self._back(values, reference, piece, rows * count)
        node, base = values[self.plan.goal], reference[self.plan.goal]
        firsts = _group(node, count)[:, 0]
        explained = self.goal.value(firsts, piece) - self.goal.value(_group(base, count).mean(1), piece)
        mean = {name: _group(r, count).mean(1) for name, r in relevance.items()}
        return _Part(mean, _group(values[self.graph.output], count)[:, 0], explained, member_mean(books, count))

    def _one_by_one(self, inputs: dict[str, Tensor], members: _Members, piece: slice) -> _Part:
        """One row with one member after the other, where only then it is known what belongs to which row."""
        parts = [self._plain(inputs, _rows(members.inputs, slice(k, k + 1)), piece) for k in range(members.count)]
        mean = {name: torch.stack([part.relevance[name] for part in parts]).mean(0) for name in parts[0].relevance}
        explained = torch.stack([part.explained for part in parts]).mean(0)
        return _Part(mean, parts[0].output, explained, mean_books([part.books for part in parts]))

    def _back(
        self, values: Values, reference: Values | None, piece: slice, count: int
    ) -> tuple[dict[str, Tensor], Books]:
        seed = self.goal.seed(values[self.plan.goal], piece, count)
        return backward(self.graph, self.plan, values, reference, seed, ledger=self.ledger)


def _rows(inputs: dict[str, Tensor], piece: slice) -> dict[str, Tensor]:
    return {name: value[piece] for name, value in inputs.items()}


def _group(values: Tensor, count: int) -> Tensor:
    return values.reshape(-1, count, *values.shape[1:])


def _joined(
    graph: RelevanceGraph, plan: Plan, parts: list[_Part], given: dict[str, Tensor], ledger: bool
) -> Attribution:
    """Pieces put together and checked."""
    output = _cat([part.output for part in parts])
    require_finite(output, "model's output")
    explained = _cat([part.explained for part in parts])
    relevance = {}
    for item in graph.inputs:
        if item.index not in plan.sources:
            continue
        nothing = torch.zeros_like(given[item.name], dtype=graph.dtype)
        found = [part.relevance[item.name] for part in parts if item.name in part.relevance]
        relevance[item.name] = _cat(found) if found else nothing
        require_finite(relevance[item.name], f"relevance of {item.name!r}")
    if not ledger:
        return Attribution(relevance, output, explained)
    total = sum((row_sum(r, 0) for r in relevance.values()), torch.zeros_like(explained))
    books = join_books([part.books for part in parts])
    return Attribution(relevance, output, explained, Ledger(entries(graph.nodes, books), explained, total))


def _cat(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
