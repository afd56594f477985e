"""The two passes over a graph: values forward, multipliers backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lrp_audit.engine.graph import Node, RelevanceGraph, Values, resolve
from lrp_audit.engine.ledger import Booking, Books, flow, row_sum
from lrp_audit.engine.operators import Call
from lrp_audit.engine.plan import Plan, Step
from lrp_audit.engine.rules import Zero
from lrp_audit.errors import InputError, UnsupportedOperatorError


def forward(graph: RelevanceGraph, plan: Plan, inputs: dict[str, Tensor]) -> Values:
    """Run the graph and keep what the way back reads."""
    values = Values([None] * len(graph.nodes))
    for index, constant in graph.constants.items():
        values[index] = constant
    for item in graph.inputs:
        values[item.index] = inputs[item.name]
    for node, drops in plan.forward:
        assert node.function is not None
        try:
            if node.index in plan.recorded:
                values[node.index] = _record(graph, node, plan.recorded[node.index], values)
            else:
                values[node.index] = node.function(
                    *resolve(node.args, values), **{k: resolve(v, values) for k, v in node.kwargs.items()}
                )
        except (RuntimeError, IndexError) as error:
            raise InputError(
                f"The model fails on these inputs at {node.describe()}: {str(error).splitlines()[0]}"
            ) from error
        for index in drops:
            values[index] = None
    return values


def _record(graph: RelevanceGraph, node: Node, names: tuple[str, ...], values: Values) -> Tensor:
    """Run one operator so that it can be differentiated later without running it again."""
    call = Call(graph, node, values, None, rule=None, wanted={}, rowwise=False)
    with torch.enable_grad():
        leaves = {name: call[name].detach().requires_grad_() for name in names}
        output: Tensor = call.apply(leaves)
    values.tapes[node.index] = leaves, output
    return output.detach()


def take_rows(graph: RelevanceGraph, values: Values, rows: slice) -> Values:
    """The same values for some rows only (a plan that works row by row)."""
    taken = Values(values)
    for index, value in enumerate(values):
        if value is None or index in graph.constants or graph.nodes[index].rows != 0:
            continue
        taken[index] = value[rows] if isinstance(value, Tensor) else [item[rows] for item in value]
    return taken


def require_same(graph: RelevanceGraph, plan: Plan, values: Values, reference: Values, *, paired: bool) -> None:
    """Raise `InputError` if a mask, index or condition differs between input and reference: nobody owns the change."""
    for index in plan.shared:
        a, b = values[index], reference[index]
        broadcast = not paired and graph.nodes[index].rows == 0
        same = bool((a == a[:1]).all()) and bool((b == a[:1]).all()) if broadcast else torch.equal(a, b)
        if not same:
            raise InputError(
                "A mask, index or condition differs between input and reference, so their difference cannot be "
                f"attributed: {graph.nodes[index].describe()}."
            )


def backward(
    graph: RelevanceGraph, plan: Plan, values: Values, reference: Values | None, seed: Tensor, *, ledger: bool
) -> tuple[dict[str, Tensor], Books]:
    """Multipliers from the goal back to the sources; relevance per input, and the books if asked for."""
    back = _Backward(graph, plan, values, reference, ledger)
    back.start(seed)
    for step, places in plan.backward:
        try:
            back.visit(step, places)
        except (RuntimeError, IndexError) as error:
            reason = str(error).splitlines()[0]
            raise UnsupportedOperatorError(f"Relevance cannot pass {step.node.describe()}: {reason}") from error
    return back.relevance(), back.books


class _Backward:
    """State of one backward pass: multipliers, and relevance carried as such (codes, first-layer rules)."""

    def __init__(
        self, graph: RelevanceGraph, plan: Plan, values: Values, reference: Values | None, ledger: bool
    ) -> None:
        self.graph = graph
        self.plan = plan
        self.values = values
        self.reference = reference
        self.ledger = ledger
        self.multipliers: dict[int, Any] = {}
        self.carried: dict[int, Any] = {}
        self.arrived: dict[int, Tensor] = {}
        self.books: Books = {}

    def start(self, seed: Tensor) -> None:
        """Give the goal its multiplier."""
        goal = self.plan.goal
        self.multipliers[goal] = seed
        if self.ledger:
            value = self.values[goal]
            self.arrived[goal] = flow(
                seed, value if self.reference is None else value - self.reference[goal], self._rows(goal)
            )

    def visit(self, step: Step, places: tuple[tuple[str, Any], ...]) -> None:
        """Hand on what arrived at one node."""
        m = self.multipliers.pop(step.node.index, None)
        r = self.carried.pop(step.node.index, None)
        if step.operator is None:
            _unpack(step, self.multipliers, m)
            _unpack(step, self.carried, r)
            if step.node.index in self.arrived:
                self._arrive(step.node.args[0].index, self.arrived.pop(step.node.index))
            return
        if m is None and r is None:
            return
        rowwise = self.plan.rowwise
        call = Call(
            self.graph, step.node, self.values, self.reference, rule=step.rule, wanted=step.wanted, rowwise=rowwise
        )
        if r is not None:
            if step.operator.transport is None:
                raise UnsupportedOperatorError(f"No rule for {step.node.describe()}.")
            _hand_on(self.graph, self.carried, step.operator.transport(call, r), places)
        if m is not None:
            self._visit_multiplier(step, places, call, m)

    def _visit_multiplier(self, step: Step, places: tuple[tuple[str, Any], ...], call: Call, m: Any) -> None:
        operator = step.operator
        assert operator is not None
        found: dict[str, Any] = {}
        delivered: dict[str, Any] = {}
        if operator.lookup is not None:
            delivered = {operator.lookup: _looked_up(call, operator.lookup, m)}
        elif operator.layer is not None and step.rule is not None and step.rule.delivers:
            layer = operator.layer(call)
            delivered = {places[0][0]: step.rule.back(m, layer)}
        elif not isinstance(step.rule, Zero):
            found = operator.pullback(call, m)
            if len(found) != len(places):
                missing = next(name for name, _ in places if name not in found)
                raise UnsupportedOperatorError(f"No rule for the argument {missing!r} of {step.node.describe()}.")
        if found:
            _hand_on(self.graph, self.multipliers, found, places)
        if delivered:
            _hand_on(self.graph, self.carried, delivered, places)
        if self.ledger:
            self.books[step.node.index] = self._book(step, places, call, m, found, delivered)

    def relevance(self) -> dict[str, Tensor]:
        """Relevance of every input a source of which was reached."""
        found = {}
        for item in self.graph.inputs:
            m, r = self.multipliers.get(item.index), self.carried.get(item.index)
            if m is not None:
                value = self.values[item.index]
                own = m * (value if self.reference is None else value - self.reference[item.index])
                r = own if r is None else own.add_(r)
            if r is not None:
                found[item.name] = r
        return found

    def _book(
        self,
        step: Step,
        places: tuple[tuple[str, Any], ...],
        call: Call,
        m: Any,
        found: dict[str, Any],
        delivered: dict[str, Any],
    ) -> Booking:
        inflow = self.arrived.pop(step.node.index)
        outflow = torch.zeros_like(inflow)
        for name, place in places:
            if name in delivered:
                outflow = sum((row_sum(r, self._rows(i)) for i, r in _pairs(place, delivered[name])), outflow)
            elif name in found:
                for delta, (index, part) in zip(call.deltas(name), _pairs(place, found[name]), strict=True):
                    if part is not None:
                        handed = flow(part, delta, self._rows(index))
                        self._arrive(index, handed)
                        outflow = outflow + handed
        sinks = self._sinks(step, call, m, inflow, outflow)
        return Booking(inflow, outflow, {name: value for name, value in sinks.items() if value.any()})

    def _sinks(self, step: Step, call: Call, m: Any, inflow: Tensor, outflow: Tensor) -> dict[str, Tensor]:
        """Closed forms of what stays at one operator."""
        operator = step.operator
        assert operator is not None
        if isinstance(step.rule, Zero):
            return {"stopped": inflow}
        if operator.layer is not None and step.rule is not None:
            kept = step.rule.sinks(m, operator.layer(call))
            return {name: row_sum(value, step.node.rows) for name, value in kept.items()}
        if self.reference is not None or operator.lookup is not None or operator.leak is None:
            return {}
        if operator.books is not None:
            return operator.books(call, m)
        if operator.leak == "taylor":
            is_linear = operator.held is not None and not any(step.wanted.get(name) for name in operator.held)
            return {} if is_linear else {"taylor": inflow - outflow}
        return {} if _has_no_constant(step) else {operator.leak: _flow_at_zero(call, m)}

    def _arrive(self, index: int, relevance: Tensor) -> None:
        before = self.arrived.get(index)
        self.arrived[index] = relevance if before is None else before + relevance

    def _rows(self, index: int) -> int | None:
        return self.graph.nodes[index].rows


_JOINS = frozenset(
    f"aten.{name}" for name in ("add.Tensor", "sub.Tensor", "where.self", "cat.default", "stack.default")
)


def _has_no_constant(step: Step) -> bool:
    """A sum, a choice or a join of path tensors alone."""
    given = [step.wanted.get(name) for name in ("self", "other", "tensors") if name in step.node.arguments]
    return step.node.operator in _JOINS and all(all(w) if isinstance(w, list) else w for w in given)


def _flow_at_zero(call: Call, m: Any) -> Tensor:
    """The part of what arrived that goes to an operator's output at zero, which is no argument's."""
    output, rows = call.at_zero(), call.node.rows
    if isinstance(m, Tensor):
        return flow(m, output.expand_as(m), rows)
    return sum((flow(part, output[i].expand_as(part), rows) for i, part in m.items()), torch.zeros(()))


def _looked_up(call: Call, name: str, m: Tensor) -> Any:
    """Relevance per code: summed over the width of what was looked up."""
    codes = call[name]
    flat = codes if isinstance(codes, Tensor) else next(c for c in codes if c is not None)
    relevance = m * call.output_delta
    width = relevance.ndim - flat.ndim
    summed = relevance.sum(list(range(-width, 0))) if width else relevance
    return summed if isinstance(codes, Tensor) else [summed if wanted else None for wanted in call.wanted[name]]


def _unpack(step: Step, store: dict[int, Any], value: Any) -> None:
    if value is not None:
        source, position = step.node.args
        store.setdefault(source.index, {})[position] = value


def _pairs(place: Any, found: Any) -> list[tuple[int, Any]]:
    """(node index, multiplier) for one argument, tensor or list."""
    if isinstance(place, int):
        return [(place, found)]
    return [(index, part) for index, part in zip(place, found, strict=True) if index is not None]


def _hand_on(
    graph: RelevanceGraph, store: dict[int, Any], found: dict[str, Any], places: tuple[tuple[str, Any], ...]
) -> None:
    """Add multipliers (or relevance) to what the arguments' nodes already have, in those nodes' own real type."""
    for name, place in places:
        for index, part in _pairs(place, found[name]):
            node = graph.nodes[index]
            if node.is_float and part.dtype is not node.dtype:
                part = part.to(node.dtype)  # noqa: PLW2901 - a softmax computed in float32 inside a float64 model
            before = store.get(index)
            store[index] = part if before is None else before + part
