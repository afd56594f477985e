"""Operators that only move, select, repeat or join elements. Their transposes scatter what they gathered.

The frequent ones have closed forms; the rest differentiate that single operator, which is exact for a linear map.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lrp_audit.engine.graph import Node, refs
from lrp_audit.engine.operators.table import (
    Call,
    Leak,
    Multipliers,
    Operator,
    Pullback,
    batched,
    linear_vjp,
    operator,
    register,
    works_within_rows,
)

_NOTHING: frozenset[str] = frozenset()


def moving(
    *names: str, rowwise: Callable[[Node], bool] = batched, leak: Leak | None = None
) -> Callable[[Pullback], Pullback]:
    """Register an operator that moves elements; ``leak`` where constants may stand among them."""
    return operator(*names, kind="structure", rowwise=rowwise, moves=True, leak=leak)


def _like_input(call: Call, m: Tensor) -> Tensor:
    """Give a multiplier the argument's shape; the number of rows is the multiplier's own."""
    shape = call["self"].shape
    return m.reshape(m.shape[0], *shape[1:]) if call.rowwise else m.reshape(shape)


@moving(
    "view.default",
    "reshape.default",
    "_unsafe_view.default",
    "flatten.using_ints",
    "unflatten.int",
    "unsqueeze.default",
    "squeeze.default",
    "squeeze.dim",
    "squeeze.dims",
)
def view(call: Call, m: Tensor) -> Multipliers:
    """The same elements in another shape."""
    return {"self": _like_input(call, m)}


@moving("transpose.int")
def transpose(call: Call, m: Tensor) -> Multipliers:
    """Swap back."""
    return {"self": m.transpose(call["dim0"], call["dim1"])}


@moving("t.default", "mT.default")
def matrix_transpose(call: Call, m: Tensor) -> Multipliers:
    """Swap back."""
    return {"self": m.transpose(-2, -1) if m.ndim > 1 else m}


@moving("permute.default")
def permute(call: Call, m: Tensor) -> Multipliers:
    """Permute back."""
    dims = [d % m.ndim for d in call["dims"]]
    inverse = [dims.index(d) for d in range(len(dims))]
    return {"self": m.permute(inverse)}


@moving("expand.default")
def expand(call: Call, m: Tensor) -> Multipliers:
    """Sum over the repeats."""
    return {"self": call.fit(m, "self")}


@moving("_to_copy.default", "to.dtype", "to.device")
def cast(call: Call, m: Tensor) -> Multipliers:
    """Between real types the identity; from a whole number (a looked-up code) too."""
    x = call["self"]
    return {"self": m.to(x.dtype) if x.is_floating_point() else m}


@moving("select.int", rowwise=lambda node: batched(node) and node.arguments["dim"] != 0)
def select(call: Call, m: Tensor) -> Multipliers:
    """Zero everywhere else."""
    found = _zeros(call, m)
    found.select(call["dim"], call["index"]).copy_(m)
    return {"self": found}


@moving("slice.Tensor", rowwise=lambda node: batched(node) and works_within_rows(node, node.arguments["dim"]))
def slice_(call: Call, m: Tensor) -> Multipliers:
    """Zero everywhere else."""
    found = _zeros(call, m)
    size = found.shape[call["dim"]]
    start, end, _ = slice(call["start"], call["end"], call["step"]).indices(size)
    torch.ops.aten.slice(found, call["dim"], start, end, call["step"]).copy_(m)
    return {"self": found}


def _zeros(call: Call, m: Tensor) -> Tensor:
    shape = call["self"].shape
    return m.new_zeros((m.shape[0], *shape[1:]) if call.rowwise else shape)


def _parts_within_rows(node: Node) -> bool:
    return works_within_rows(node, node.arguments["dim"]) and batched(node)


@moving("cat.default", rowwise=_parts_within_rows, leak="constant")
def cat(call: Call, m: Tensor) -> Multipliers:
    """Cut apart."""
    sizes = [part.shape[call["dim"]] for part in call["tensors"]]
    parts = m.split(sizes, call["dim"])
    return {"tensors": [part if wanted else None for part, wanted in zip(parts, call.wanted["tensors"], strict=True)]}


@moving("stack.default", rowwise=_parts_within_rows, leak="constant")
def stack(call: Call, m: Tensor) -> Multipliers:
    """Take apart."""
    parts = m.unbind(call["dim"])
    return {"tensors": [part if wanted else None for part, wanted in zip(parts, call.wanted["tensors"], strict=True)]}


def _split_within_rows(node: Node) -> bool:
    return bool(node.arguments["dim"] > 0)


@operator(
    "split.Tensor",
    "split_with_sizes.default",
    "chunk.default",
    "unbind.int",
    "tensor_split.sections",
    kind="structure",
    rowwise=_split_within_rows,
    moves=True,
    leak=None,
)
def split(call: Call, m: dict[int, Tensor]) -> Multipliers:
    """Join the parts; where nothing came back, zeros."""
    parts = []
    for index, part in enumerate(call.output):
        shape = (next(iter(m.values())).shape[0], *part.shape[1:]) if call.rowwise else part.shape
        parts.append(m[index] if index in m else next(iter(m.values())).new_zeros(shape))
    joined = torch.stack(parts, call["dim"]) if "unbind" in call.node.operator else torch.cat(parts, call["dim"])
    return {"self": joined}


@operator("copy.default", kind="structure", rowwise=batched)
def copy(call: Call, m: Tensor) -> Multipliers:
    """Overwrite: nothing of what was there is left."""
    found = {"src": call.fit(m, "src"), "self": torch.zeros_like(m)}
    return {name: part for name, part in found.items() if call.wants(name)}


def _by_derivative(*names: str) -> Pullback:
    return lambda call, m: linear_vjp(call, m, names)


def _never_rows(node: Node) -> bool:
    return False


def _no_row_sizes(node: Node) -> bool:
    """No argument is a size that depends on the number of rows, and no index picks rows."""
    return batched(node) and not any(
        True for name, value in node.arguments.items() if name != "self" for _ in refs(value)
    )


def _pads_within_rows(node: Node) -> bool:
    return _no_row_sizes(node) and len(node.arguments["pad"]) < 2 * len(node.shape or ())


def _index_within_rows(node: Node) -> bool:
    indices = node.arguments["indices"]
    return batched(node) and bool(indices) and indices[0] is None


def _dims_within_rows(name: str) -> Callable[[Node], bool]:
    return lambda node: batched(node) and works_within_rows(node, node.arguments[name])


_LONG_TAIL: dict[str, tuple[tuple[str, ...], Callable[[Node], bool]]] = {
    "pad.default": (("self",), _pads_within_rows),
    "constant_pad_nd.default": (("self",), _pads_within_rows),
    "repeat.default": (("self",), lambda node: False),
    "repeat_interleave.self_int": (("self",), _dims_within_rows("dim")),
    "roll.default": (("self",), _dims_within_rows("dims")),
    "flip.default": (("self",), _dims_within_rows("dims")),
    "movedim.int": (("self",), _dims_within_rows("source")),
    "unfold.default": (("self",), _dims_within_rows("dimension")),
    "diagonal.default": (("self",), _never_rows),
    "tril.default": (("self",), _never_rows),
    "triu.default": (("self",), _never_rows),
    "index_select.default": (("self",), _dims_within_rows("dim")),
    "gather.default": (("self",), _dims_within_rows("dim")),
    "take_along_dim.default": (("self",), _dims_within_rows("dim")),
    "pixel_shuffle.default": (("self",), batched),
    "channel_shuffle.default": (("self",), batched),
    "upsample_nearest1d.vec": (("input",), batched),
    "upsample_nearest2d.vec": (("input",), batched),
    "upsample_nearest3d.vec": (("input",), batched),
    "upsample_bilinear2d.vec": (("input",), batched),
    "select_scatter.default": (("self", "src"), lambda node: batched(node) and node.arguments["dim"] > 0),
    "slice_scatter.default": (("self", "src"), _dims_within_rows("dim")),
    "index_put.default": (("self", "values"), _never_rows),
    "scatter.src": (("self", "src"), _dims_within_rows("dim")),
}
_BLENDING = {"upsample_bilinear2d.vec"}

for _name, (_arguments, _rowwise) in _LONG_TAIL.items():
    register(
        _name,
        Operator(_by_derivative(*_arguments), "structure", _rowwise, moves=_name not in _BLENDING),
    )


index_operator = Operator(_by_derivative("self"), "structure", _index_within_rows, moves=True)
"""Selection by constant indices."""
