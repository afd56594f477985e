"""The operator table: what an operator does to multipliers on their way back. Membership is explicit.

A pullback gets a `Call` (one operator application with its true values) and the multiplier ``m = R / Δa`` of its
output, and returns the multipliers of its arguments by parameter name. An operator without an entry is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from lrp_audit.engine.graph import Node, Ref, RelevanceGraph, Values, resolve
from lrp_audit.engine.layer import LinearLayer
from lrp_audit.engine.rules import Rule

Multipliers = dict[str, Any]
"""Parameter name -> multiplier; for a list of tensors a list with None where nothing flows."""
Pullback = Callable[["Call", Any], Multipliers]
Leak = Literal["bias", "constant", "taylor"]


class Call:
    """One operator application: arguments by name, output, the same on the reference, and the rule to use.

    Without a reference every reference value counts as zero (classic LRP). With ``rowwise`` the reference may have one
    row where the input has many, or the other way round; everything then broadcasts along dimension 0.
    """

    __slots__ = ("graph", "node", "reference", "rowwise", "rule", "values", "wanted")

    def __init__(
        self,
        graph: RelevanceGraph,
        node: Node,
        values: Values,
        reference: Values | None,
        *,
        rule: Rule | None,
        wanted: Mapping[str, Any],
        rowwise: bool,
    ) -> None:
        self.graph = graph
        self.node = node
        self.values = values
        self.reference = reference
        self.rule = rule
        self.wanted = wanted
        self.rowwise = rowwise

    def __getitem__(self, name: str) -> Any:
        """The argument's true value."""
        return resolve(self.node.arguments[name], self.values)

    def ref(self, name: str) -> Any:
        """The argument's value on the reference."""
        return resolve(self.node.arguments[name], self.reference) if self.reference is not None else None

    @property
    def tape(self) -> tuple[dict[str, Tensor], Tensor]:
        """What `Operator.recorded` asked for: arguments and output, ready for differentiation."""
        found: tuple[dict[str, Tensor], Tensor] = self.values.tapes[self.node.index]
        return found

    def wants(self, name: str) -> bool:
        """Whether relevance flows on to this argument."""
        return bool(self.wanted.get(name))

    def delta(self, name: str) -> Tensor:
        """The argument measured from its reference."""
        value: Tensor = self[name]
        return value if self.reference is None else value - self.ref(name)

    @property
    def output(self) -> Any:
        """The operator's true output."""
        return self.values[self.node.index]

    @property
    def ref_output(self) -> Any:
        """The operator's output on the reference."""
        return None if self.reference is None else self.reference[self.node.index]

    @property
    def output_delta(self) -> Tensor:
        """The output measured from its reference."""
        output: Tensor = self.output
        return output if self.reference is None else output - self.ref_output

    def deltas(self, name: str) -> list[Tensor]:
        """The path tensors of an argument (one, or those of a list), measured from their references."""
        wanted = self.wanted[name]
        if not isinstance(wanted, list):
            return [self.delta(name)]
        values = self[name]
        references = self.ref(name) if self.reference is not None else [0.0] * len(values)
        return [v - r for v, r, w in zip(values, references, wanted, strict=True) if w]

    def at_zero(self) -> Any:
        """The operator's output when every path argument is zero: the part that is no input's.

        It has one row for all where nothing else that the operator reads can differ between rows.
        """
        others = [value for name, value in self.node.arguments.items() if not self.wanted.get(name)]
        rows = slice(1) if self.rowwise and not any(map(self._varies, others)) else slice(None)
        zeros: dict[str, Any] = {}
        for name, wanted in self.wanted.items():
            value = self[name]
            if isinstance(wanted, list):
                zeros[name] = [torch.zeros_like(v[rows]) if w else v for v, w in zip(value, wanted, strict=True)]
            elif wanted:
                zeros[name] = torch.zeros_like(value[rows])
        return self.apply(zeros)

    def _varies(self, argument: Any) -> bool:
        """Whether an argument may be another one for other rows."""
        if isinstance(argument, list | tuple):
            return any(map(self._varies, argument))
        return isinstance(argument, Ref) and argument.index not in self.graph.constants

    def middle(self, name: str) -> Tensor:
        """Midpoint between the argument's value and its reference; the value itself without one."""
        value: Tensor = self[name]
        return value if self.reference is None else (value + self.ref(name)) * 0.5

    def fit(self, m: Tensor, name: str) -> Tensor:
        """Sum a multiplier over the dimensions along which the argument was broadcast."""
        shape = self[name].shape
        if m.shape == shape:
            return m
        if not self.rowwise:
            return m.sum_to_size(shape)
        lead = m.ndim - len(shape)
        spread = [d for d in range(1, m.ndim) if d < lead or (shape[d - lead] == 1 and m.shape[d] != 1)]
        return m.sum(spread, keepdim=True) if spread else m

    def apply(self, replaced: Mapping[str, Any]) -> Any:
        """Run the operator with some arguments replaced by other values."""
        function = self.node.function
        assert function is not None
        parameters = function._schema.arguments  # type: ignore[attr-defined]
        given = {p.name: replaced[p.name] if p.name in replaced else self[p.name] for p in parameters}
        positional = [given[p.name] for p in parameters if not p.kwarg_only]
        return function(*positional, **{p.name: given[p.name] for p in parameters if p.kwarg_only})

    def layer(self) -> Any:
        """The view of a linear map that rules act on."""
        entry = lookup(self.node, self.wanted)
        assert entry is not None
        assert entry.layer is not None
        return entry.layer(self)

    def weight_part(self, name: str, part: str, compute: Callable[[Tensor], Tensor]) -> Tensor:
        """A function of a weight, remembered with the graph if the weight is a constant of it."""
        weight = self.node.arguments[name]
        if isinstance(weight, Ref) and weight.index in self.graph.constants:
            found: Tensor = self.graph.remember((weight.index, part), lambda: compute(self[name]))
            return found
        return compute(self[name])


def _never(node: Node) -> bool:
    return False


def always(node: Node) -> bool:
    """The operator works on every row by itself."""
    return True


def batched(node: Node) -> bool:
    """The output counts rows in dimension 0 and nowhere else; enough for operators that cannot mix rows otherwise."""
    return node.rows == 0


def works_within_rows(node: Node, *dims: Any) -> bool:
    """Whether none of these dimensions (numbers or lists of numbers) is dimension 0."""
    rank = len(node.shape or ())
    flat = [d for dim in dims for d in (dim if isinstance(dim, list | tuple) else [dim])]
    return bool(flat) and all(isinstance(d, int) and d not in (0, -rank) for d in flat)


@dataclass(frozen=True)
class Operator:
    """One entry of the table.

    Attributes:
        pullback: multipliers of the arguments from the multiplier of the output.
        kind: what composites select by ("linear", "conv", "activation", "norm", ...).
        rowwise: whether this application works on every row (dimension 0) by itself.
        keeps: what the pullback reads without a reference: "input", "output".
        moves: every output element is one input element, so relevance itself moves by the same pullback.
        carry: how relevance of whole-number codes moves where that is another way (adding an offset, rounding).
        lookup: the argument that holds codes, for a table look-up; the operator is then a source.
        leak: the sink that takes what the operator does to a zero input (or the Taylor constant); None for nothing.
        books: closed forms of what stays, by sink, without a reference, where that is not what a zero input gives.
        layer: for linear maps, the view that rules work on.
        recorded: without a reference the pullback differentiates the operator, see `Call.tape`.
        held: arguments that a `Constant` rule holds fixed; None for all.
    """

    pullback: Pullback
    kind: str
    rowwise: Callable[[Node], bool] = _never
    keeps: frozenset[str] = frozenset({"input", "output"})
    moves: bool = False
    leak: Leak | None = "constant"
    books: Callable[[Call, Any], dict[str, Tensor]] | None = None
    layer: Callable[[Call], LinearLayer] | None = None
    recorded: bool = False
    held: tuple[str, ...] | None = None
    carry: Pullback | None = None
    lookup: str | None = None

    @property
    def transport(self) -> Pullback | None:
        """How relevance itself passes."""
        return self.carry or (self.pullback if self.moves else None)


Entry = Operator | Callable[[Mapping[str, Any]], Operator]
"""An operator, or a choice by which arguments lie on the relevance path (a matrix product is linear in one of them)."""

TABLE: dict[str, Entry] = {}


def lookup(node: Node, wanted: Mapping[str, Any]) -> Operator | None:
    """The entry for one application, None if the operator is not supported."""
    entry = TABLE.get(node.operator)
    return entry if entry is None or isinstance(entry, Operator) else entry(wanted)


def register(names: str | Iterable[str], entry: Entry) -> None:
    """Add one entry under its operator names; without a namespace ('linear.default') they are aten's."""
    for name in [names] if isinstance(names, str) else names:
        full = name if name.count(".") > 1 else f"aten.{name}"
        if full in TABLE:
            raise ValueError(f"{full} is registered twice")
        TABLE[full] = entry


def operator(*names: str, kind: str, **options: Any) -> Callable[[Pullback], Pullback]:
    """Decorator form of `register`."""

    def add(pullback: Pullback) -> Pullback:
        register(names, Operator(pullback, kind, **options))
        return pullback

    return add


def linear_vjp(call: Call, m: Any, names: Iterable[str]) -> Multipliers:
    """Transpose of an operator that is linear in ``names``, by differentiating that one operator (then exact).

    The rows of the dummy arguments are those of ``m``, so values and reference may broadcast.
    """
    rows = _first(m).shape[0] if call.rowwise else None
    dummies = {name: _dummy(call[name], call.wanted[name], rows) for name in names if call.wants(name)}
    constants = {
        name: _spread(call, value, rows) for name, value in call.node.arguments.items() if rows and name not in dummies
    }
    with torch.enable_grad():
        leaves = [leaf for dummy in dummies.values() for leaf in _leaves(dummy)]
        output = call.apply({**constants, **dummies})
        pairs = [(output, m)] if isinstance(m, Tensor) else [(output[i], part) for i, part in m.items()]
        found = iter(torch.autograd.grad([o for o, _ in pairs], leaves, [g for _, g in pairs]))
    return {name: _collect(dummy, found) for name, dummy in dummies.items()}


def _first(m: Any) -> Tensor:
    first: Tensor = m if isinstance(m, Tensor) else next(iter(m.values()))
    return first


def _dummy(value: Any, wanted: Any, rows: int | None) -> Any:
    if isinstance(value, list | tuple):
        return [_dummy(v, w, rows) if w else _with_rows(v, rows) for v, w in zip(value, wanted, strict=True)]
    shape = value.shape if rows is None else (rows, *value.shape[1:])
    dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()  # codes carry real relevance
    return torch.zeros(shape, dtype=dtype, device=value.device, requires_grad=True)


def _with_rows(value: Tensor, rows: int | None) -> Tensor:
    return value if rows is None else value.expand(rows, *value.shape[1:])


def _spread(call: Call, value: Any, rows: int | None) -> Any:
    """A constant argument with as many rows as the multiplier."""
    if isinstance(value, Ref):
        found = resolve(value, call.values)
        return _with_rows(found, rows) if call.graph.nodes[value.index].rows == 0 else found
    if isinstance(value, list | tuple):
        return [_spread(call, item, rows) for item in value]
    return value


def _leaves(dummy: Any) -> list[Tensor]:
    if isinstance(dummy, Tensor):
        return [dummy]
    return [item for item in dummy if item is not None and item.requires_grad]


def _collect(dummy: Any, found: Any) -> Any:
    if isinstance(dummy, Tensor):
        return next(found)
    return [next(found) if item is not None and item.requires_grad else None for item in dummy]
