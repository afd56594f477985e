"""Sums, products, quotients, powers, roots and reductions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lrp_audit.engine.graph import Node
from lrp_audit.engine.operators.activation import log_secant, power_secant
from lrp_audit.engine.operators.linear import MatrixTimes, MatrixTimesMat2, TimesMat2, TimesMatrix, layer_operator
from lrp_audit.engine.operators.table import (
    Call,
    Multipliers,
    Operator,
    always,
    batched,
    linear_vjp,
    operator,
    register,
    works_within_rows,
)
from lrp_audit.errors import UnsupportedOperatorError

_NOTHING: frozenset[str] = frozenset()


def _carry(call: Call, r: Tensor) -> Multipliers:
    """Adding a constant to codes (a column's offset) leaves each where it was."""
    return {name: call.fit(r, name) for name in ("self", "other") if call.wants(name)}


@operator("add.Tensor", "add.Scalar", kind="sum", rowwise=always, carry=_carry)
def add(call: Call, m: Tensor) -> Multipliers:
    """A residual addition hands the multiplier to both; a constant addend is booked."""
    found = {}
    if call.wants("self"):
        found["self"] = call.fit(m, "self")
    if call.wants("other"):
        found["other"] = call.fit(_scaled(m, call["alpha"]), "other")
    return found


@operator("sub.Tensor", "sub.Scalar", kind="sum", rowwise=always, carry=_carry)
def sub(call: Call, m: Tensor) -> Multipliers:
    """As addition of the negative."""
    found = {}
    if call.wants("self"):
        found["self"] = call.fit(m, "self")
    if call.wants("other"):
        found["other"] = call.fit(_scaled(m, -call["alpha"]), "other")
    return found


@operator("rsub.Scalar", "rsub.Tensor", kind="sum", rowwise=always)
def rsub(call: Call, m: Tensor) -> Multipliers:
    """``other - α self``."""
    found = {"self": call.fit(_scaled(m, -call["alpha"]), "self")} if call.wants("self") else {}
    if call.wants("other"):
        found["other"] = call.fit(m, "other")
    return found


def _scaled(m: Tensor, factor: float) -> Tensor:
    return m if factor == 1 else m * factor


@operator("neg.default", kind="sum", rowwise=always, keeps=_NOTHING, leak=None)
def neg(call: Call, m: Tensor) -> Multipliers:
    """Linear."""
    return {"self": -m}


@operator("mul.Tensor", "mul.Scalar", kind="product", rowwise=always, leak=None)
def mul(call: Call, m: Tensor) -> Multipliers:
    """Each path factor gets the other one's midpoint; with no reference that is ½ each (AttnLRP, Prop. 3.2)."""
    if call.wants("self") and call.wants("other"):
        half = _half(call, m)
        a, b = call.middle("self"), call.middle("other")
        return {"self": call.fit(half * b, "self"), "other": call.fit(half * a, "other")}
    path, factor = ("self", "other") if call.wants("self") else ("other", "self")
    return {path: call.fit(m * call[factor], path)}


def _half(call: Call, m: Tensor) -> Tensor:
    """Without a reference half a product's relevance goes to each factor; with one the midpoints already halve it."""
    return m * 0.5 if call.reference is None else m


@operator("div.Tensor", "div.Scalar", kind="product", rowwise=always, leak=None)
def div(call: Call, m: Tensor) -> Multipliers:
    """``a / b``: a times the reciprocal; a path divisor needs a reference (1/0 has no value to start from)."""
    found = {}
    if not call.wants("other"):
        return {"self": call.fit(m / call["other"], "self")}
    if call.reference is None:
        raise needs_reference(call)
    b, b_ref = call["other"], call.ref("other")
    if call.wants("self"):
        found["self"] = call.fit(m * ((1 / b + 1 / b_ref) * 0.5), "self")
        numerator = call.middle("self")
    else:
        numerator = call["self"]
    found["other"] = call.fit(m * numerator / (-b * b_ref), "other")
    return found


def needs_reference(call: Call) -> UnsupportedOperatorError:
    """The error for functions without a finite value at zero."""
    return UnsupportedOperatorError(
        f"Without a reference there is no rule outside a norm for {call.node.describe()}; give a reference."
    )


def _unary(secant: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Call, Tensor], Multipliers]:
    """A function that is infinite or undefined at zero: only with a reference."""

    def pull(call: Call, m: Tensor) -> Multipliers:
        if call.reference is None:
            raise needs_reference(call)
        return {"self": m * secant(call["self"], call.ref("self"))}

    return pull


_SINGULAR_AT_ZERO: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "log.default": log_secant,
    "log2.default": lambda x, r: log_secant(x, r) * 1.4426950408889634,
    "log10.default": lambda x, r: log_secant(x, r) * 0.43429448190325176,
    "rsqrt.default": lambda x, r: power_secant(x, r, -0.5),
    "reciprocal.default": lambda x, r: -1 / (x * r),
}
for _name, _secant in _SINGULAR_AT_ZERO.items():
    register(_name, Operator(_unary(_secant), "function", always, leak="bias"))


@operator("sqrt.default", kind="function", rowwise=always, leak=None)
def sqrt(call: Call, m: Tensor) -> Multipliers:
    """√x - √r = (x - r) / (√x + √r)."""
    below = call.output if call.reference is None else call.output + call.ref_output
    return {"self": torch.where(below == 0, 0.0, m / below)}


@operator("pow.Tensor_Scalar", kind="function", rowwise=always, leak="bias")
def power(call: Call, m: Tensor) -> Multipliers:
    """Secant of xᵖ."""
    exponent = call["exponent"]
    x = call["self"]
    if call.reference is not None:
        return {"self": m * power_secant(x, call.ref("self"), exponent)}
    if exponent <= 0:
        raise needs_reference(call)
    return {"self": m * torch.where(x == 0, 0.0, call.output / x)}


@operator("mean.dim", "mean.default", kind="reduction", rowwise=batched, leak=None)
def mean(call: Call, m: Tensor) -> Multipliers:
    """Linear: every element gets its share."""
    shape = call["self"].shape
    spread = _respread(call, m)
    return {"self": spread / (_count(shape) / _count(call.output.shape))}


@operator("sum.dim_IntList", "sum.default", kind="reduction", rowwise=batched, leak=None)
def total(call: Call, m: Tensor) -> Multipliers:
    """Linear."""
    return {"self": _respread(call, m)}


def _count(shape: Any) -> int:
    count = 1
    for size in shape:
        count *= int(size)
    return max(count, 1)


def _respread(call: Call, m: Tensor) -> Tensor:
    """Repeat a reduced value along the dimensions it was reduced over."""
    shape = call["self"].shape
    dims = call["dim"] if call.node.arguments.get("dim") else None
    if dims is not None and not call["keepdim"]:
        for dim in sorted(d % len(shape) for d in dims):
            m = m.unsqueeze(dim)
    rows = m.shape[0] if call.rowwise else shape[0]
    return m.expand(rows, *shape[1:]) if len(shape) else m


@operator("var.correction", "std.correction", kind="function", leak="constant")
def spread(call: Call, m: Tensor) -> Multipliers:
    """Variance as mean of squares of the centred values; the standard deviation is its root."""
    if call.reference is None and "std" in call.node.operator:
        raise needs_reference(call)
    x = call["self"]
    dims = [d % x.ndim for d in call["dim"]] if call["dim"] is not None else list(range(x.ndim))
    count = _count([x.shape[d] for d in dims])
    correction = 1 if call["correction"] is None else call["correction"]
    centred = x - x.mean(dims, keepdim=True)
    both = centred
    if call.reference is not None:
        r = call.ref("self")
        both = centred + r - r.mean(dims, keepdim=True)
        if "std" in call.node.operator:
            both_scales = call.output + call.ref_output
            m = torch.where(both_scales == 0, 0.0, m / both_scales)
    if not call["keepdim"]:
        for dim in sorted(dims):
            m = m.unsqueeze(dim)
    scaled = m * both / (count - correction)
    return {"self": scaled - scaled.mean(dims, keepdim=True)}


@operator(
    "cumsum.default",
    kind="reduction",
    rowwise=lambda node: batched(node) and works_within_rows(node, node.arguments["dim"]),
)
def cumsum(call: Call, m: Tensor) -> Multipliers:
    """Linear."""
    return linear_vjp(call, m, ["self"])


@operator("where.self", "where.ScalarSelf", "where.ScalarOther", kind="choice", rowwise=always)
def where(call: Call, m: Tensor) -> Multipliers:
    """The chosen branch gets it all; the condition is a constant of the instance."""
    chosen = {"self": call["condition"], "other": ~call["condition"]}
    return {name: call.fit(torch.where(mask, m, 0.0), name) for name, mask in chosen.items() if call.wants(name)}


@operator("masked_fill.Scalar", "masked_fill.Tensor", kind="choice", rowwise=always)
def masked_fill(call: Call, m: Tensor) -> Multipliers:
    """As `where`; the value filled in is a constant."""
    return {"self": call.fit(torch.where(call["mask"], 0.0, m), "self")}


# --- matrix products --------------------------------------------------------------------------------------------------


def _matrix_product(first: str, second: str) -> Callable[[Call, Tensor], Multipliers]:
    def pull(call: Call, m: Tensor) -> Multipliers:
        """``A B`` with both on the path: as the elementwise product (AttnLRP, Prop. 3.3)."""
        half = _half(call, m)
        a, b = call.middle(first), call.middle(second)
        if a.ndim == 1 or b.ndim == 1:
            return _vector_product(call, half, a, b)
        return {first: call.fit(half @ b.mT, first), second: call.fit(a.mT @ half, second)}

    return pull


def _vector_product(call: Call, half: Tensor, a: Tensor, b: Tensor) -> Multipliers:
    with torch.enable_grad():
        left, right = a.detach().requires_grad_(), b.detach().requires_grad_()
        grads = torch.autograd.grad(left @ right, [left, right], half)
    return {"self": grads[0], "other": grads[1]}


def _choose(product: Operator, times: Operator, from_left: Operator, first: str, second: str) -> Any:
    def choice(wanted: Mapping[str, Any]) -> Operator:
        if wanted.get(first) and wanted.get(second):
            return product
        return times if wanted.get(first) else from_left

    return choice


def _has_own_matrix(node: Node) -> bool:
    return node.rows == 0 and len(node.shape or ()) > 2


for _names, _second, _right, _left in (
    (("matmul.default",), "other", TimesMatrix, MatrixTimes),
    (("mm.default", "bmm.default"), "mat2", TimesMat2, MatrixTimesMat2),
):
    _product = Operator(_matrix_product("self", _second), "product", _has_own_matrix, leak=None)
    register(
        _names,
        _choose(_product, layer_operator(_right, "linear"), layer_operator(_left, "linear"), "self", _second),
    )


@operator("transformers.grouped_mm_fallback.default", kind="experts")
def grouped_matmul(call: Call, m: Tensor) -> Multipliers:
    """A matrix per expert for consecutive rows; which expert a row goes to is a constant of the instance."""
    return linear_vjp(call, m, ["input"])


@operator("_grouped_mm.default", kind="experts")
def grouped_mm(call: Call, m: Tensor) -> Multipliers:
    """As `grouped_matmul`."""
    return linear_vjp(call, m, ["self"])
