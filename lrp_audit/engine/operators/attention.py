"""Softmax and its relatives, and fused attention.

Without a reference: the gradient (AttnLRP, Achtibat et al. 2024, Prop. 3.1); the constant of that expansion is booked.

With a reference, from y = exp(x - lse(x)): exp and log by their secants, which are logarithmic means
L(a, b) = (a - b) / (log a - log b). With p and q the two softmaxes,
``m_i ↦ m_i L(p_i, q_i) - w_i Σ_j m_j L(p_j, q_j)`` and ``w_i = L(e^x_i, e^r_i) / L(Σ e^x, Σ e^r)``. It is exact. As L
is concave and homogeneous, Σ w_i <= 1, so multipliers stay bounded by those that come in, whatever the reference.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lrp_audit.engine.graph import Node
from lrp_audit.engine.operators.activation import decay
from lrp_audit.engine.operators.table import Call, Multipliers, batched, operator, works_within_rows


def _within_rows(node: Node) -> bool:
    return batched(node) and works_within_rows(node, node.arguments["dim"])


def mean_weights(x: Tensor, r: Tensor, p: Tensor, q: Tensor, dims: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Weights ``w`` with ``Σ w (x - r) = lse(x) - lse(r)``; also ``x - r`` (0 where both are masked) and that rise."""
    run = x - r
    run = torch.where(torch.isnan(run), 0.0, run)
    rise = x.logsumexp(dims, keepdim=True) - r.logsumexp(dims, keepdim=True)
    scaled_p, scaled_q = p * torch.exp(rise.clamp(max=0)), q * torch.exp((-rise).clamp(max=0))
    return torch.maximum(scaled_p, scaled_q) * decay(run.abs()) / decay(rise.abs()), run, rise


def softmax_back(m: Tensor, x: Tensor, r: Tensor | None, p: Tensor, q: Tensor | None, dim: int) -> Tensor:
    """Multiplier of the logits from that of the probabilities."""
    if r is None or q is None:
        return p * (m - (m * p).sum(dim, keepdim=True))
    weights, run, rise = mean_weights(x, r, p, q, (dim,))
    inner = m * torch.maximum(p, q) * decay((run - rise).abs())
    return inner - weights * inner.sum(dim, keepdim=True)


@operator("softmax.int", "_softmax.default", kind="softmax", rowwise=_within_rows, leak="taylor")
def softmax(call: Call, m: Tensor) -> Multipliers:
    """See the module."""
    return {"self": softmax_back(m, call["self"], call.ref("self"), call.output, call.ref_output, call["dim"])}


@operator("log_softmax.int", "_log_softmax.default", kind="softmax", rowwise=_within_rows, leak="taylor")
def log_softmax(call: Call, m: Tensor) -> Multipliers:
    """``x - lse(x)``."""
    dim = call["dim"]
    return {"self": m - _mean_of_exponentials(call, (dim,)) * m.sum(dim, keepdim=True)}


@operator("logsumexp.default", kind="softmax", rowwise=batched, leak="taylor")
def logsumexp(call: Call, m: Tensor) -> Multipliers:
    """Its gradient, or the weights of the module's formula."""
    x = call["self"]
    dims = sorted(d % x.ndim for d in call["dim"])
    if not call["keepdim"]:
        for dim in dims:
            m = m.unsqueeze(dim)
    return {"self": m * _mean_of_exponentials(call, tuple(dims))}


def _mean_of_exponentials(call: Call, dims: tuple[int, ...]) -> Tensor:
    x, r = call["self"], call.ref("self")
    p = torch.exp(x - x.logsumexp(dims, keepdim=True))
    if r is None:
        return p
    return mean_weights(x, r, p, torch.exp(r - r.logsumexp(dims, keepdim=True)), dims)[0]


@operator("logaddexp.default", kind="softmax", rowwise=batched, leak="taylor")
def logaddexp(call: Call, m: Tensor) -> Multipliers:
    """`logsumexp` of two."""
    x = torch.stack(torch.broadcast_tensors(call["self"], call["other"]))
    weights = torch.softmax(x, 0)
    if call.reference is not None:
        r = torch.stack(torch.broadcast_tensors(call.ref("self"), call.ref("other")))
        weights = mean_weights(x, r, weights, torch.softmax(r, 0), (0,))[0]
    return {name: call.fit(m * w, name) for name, w in zip(("self", "other"), weights, strict=True) if call.wants(name)}


_ATTENTION = "scaled_dot_product_attention.default"


@operator(
    _ATTENTION,
    kind="attention",
    rowwise=batched,
    keeps=frozenset({"input"}),
    leak="taylor",
    held=("query", "key"),
    recorded=True,
)
def attention(call: Call, m: Tensor) -> Multipliers:
    """softmax(q kᵀ scale + mask) v: products halve relevance, so gradients of v count ½, those of q and k ¼.

    Where the attention weights are constant (CP-LRP) v gets it all.
    """
    if call.reference is not None:
        return _attention_from_reference(call, m)
    leaves, output = call.tape
    wanted = list(leaves)
    through_value = 0.5 if len(wanted) > 1 and "value" in wanted else 1.0
    through_weights = through_value * (0.5 if call.wants("query") and call.wants("key") else 1.0)
    gradients = torch.autograd.grad(output, list(leaves.values()), m)
    factors = [through_value if name == "value" else through_weights for name in wanted]
    return {name: g if f == 1 else g.mul_(f) for name, g, f in zip(wanted, gradients, factors, strict=True)}


def _attention_from_reference(call: Call, m: Tensor) -> Multipliers:
    """The same taken apart: product, softmax, product."""
    heads = call["query"].shape[-3]
    now = {name: _repeat_heads(call[name], heads) for name in ("query", "key", "value")}
    then = {name: _repeat_heads(call.ref(name), heads) for name in now}
    scale = now["query"].shape[-1] ** -0.5 if call["scale"] is None else call["scale"]
    x, r = (_scores(call, side["query"], side["key"], scale) for side in (now, then))
    p, q = torch.softmax(x, -1), torch.softmax(r, -1)
    query, key, value = ((now[name] + then[name]) * 0.5 for name in now)
    scores = softmax_back(m @ value.mT, x, r, p, q, -1) * scale
    found = {"query": scores @ key, "key": scores.mT @ query, "value": ((p + q) * 0.5).mT @ m}
    return {name: _merge_heads(found[name], call[name]) for name in found if call.wants(name)}


def _scores(call: Call, query: Tensor, key: Tensor, scale: float) -> Tensor:
    scores = (query @ key.mT) * scale
    mask = call["attn_mask"]
    if call["is_causal"]:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is None:
        return scores
    return scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask


def _repeat_heads(values: Tensor, heads: int) -> Tensor:
    """Grouped-query attention: every key and value head serves several query heads."""
    own = values.shape[-3]
    return values if own == heads else values.repeat_interleave(heads // own, -3)


def _merge_heads(m: Tensor, like: Tensor) -> Tensor:
    own = like.shape[-3]
    return m if m.shape[-3] == own else m.unflatten(-3, (own, -1)).sum(-3)
