"""Normalisation layers.

Without a reference the scale 1/σ is a constant of the instance, and centring and affine part are linear. With one, the
scale is taken apart into square, mean, reciprocal root and product, each by its secant, so the sum is exact.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lrp_audit.engine.canonize import batch_norm_affine
from lrp_audit.engine.graph import Node
from lrp_audit.engine.operators.table import Call, Multipliers, batched, operator

_INPUT = frozenset({"input"})


def normalised(m: Tensor, x: Tensor, r: Tensor | None, dims: tuple[int, ...], eps: float, *, centred: bool) -> Tensor:
    """Multiplier of the input of ``c / sqrt(mean(c²) + eps)``, where ``c`` is the input, centred or not.

    With a reference: ``Δ(c s) = Δc s̄ + c̄ Δs`` with midpoints s̄ and c̄, ``Δs = -(s s_r)² / (s + s_r) Δv`` and
    ``Δv = mean((c + c_r) Δc)``.
    """
    c, s = _centred_and_scale(x, dims, eps, centred)
    if r is None:
        found = m * s
    else:
        c_ref, s_ref = _centred_and_scale(r, dims, eps, centred)
        both = c + c_ref
        through_scale = (m * both).mean(dims, keepdim=True) * (-0.5 * (s * s_ref) ** 2 / (s + s_ref))
        found = m * ((s + s_ref) * 0.5) + through_scale * both
    return found - found.mean(dims, keepdim=True) if centred else found


def _centred_and_scale(x: Tensor, dims: tuple[int, ...], eps: float, centred: bool) -> tuple[Tensor, Tensor]:
    c = x - x.mean(dims, keepdim=True) if centred else x
    return c, torch.rsqrt(c.square().mean(dims, keepdim=True) + eps)


def _last_dims(call: Call) -> tuple[int, ...]:
    return tuple(range(-len(call["normalized_shape"]), 0))


def _keeps_rows_apart(node: Node) -> bool:
    return batched(node) and len(node.arguments["normalized_shape"]) < len(node.shape or ())


@operator("layer_norm.default", kind="norm", rowwise=_keeps_rows_apart, leak="bias", keeps=_INPUT)
def layer_norm(call: Call, m: Tensor) -> Multipliers:
    """Mean and variance over the last dimensions."""
    m = m if call["weight"] is None else m * call["weight"]
    return {"input": normalised(m, call["input"], call.ref("input"), _last_dims(call), call["eps"], centred=True)}


@operator("rms_norm.default", kind="norm", rowwise=_keeps_rows_apart, leak="bias", keeps=_INPUT)
def rms_norm(call: Call, m: Tensor) -> Multipliers:
    """Mean square over the last dimensions, no centring."""
    m = m if call["weight"] is None else m * call["weight"]
    x = call["input"]
    eps = torch.finfo(x.dtype).eps if call["eps"] is None else call["eps"]
    return {"input": normalised(m, x, call.ref("input"), _last_dims(call), eps, centred=False)}


@operator("group_norm.default", kind="norm", rowwise=batched, leak="bias", keeps=_INPUT)
def group_norm(call: Call, m: Tensor) -> Multipliers:
    """Mean and variance over the channels of a group and all positions."""
    return {"input": _by_group(call, m, call["num_groups"])}


@operator("instance_norm.default", kind="norm", rowwise=batched, leak="bias", keeps=_INPUT)
def instance_norm(call: Call, m: Tensor) -> Multipliers:
    """Mean and variance over the positions of a channel, or stored ones."""
    if call["use_input_stats"]:
        return {"input": _by_group(call, m, call["input"].shape[1])}
    scale, _ = batch_norm_affine(call["weight"], call["bias"], call["running_mean"], call["running_var"], call["eps"])
    return {"input": m * _per_channel(scale, m)}


def _by_group(call: Call, m: Tensor, groups: int) -> Tensor:
    def grouped(values: Tensor) -> Tensor:
        return values.reshape(values.shape[0], groups, -1)

    r = call.ref("input")
    m = m if call["weight"] is None else m * _per_channel(call["weight"], m)
    grouped_ref = None if r is None else grouped(r)
    found = normalised(grouped(m), grouped(call["input"]), grouped_ref, (-1,), call["eps"], centred=True)
    return found.reshape(m.shape)


@operator("_native_batch_norm_legit_no_training.default", kind="norm", rowwise=batched, leak="bias", keeps=frozenset())
def batch_norm(call: Call, m: dict[int, Tensor]) -> Multipliers:
    """Evaluation-mode batch norm that no layer before it could absorb: scale and shift per channel."""
    scale, _ = batch_norm_affine(call["weight"], call["bias"], call["running_mean"], call["running_var"], call["eps"])
    return {"input": m[0] * _per_channel(scale, m[0])}


def _per_channel(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (like.ndim - 2))
