"""From graph and composite to an order of work: what lies on the relevance path, by which rule, what to remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from lrp_audit.engine.composite import LINEAR_KINDS, Composite, require_fit
from lrp_audit.engine.graph import Node, Ref, RelevanceGraph, refs
from lrp_audit.engine.operators import Operator, lookup
from lrp_audit.engine.rules import LRP0, Constant, Rule
from lrp_audit.errors import InputError, UnsupportedOperatorError

Status = Literal["value", "code"]
"""A node on the path carries real values, or whole-number codes on their way to a table look-up."""
GETITEM = "<built-in function getitem>"


_MOVED = frozenset({"self", "other", "input", "tensors", "src", "values"})
"""Arguments whose elements an operator moves; an index only says where from."""
_SHAPE_ONLY = frozenset(
    f"aten.{name}.default"
    for name in ("ones_like", "zeros_like", "full_like", "empty_like", "new_ones", "new_zeros", "new_full", "new_empty")
)
"""Operators that read a tensor's shape and type, not its values."""


@dataclass(frozen=True)
class Step:
    """One node on the relevance path with operator and rule; ``wanted`` says which arguments relevance goes on to."""

    node: Node
    operator: Operator | None
    wanted: Mapping[str, Any]
    rule: Rule | None = None

    @property
    def places(self) -> tuple[tuple[str, Any], ...]:
        """Argument name and the node index (or list of indices and None) that relevance goes on to."""
        return tuple((name, self._target(name)) for name, wanted in self.wanted.items() if wanted)

    def _target(self, name: str) -> Any:
        value = self.node.arguments[name]
        if isinstance(value, Ref):
            return value.index
        return [r.index if w else None for r, w in zip(value, self.wanted[name], strict=True)]


@dataclass(frozen=True)
class Plan:
    """How one graph is run with one composite.

    Attributes:
        goal: index of the node relevance starts from.
        forward: nodes to run, in order, each with the indices whose values may be dropped afterwards.
        backward: steps in reverse order, each with the places its multipliers go to.
        recorded: nodes to record for differentiation, with the arguments in question.
        rowwise: every row is worked on by itself along dimension 0, so a reference may broadcast.
        rows_known: every value says which of its dimensions counts rows (the ledger needs it).
        shared: constants of the instance that must agree between input and reference.
        sources: indices of inputs that get relevance; zero if nothing leads from them to the goal.
    """

    goal: int
    forward: tuple[tuple[Node, tuple[int, ...]], ...]
    backward: tuple[tuple[Step, tuple[tuple[str, Any], ...]], ...]
    recorded: Mapping[int, tuple[str, ...]]
    rowwise: bool
    rows_known: bool
    shared: tuple[int, ...]
    sources: frozenset[int]


def make_plan(graph: RelevanceGraph, composite: Composite, goal: int, has_reference: bool, keep_all: bool) -> Plan:
    """Work out the relevance path.

    Raises:
        UnsupportedOperatorError: an operator on the path has no rule.
        RuleError: a rule does not fit its operator, or a case matches nothing.
        InputError: nothing leads from the inputs to the goal.
    """
    used: set[int] = set()
    status, steps = _mark(graph, composite, has_reference, used)
    if status.get(goal) != "value":
        raise InputError(_no_path(graph))
    path = _needed(goal, steps)
    sources = _sources(graph, steps)
    for index in path & steps.keys():
        if steps[index].operator is None and steps[index].node.operator != GETITEM:
            raise UnsupportedOperatorError(f"There is no relevance rule for {steps[index].node.describe()}.")
    steps = {index: step for index, step in steps.items() if index in path}
    steps = _assign(graph, composite, steps, status, has_reference, used)
    composite.require_used(used)
    backward = tuple((step, step.places) for _, step in sorted(steps.items(), reverse=True))
    shared = _shared(graph, steps)
    rowwise = _is_rowwise(graph, steps, shared, goal)
    kept = _kept(steps, has_reference or keep_all) | {goal, graph.output, *(i.index for i in graph.inputs), *shared}
    return Plan(
        goal=goal,
        forward=_forward(graph, kept, goal),
        backward=backward,
        recorded={} if has_reference else _recorded(steps),
        rowwise=rowwise,
        rows_known=all(step.node.rows is not None and step.node.rows >= 0 for step in steps.values()),
        shared=shared,
        sources=sources,
    )


def _no_path(graph: RelevanceGraph) -> str:
    if not any(item.dtype.is_floating_point for item in graph.inputs):
        return (
            "The model takes only whole numbers, and none of them reaches an embedding, so nothing carries relevance."
        )
    return "The explained output does not depend on any input along a path that carries relevance."


def _mark(
    graph: RelevanceGraph, composite: Composite, has_reference: bool, used: set[int]
) -> tuple[dict[int, Status], dict[int, Step]]:
    """Which nodes carry values or codes that depend on a source."""
    status: dict[int, Status] = {}
    steps: dict[int, Step] = {}
    for item in graph.inputs:
        if item.dtype != torch.bool:
            status[item.index] = "value" if item.dtype.is_floating_point else "code"
    for node in graph.nodes:
        if node.function is None or node.index in graph.constants:
            continue
        if node.operator == GETITEM:
            source, position = node.args[0].index, node.args[1]
            if source in status and not _is_order(steps[source], position):
                status[node.index], steps[node.index] = status[source], Step(node, None, {})
            continue
        found = _mark_call(node, status, has_reference)
        if found is None:
            continue
        kind, step = found
        if step.operator is not None:
            step = _hold(composite, step, used)
        if not any(_any(wanted) for wanted in step.wanted.values()):
            continue
        status[node.index], steps[node.index] = kind, step
    return status, steps


def _is_order(step: Step, position: int) -> bool:
    """Whether an output says where elements were found (the indices of a maximum, a sort), which carries nothing."""
    return step.operator is not None and step.operator.kind == "max" and position > 0


def _mark_call(node: Node, status: Mapping[int, Status], has_reference: bool) -> tuple[Status, Step] | None:
    values = _wanted(node, status, {"value"})
    codes = _wanted(node, status, {"code", "value"})
    if node.dtype is None or node.operator in _SHAPE_ONLY or (node.is_scale and not has_reference):
        return None
    is_whole = not node.dtype.is_floating_point
    table = lookup(node, _wanted(node, status, {"code"}))
    if table is not None and table.lookup is not None and _any(codes.get(table.lookup)):
        return "value", Step(node, table, {table.lookup: codes[table.lookup]})
    if is_whole:
        codes = {name: wanted for name, wanted in codes.items() if name in _MOVED}
        carrier = lookup(node, codes)
        carries = carrier is not None and carrier.transport is not None and node.dtype != torch.bool
        return ("code", Step(node, carrier, codes)) if codes and carries else None
    return ("value", Step(node, lookup(node, values), values)) if values else None


def _wanted(node: Node, status: Mapping[int, Status], accepted: set[str]) -> dict[str, Any]:
    """Argument name -> whether (or which elements) depend on a source."""
    found: dict[str, Any] = {}
    for name, value in node.arguments.items():
        if isinstance(value, Ref):
            wanted: Any = status.get(value.index) in accepted
        elif isinstance(value, list | tuple):
            wanted = [isinstance(item, Ref) and status.get(item.index) in accepted for item in value]
        else:
            continue
        if _any(wanted):
            found[name] = wanted
    return found


def _any(wanted: Any) -> bool:
    return any(wanted) if isinstance(wanted, list) else bool(wanted)


def _hold(composite: Composite, step: Step, used: set[int]) -> Step:
    """Take away the arguments that a `Constant` rule holds fixed."""
    operator = step.operator
    assert operator is not None
    rule, position = composite.rule(step.node, operator.kind, frozenset())
    if not isinstance(rule, Constant) or position is None:
        return step
    used.add(position)
    held = step.wanted.keys() if operator.held is None else operator.held
    return replace(step, wanted={name: wanted for name, wanted in step.wanted.items() if name not in held})


def _needed(goal: int, steps: Mapping[int, Step]) -> set[int]:
    """Nodes from which relevance flows on, the sources included."""
    needed = {goal}
    for index in sorted(steps, reverse=True):
        if index not in needed:
            continue
        step = steps[index]
        if step.node.operator == GETITEM:
            needed.add(step.node.args[0].index)
        for _, target in step.places:
            needed.update([target] if isinstance(target, int) else [t for t in target if t is not None])
    return needed


def _sources(graph: RelevanceGraph, steps: Mapping[int, Step]) -> frozenset[int]:
    """Float inputs, and inputs whose codes reach a table look-up; masks are neither."""
    looked_up: set[int] = set()
    for index, step in steps.items():
        if step.operator is not None and step.operator.lookup is not None:
            looked_up |= _needed(index, steps)
    return frozenset(i.index for i in graph.inputs if i.dtype.is_floating_point or i.index in looked_up)


def _assign(
    graph: RelevanceGraph,
    composite: Composite,
    steps: dict[int, Step],
    status: Mapping[int, Status],
    has_reference: bool,
    used: set[int],
) -> dict[int, Step]:
    """Give every step the rule the composite chooses."""
    places = _places(graph, steps)
    assigned = {}
    for index, step in steps.items():
        if step.operator is None or status[index] == "code" or step.operator.lookup is not None:
            assigned[index] = step
            continue
        kind = step.operator.kind
        rule, position = composite.rule(step.node, kind, places[index])
        if position is not None:
            used.add(position)
            require_fit(rule, step.node, kind, "first" in places[index], has_reference)
        rule = LRP0() if isinstance(rule, Constant) else rule
        assigned[index] = replace(step, rule=rule)
    return assigned


def _places(graph: RelevanceGraph, steps: Mapping[int, Step]) -> dict[int, frozenset[str]]:
    """Which layers come first after a source and which last before the goal."""
    raw = {item.index for item in graph.inputs}
    before_layer: set[int] = set()
    for index in sorted(steps):
        step = steps[index]
        operands = _path_operands(step)
        moves = step.operator is None or step.operator.moves or step.operator.lookup is not None
        if moves and operands <= raw:
            raw.add(index)
    for index in sorted(steps, reverse=True):
        step = steps[index]
        is_layer = step.operator is not None and step.operator.kind in LINEAR_KINDS
        if is_layer or index in before_layer:
            before_layer |= _path_operands(step)
    places = {}
    for index, step in steps.items():
        is_layer = step.operator is not None and step.operator.kind in LINEAR_KINDS
        first = {"first"} if is_layer and _path_operands(step) <= raw else set()
        last = {"last"} if is_layer and index not in before_layer else set()
        places[index] = frozenset(first | last)
    return places


def _path_operands(step: Step) -> set[int]:
    if step.node.operator == GETITEM:
        return {step.node.args[0].index}
    targets = [target for _, target in step.places]
    return {t for target in targets for t in ([target] if isinstance(target, int) else target) if t is not None}


def _shared(graph: RelevanceGraph, steps: Mapping[int, Step]) -> tuple[int, ...]:
    """Tensors read by the path that depend on an input but carry no relevance (masks, indices, conditions)."""
    dependent = {item.index for item in graph.inputs}
    for node in graph.nodes:
        if any(operand in dependent for operand in node.operands):
            dependent.add(node.index)
    read: set[int] = set()
    for step in steps.values():
        if step.operator is not None and step.operator.lookup is not None:
            continue
        read.update(set(step.node.operands) - _path_operands(step))
    tensors = {index for index in read & dependent if graph.nodes[index].dtype is not None}
    return tuple(sorted(tensors - graph.constants.keys()))


def _recorded(steps: Mapping[int, Step]) -> dict[int, tuple[str, ...]]:
    """Operators whose pullback is their derivative: recording it on the way forward saves running them twice."""
    found = {i: s for i, s in steps.items() if s.operator is not None and s.operator.recorded}
    return {index: tuple(name for name, _ in step.places) for index, step in found.items()}


def _is_rowwise(graph: RelevanceGraph, steps: Mapping[int, Step], shared: tuple[int, ...], goal: int) -> bool:
    if graph.nodes[goal].rows != 0 or any(graph.nodes[index].rows not in (0, None) for index in shared):
        return False
    for step in steps.values():
        if step.node.rows != 0:
            return False
        if step.operator is not None and not step.operator.rowwise(step.node):
            return False
    return True


def _kept(steps: Mapping[int, Step], everything: bool) -> set[int]:
    """Values that the way back reads."""
    kept: set[int] = set()
    for step in steps.values():
        operator, node = step.operator, step.node
        if operator is None:
            continue
        reads = operator.keeps
        if operator.layer is not None and step.rule is not None:
            reads = reads | step.rule.keeps
        path = _path_operands(step)
        if everything or "input" in reads or operator.lookup is not None:
            kept |= path
        if everything or "output" in reads or operator.lookup is not None:
            kept.add(node.index)
        kept |= set(node.operands) - path
    return kept


def _forward(graph: RelevanceGraph, kept: set[int], goal: int) -> tuple[tuple[Node, tuple[int, ...]], ...]:
    """Nodes to run, each with the values that nothing reads any more."""
    needed = set(kept) | {goal, graph.output}
    order = []
    for node in reversed(graph.nodes):
        if node.function is None or node.index in graph.constants:
            continue
        if node.index in needed or "assert" in node.operator:
            needed.update(ref.index for ref in refs((node.args, tuple(node.kwargs.values()))))
            order.append(node)
    order.reverse()
    last: dict[int, int] = {}
    for node in order:
        last[node.index] = node.index
        for operand in node.operands:
            last[operand] = node.index
    drops: dict[int, list[int]] = {}
    for index, reader in last.items():
        if index not in kept and index not in graph.constants:
            drops.setdefault(reader, []).append(index)
    return tuple((node, tuple(drops.get(node.index, ()))) for node in order)
