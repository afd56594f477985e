"""Maxima and minima: winner takes all.

With a reference the winner is that of whichever side has the larger maximum, and gets ``(y - y_ref) / (x_i - r_i)``,
which lies in [0, 1]: exact and bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lrp_audit.engine.graph import Node
from lrp_audit.engine.operators.activation import above
from lrp_audit.engine.operators.table import Call, Multipliers, always, batched, operator, works_within_rows
from lrp_audit.errors import InputError


def winner_back(m: Tensor, x: Tensor, r: Tensor | None, winner: Tensor, r_winner: Tensor | None) -> Tensor:
    """Multiplier of ``x`` (..., candidates) from that of its maxima (..., places), winners given by position."""
    shape = torch.broadcast_shapes(m.shape[:-1], x.shape[:-1])
    if r is not None and r_winner is not None:
        r, x = r.expand(*shape, -1), x.expand(*shape, -1)
        winner, r_winner = winner.expand(*shape, -1), r_winner.expand(*shape, -1)
        rise = x.gather(-1, winner) - r.gather(-1, r_winner)
        winner = torch.where(rise >= 0, winner, r_winner)
        run = x.gather(-1, winner) - r.gather(-1, winner)
        m = m * torch.where(rise == 0, 0.0, rise / run)
    found: Tensor = m.new_zeros((*shape, x.shape[-1])).scatter_add_(-1, winner.expand(m.shape), m)
    return found


def _reduced(call: Call, m: Tensor, dims: list[int], sign: int) -> Tensor:
    """Maximum (sign 1) or minimum (-1) over some dimensions."""
    x = call["self"]
    dims = sorted(d % x.ndim for d in dims)
    last = list(range(-len(dims), 0))

    def lined_up(values: Tensor) -> Tensor:
        return (values if sign > 0 else -values).movedim(dims, last).flatten(-len(dims))

    if call.node.arguments.get("keepdim"):
        m = m.squeeze(dims)
    moved = lined_up(x)
    r = None if call.reference is None else lined_up(call.ref("self"))
    r_winner = None if r is None else r.argmax(-1, keepdim=True)
    found = winner_back(m.unsqueeze(-1), moved, r, moved.argmax(-1, keepdim=True), r_winner)
    unflattened: Tensor = found.unflatten(-1, [x.shape[d] for d in dims])
    return unflattened.movedim(last, dims)


def _dims(call: Call) -> list[int]:
    dims = call.node.arguments.get("dim")
    if dims is None or dims == []:
        return list(range(call["self"].ndim))
    return [dims] if isinstance(dims, int) else list(dims)


def _reduction(sign: int) -> Callable[[Call, Any], Multipliers]:
    def pull(call: Call, m: Any) -> Multipliers:
        return {"self": _reduced(call, m if isinstance(m, Tensor) else m[0], _dims(call), sign)}

    return pull


operator("max.default", "amax.default", "max.dim", kind="max", rowwise=batched, leak=None)(_reduction(1))
operator("min.default", "amin.default", "min.dim", kind="max", rowwise=batched, leak=None)(_reduction(-1))


def _larger(sign: int) -> Callable[[Call, Tensor], Multipliers]:
    def pull(call: Call, m: Tensor) -> Multipliers:
        """Of two path tensors the winner; beside a constant it is a clamp."""
        if call.wants("self") and call.wants("other"):
            return _of_two(call, m, sign)
        path, constant = ("self", "other") if call.wants("self") else ("other", "self")
        x = call[path]
        r = x.new_zeros(()) if call.reference is None else call.ref(path)
        share = above(x, r, call[constant])
        return {path: call.fit(m * (share if sign > 0 else 1 - share), path)}

    return pull


def _of_two(call: Call, m: Tensor, sign: int) -> Multipliers:
    x = torch.stack(torch.broadcast_tensors(call["self"], call["other"]), -1) * sign
    r = None
    if call.reference is not None:
        r = torch.stack(torch.broadcast_tensors(call.ref("self"), call.ref("other")), -1) * sign
    r_winner = None if r is None else r.argmax(-1, keepdim=True)
    found = winner_back(m.unsqueeze(-1), x, r, x.argmax(-1, keepdim=True), r_winner).unbind(-1)
    return {name: call.fit(part, name) for name, part in zip(("self", "other"), found, strict=True)}


operator("maximum.default", kind="max", rowwise=always)(_larger(1))
operator("minimum.default", kind="max", rowwise=always)(_larger(-1))


def _pool_winners(call: Call, x: Tensor) -> Tensor:
    """Positions of the winners, counted over all positions of a channel."""
    name = call.node.operator.removeprefix("aten.").removesuffix(".default")
    if name.startswith("adaptive"):
        found = getattr(F, name)(x, call["output_size"], return_indices=True)
    else:
        stride = call["stride"] or None
        options = [call[n] for n in ("kernel_size",)], [call[n] for n in ("padding", "dilation", "ceil_mode")]
        found = getattr(F, name)(x, *options[0], stride, *options[1], return_indices=True)
    winners: Tensor = found[1]
    return winners


@operator(
    *(f"{prefix}max_pool{d}d.default" for d in (1, 2, 3) for prefix in ("", "adaptive_")),
    kind="max",
    rowwise=batched,
    leak=None,
)
def max_pool(call: Call, m: Any) -> Multipliers:
    """Each window by itself."""
    m = m if isinstance(m, Tensor) else m[0]
    x, r = call["self"], call.ref("self")
    positions = int(call.node.operator.removesuffix("d.default")[-1])
    r_winner = None if r is None else _pool_winners(call, r).flatten(-positions)
    r_flat = None if r is None else r.flatten(-positions)
    found = winner_back(
        m.flatten(-positions), x.flatten(-positions), r_flat, _pool_winners(call, x).flatten(-positions), r_winner
    )
    return {"self": found.unflatten(-1, x.shape[-positions:])}


def _sorted_within_rows(node: Node) -> bool:
    return batched(node) and works_within_rows(node, node.arguments["dim"])


@operator("topk.default", "sort.default", "sort.stable", kind="max", rowwise=_sorted_within_rows, moves=True, leak=None)
def chosen(call: Call, m: dict[int, Tensor]) -> Multipliers:
    """Selection by rank: which elements are chosen is a constant of the instance."""
    order = call.output[1]
    if call.reference is not None and not bool((order == call.ref_output[1]).all()):
        raise InputError(
            f"The order differs between input and reference, so their difference has no owner: {call.node.describe()}."
        )
    values = m[0]
    shape = list(values.shape)
    shape[call["dim"]] = call["self"].shape[call["dim"]]
    return {"self": values.new_zeros(shape).scatter_add_(call["dim"], order.expand(values.shape), values)}
