"""Exported program -> `RelevanceGraph`: functional form, passes, and our own nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

from lrp_audit.engine.canonize import Draft, arguments, canonize, module_path
from lrp_audit.engine.graph import HALF, Input, Node, Ref, RelevanceGraph, SizeCheck
from lrp_audit.errors import CaptureError


def lower(program: ExportedProgram, names: Sequence[str]) -> RelevanceGraph:
    """Our own form of a program in functional form.

    Raises:
        CaptureError: a fixed number of rows, an input that is no tensor, an output without logits.
    """
    signature = program.graph_signature
    graph, by_name = _copy(program.graph)  # the passes change it
    placeholders = {name: node for name, node in by_name.items() if node.op == "placeholder"}
    constants: dict[fx.Node, Any] = {}
    weights: dict[str, Tensor] = {}
    inputs = []
    for spec in signature.input_specs:
        node = placeholders[spec.arg.name]
        if spec.kind is InputKind.USER_INPUT:
            inputs.append(node)
        elif spec.target is not None:
            tensor = _stored(program, spec.target)
            weights[spec.target.removeprefix("model.")] = tensor
            constants[node] = tensor.detach()
    _require_tensors(inputs, names)
    draft = canonize(Draft(graph, constants, inputs, _output_node(program, by_name)))
    return _build(draft, names, weights, _size_check(program, inputs))


def _stored(program: ExportedProgram, name: str) -> Tensor:
    found = program.state_dict.get(name, program.constants.get(name))
    if not isinstance(found, Tensor):
        raise CaptureError(f"The graph holds {name!r}, which is not a tensor.")
    return found


def _require_tensors(inputs: Sequence[fx.Node], names: Sequence[str]) -> None:
    for node, name in zip(inputs, names, strict=True):
        value = node.meta.get("val")
        if not isinstance(value, Tensor):
            raise CaptureError(f"The model's input {name!r} is not a tensor; export it with tensor inputs only.")
        if value.ndim == 0 or isinstance(_expression(value.shape[0]), int):
            raise CaptureError(
                f"The number of rows of input {name!r} is fixed by the model or its export; export it again with "
                "dynamic_shapes that give dimension 0 of every input torch.export.Dim.AUTO (or Dim('batch'))."
            )


def _copy(graph: fx.Graph) -> tuple[fx.Graph, dict[str, fx.Node]]:
    """A graph of one's own, and its nodes by the names they had: some are renamed on the way."""
    own, nodes = fx.Graph(), dict[fx.Node, fx.Node]()
    own.output(own.graph_copy(graph, nodes))
    return own, {old.name: new for old, new in nodes.items()}


def _output_node(program: ExportedProgram, by_name: Mapping[str, fx.Node]) -> fx.Node:
    names = [spec.arg.name for spec in program.graph_signature.output_specs if spec.kind is OutputKind.USER_OUTPUT]
    out = program.call_spec.out_spec
    output = (
        torch.utils._pytree.tree_unflatten([by_name.get(name) for name in names], out) if out else by_name[names[0]]
    )
    if not isinstance(output, fx.Node):
        output = _logits_node(output)
    if output.op == "placeholder":
        raise CaptureError("The model returns its input unchanged; there is nothing to explain.")
    return output


def _logits_node(output: Any) -> fx.Node:
    if isinstance(output, Mapping):
        output = output.get("logits", next(iter(output.values()), None))
    elif isinstance(output, tuple | list):
        output = output[0] if output else None
    else:
        output = getattr(output, "logits", None)
    if not isinstance(output, fx.Node):
        raise CaptureError("The exported program's output holds no tensor of logits.")
    return output


def _size_check(program: ExportedProgram, inputs: Sequence[fx.Node]) -> SizeCheck:
    ranges = {}
    for symbol, bounds in program.range_constraints.items():
        low = int(bounds.lower) if bounds.lower.is_finite else 0
        high = float(bounds.upper) if bounds.upper.is_finite else float("inf")
        ranges[symbol] = (1 if low <= 2 else low, high)
    shape_env = inputs[0].meta["val"].shape[0].node.shape_env
    symbols = {symbol for node in inputs for size in node.meta["val"].shape for symbol in _symbols(size)}
    guards = tuple(guard.expr for guard in shape_env.guards if guard.expr.free_symbols <= symbols)
    return SizeCheck(ranges, guards)


def _symbols(size: Any) -> set[Any]:
    return set() if isinstance(size, int) else set(size.node.expr.free_symbols)


def _expression(size: Any) -> Any:
    """A number, or the expression of a size that is free."""
    if isinstance(size, int):
        return size
    return int(size.node.expr) if size.node.expr.is_number else size.node.expr


def _build(draft: Draft, names: Sequence[str], weights: Mapping[str, Tensor], checks: SizeCheck) -> RelevanceGraph:
    rows = {_expression(node.meta["val"].shape[0]) for node in draft.inputs}
    order = _order(draft)
    index = {node: position for position, node in enumerate(order)}
    nodes = tuple(_node(node, index, rows, node in draft.scales) for node in order)
    inputs = tuple(
        Input(name, index[node], node.meta["val"].dtype, tuple(_expression(size) for size in node.meta["val"].shape))
        for name, node in zip(names, draft.inputs, strict=True)
    )
    constants = {index[node]: value for node, value in draft.constants.items() if node in index}
    output = draft.output.meta["val"]
    if not output.dtype.is_floating_point:
        raise CaptureError(f"The model's output has dtype {output.dtype}; logits must be real numbers.")
    if output.dtype in HALF:
        raise CaptureError("The program was exported in half precision; export it in float32.")
    return RelevanceGraph(nodes, constants, inputs, index[draft.output], checks, weights, output.dtype)


def _order(draft: Draft) -> list[fx.Node]:
    """Nodes that are still read, constants without their own history."""
    needed: set[fx.Node] = {draft.output, *draft.inputs}
    for node in reversed(list(draft.graph.nodes)):
        if "assert" in str(node.target):
            needed.add(node)
        if node in needed and node not in draft.constants:
            needed.update(node.all_input_nodes)
    return [node for node in draft.graph.nodes if node in needed]


def _node(node: fx.Node, index: Mapping[fx.Node, int], rows: set[Any], is_scale: bool) -> Node:
    """One node; an operator with several outputs is described by its first, rows if all agree."""

    def to_ref(value: Any) -> Any:
        if isinstance(value, fx.Node):
            return Ref(index[value])
        return type(value)([to_ref(item) for item in value]) if isinstance(value, tuple | list) else value

    value = node.meta.get("val")
    outputs = [item for item in value if isinstance(item, Tensor)] if isinstance(value, list | tuple) else [value]
    first = outputs[0] if outputs and isinstance(outputs[0], Tensor) else None
    shapes = [tuple(_expression(size) for size in output.shape) for output in outputs if isinstance(output, Tensor)]
    counts = {_rows(shape, rows) for shape in shapes if shape != (0,)}  # unused outputs are empty
    is_call = node.op == "call_function" and all(source in index for source in node.all_input_nodes)
    return Node(
        index=index[node],
        name=node.name,
        operator=str(node.target) if node.op == "call_function" else node.op,
        function=node.target if is_call else None,  # type: ignore[arg-type]
        args=tuple(to_ref(node.args)) if is_call else (),
        kwargs={name: to_ref(item) for name, item in node.kwargs.items()} if is_call else {},
        arguments={name: to_ref(item) for name, item in arguments(node).items()} if is_call else {},
        shape=None if first is None else tuple(size if isinstance(size, int) else str(size) for size in shapes[0]),
        dtype=None if first is None else first.dtype,
        rows=counts.pop() if len(counts) == 1 else (-1 if counts else None),
        module=module_path(node),
        source=_source(node),
        is_scale=is_scale,
    )


def _rows(shape: tuple[Any, ...], symbols: set[Any]) -> int | None:
    """The dimension that counts rows; None if there is none; -1 if rows are merged with something else."""
    alone = [dimension for dimension, size in enumerate(shape) if size in symbols]
    touched = [
        dimension for dimension, size in enumerate(shape) if not isinstance(size, int) and size.free_symbols & symbols
    ]
    if not touched:
        return None
    return alone[0] if alone == touched and len(alone) == 1 else -1


def _source(node: fx.Node) -> str:
    """The innermost line of the model's own code, 'file.py:12 in forward'; file names only."""
    lines = [
        line.strip() for line in (node.meta.get("stack_trace") or "").splitlines() if line.strip().startswith("File ")
    ]
    if not lines:
        return "source unknown"
    file, line, *function = lines[-1].removeprefix("File ").split(", ")
    name = file.strip('"').replace("\\", "/").rsplit("/", 1)[-1]
    return f"{name}:{line.removeprefix('line ')} {' '.join(function)}".strip()
