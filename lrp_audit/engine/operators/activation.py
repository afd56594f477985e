"""Elementwise functions: the multiplier is the secant (f(x) - f(r)) / (x - r), by formulas that never divide noise.

Without a reference r = 0, and f(0) is a bias. Each formula was chosen so that its error is a few units in the last
place of f, also where x and r agree to the last digits and where both are large.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from lrp_audit.engine.graph import Node
from lrp_audit.engine.operators.table import Call, Leak, Multipliers, Operator, always, register

Secant = Callable[[Tensor, Tensor, Call], Tensor]


def above(x: Tensor, r: Tensor, kink: float | Tensor) -> Tensor:
    """Share of the interval between r and x that lies above the kink: the secant of max(x - kink, 0)."""
    high = torch.maximum(x, r)
    width = high - torch.minimum(x, r)
    share = ((high - kink) / width).clamp(0, 1)
    return torch.where(width == 0, (x > kink).to(share.dtype), share)


def ratio(numerator: Callable[[Tensor], Tensor], h: Tensor, limit: float = 1.0) -> Tensor:
    """``numerator(h) / h`` with its limit at 0."""
    return torch.where(h == 0, limit, numerator(h) / h)


def exp_secant(x: Tensor, r: Tensor) -> Tensor:
    """(eˣ - eʳ) / (x - r) = e^max (1 - e^-|x-r|) / |x-r|."""
    return torch.exp(torch.maximum(x, r)) * decay((x - r).abs())


def decay(h: Tensor) -> Tensor:
    """(1 - e⁻ʰ) / h for h >= 0."""
    return ratio(lambda h: -torch.expm1(-h), h)


def tanh_secant(x: Tensor, r: Tensor) -> Tensor:
    """Tanh x - tanh r = tanh(x - r) (1 - tanh x tanh r)."""
    return ratio(torch.tanh, x - r) * (1 - torch.tanh(x) * torch.tanh(r))


def sigmoid_secant(x: Tensor, r: Tensor) -> Tensor:
    """The sigmoid is ½ + ½ tanh(x/2)."""
    return 0.25 * tanh_secant(x * 0.5, r * 0.5)


def softplus_secant(x: Tensor, r: Tensor) -> Tensor:
    """log(1+eˣ): log1p(σ(max) expm1(-h)) for h = |x - r| <= 1, a plain quotient beyond (nothing cancels there)."""
    h = (x - r).abs()
    high = torch.maximum(x, r)
    near = ratio(lambda h: -torch.log1p(torch.sigmoid(high) * torch.expm1(-h)), h.clamp(max=1))
    far = (F.softplus(high, threshold=50) - F.softplus(torch.minimum(x, r), threshold=50)) / h
    return torch.where(h == 0, torch.sigmoid(high), torch.where(h <= 1, near, far))


def erf_secant(x: Tensor, r: Tensor) -> Tensor:
    """Quotient, or for close points the derivative at three Gauss nodes (error below h⁶ / 10⁴)."""
    h = x - r
    middle, offset = (x + r) * 0.5, h * (0.5 * math.sqrt(0.6))
    slopes = [torch.exp(-((middle + shift) ** 2)) for shift in (-offset, torch.zeros_like(h), offset)]
    near = (5 * slopes[0] + 8 * slopes[1] + 5 * slopes[2]) * (2 / (18 * math.sqrt(math.pi)))
    return torch.where(h.abs() < _NEAR, near, (torch.erf(x) - torch.erf(r)) / torch.where(h == 0, 1.0, h))


def log_secant(x: Tensor, r: Tensor, offset: float = 0.0) -> Tensor:
    """log(c + x) - log(c + r) = log1p((x - r) / (c + r)), for the smaller of the two as r."""
    low = offset + torch.minimum(x, r)
    return ratio(torch.log1p, (x - r).abs() / low) / low


def product_secant(f: Tensor, f_ref: Tensor, f_secant: Tensor, g: Tensor, g_ref: Tensor, g_secant: Tensor) -> Tensor:
    """Secant of f·g: each factor's secant times the other's midpoint."""
    return f_secant * ((g + g_ref) * 0.5) + g_secant * ((f + f_ref) * 0.5)


def gate_secant(x: Tensor, r: Tensor, gate: Tensor, gate_ref: Tensor, gate_secant: Tensor) -> Tensor:
    """Secant of x·g(x)."""
    return (gate + gate_ref) * 0.5 + gate_secant * ((x + r) * 0.5)


def _softplus(x: Tensor, r: Tensor, call: Call) -> Tensor:
    """Smooth below the threshold, the identity above it; between the two the quotient of the true values."""
    u, v = x * call["beta"], r * call["beta"]
    above_u, above_v = u > call["threshold"], v > call["threshold"]
    high, low = (torch.where(above, w, torch.nn.functional.softplus(w)) for above, w in ((above_u, u), (above_v, v)))
    across = (high - low) / torch.where(above_u == above_v, 1.0, u - v)
    return torch.where(above_u & above_v, 1.0, torch.where(above_u == above_v, softplus_secant(u, v), across))


def _mish(x: Tensor, r: Tensor, call: Call) -> Tensor:
    a, b = F.softplus(x, threshold=50), F.softplus(r, threshold=50)
    return gate_secant(x, r, torch.tanh(a), torch.tanh(b), tanh_secant(a, b) * softplus_secant(x, r))


def _silu(x: Tensor, r: Tensor, call: Call) -> Tensor:
    return gate_secant(x, r, torch.sigmoid(x), torch.sigmoid(r), sigmoid_secant(x, r))


def _gelu(x: Tensor, r: Tensor, call: Call) -> Tensor:
    if call["approximate"] == "tanh":
        scale, cubic = math.sqrt(2 / math.pi), 0.044715
        a, b = (scale * (v + cubic * v**3) for v in (x, r))
        inner = scale * (1 + cubic * (x * x + x * r + r * r))
        return 0.5 * (1 + gate_secant(x, r, torch.tanh(a), torch.tanh(b), tanh_secant(a, b) * inner))
    half = math.sqrt(0.5)
    gates = torch.erf(x * half), torch.erf(r * half)
    return 0.5 * (1 + gate_secant(x, r, *gates, half * erf_secant(x * half, r * half)))


def _elu(x: Tensor, r: Tensor, alpha: float, scale: float, input_scale: float) -> Tensor:
    positive = above(x, r, 0.0)
    exponential = exp_secant(x.clamp(max=0) * input_scale, r.clamp(max=0) * input_scale) * (alpha * input_scale)
    return scale * (positive + (1 - positive) * exponential)


def _hardswish(x: Tensor, r: Tensor, call: Call) -> Tensor:
    return gate_secant(x, r, F.hardsigmoid(x), F.hardsigmoid(r), _hardsigmoid(x, r, call))


def _hardsigmoid(x: Tensor, r: Tensor, call: Call) -> Tensor:
    return (above(x, r, -3.0) - above(x, r, 3.0)) / 6


def _clamp(x: Tensor, r: Tensor, low: float | Tensor | None, high: float | Tensor | None) -> Tensor:
    inside = torch.ones_like(x - r) if low is None else above(x, r, low)
    return inside if high is None else inside - above(x, r, high)


def _leaky(x: Tensor, r: Tensor, slope: float | Tensor) -> Tensor:
    return slope + (1 - slope) * above(x, r, 0.0)


def _prelu(x: Tensor, r: Tensor, call: Call) -> Tensor:
    weight = call["weight"]
    return _leaky(x, r, weight.reshape(-1, *[1] * (x.ndim - 2)) if weight.numel() > 1 else weight)


def _sine(x: Tensor, r: Tensor, call: Call) -> Tensor:
    return torch.cos((x + r) * 0.5) * ratio(torch.sin, (x - r) * 0.5)


def _cosine(x: Tensor, r: Tensor, call: Call) -> Tensor:
    return -torch.sin((x + r) * 0.5) * ratio(torch.sin, (x - r) * 0.5)


def power_secant(x: Tensor, r: Tensor, exponent: float) -> Tensor:
    """Secant of xᵖ: a polynomial for small whole p, conjugates for ½ and -½, e^(p log x) for positive x else."""
    if exponent == 0:
        return torch.zeros_like(x - r)
    if exponent < 0:
        return -power_secant(x, r, -exponent) / (x**-exponent * r**-exponent)
    if exponent == int(exponent) and exponent <= _SMALL_POWER:
        degree = int(exponent)
        return sum((x**i * r ** (degree - 1 - i) for i in range(degree)), torch.zeros_like(x - r))
    if exponent == 0.5:
        return 1 / (torch.sqrt(x) + torch.sqrt(r))
    low, high = torch.minimum(x, r), torch.maximum(x, r)
    growth = ratio(lambda h: torch.expm1(exponent * torch.log1p(h)), (high - low) / low, exponent)
    from_zero = high ** (exponent - 1)
    return torch.where(low == 0, from_zero, low ** (exponent - 1) * growth)


_NEAR = 0.05
_SMALL_POWER = 8

ZERO_AT_ZERO: dict[str, Secant] = {
    "relu.default": lambda x, r, call: above(x, r, 0.0),
    "leaky_relu.default": lambda x, r, call: _leaky(x, r, call["negative_slope"]),
    "prelu.default": _prelu,
    "elu.default": lambda x, r, call: _elu(x, r, call["alpha"], call["scale"], call["input_scale"]),
    "selu.default": lambda x, r, call: _elu(x, r, _SELU_ALPHA, _SELU_SCALE, 1.0),
    "celu.default": lambda x, r, call: _elu(x, r, call["alpha"], 1.0, 1 / call["alpha"]),
    "gelu.default": _gelu,
    "silu.default": _silu,
    "mish.default": _mish,
    "tanh.default": lambda x, r, call: tanh_secant(x, r),
    "erf.default": lambda x, r, call: erf_secant(x, r),
    "hardswish.default": _hardswish,
    "expm1.default": lambda x, r, call: exp_secant(x, r),
    "log1p.default": lambda x, r, call: log_secant(x, r, 1.0),
    "sin.default": _sine,
    "abs.default": lambda x, r, call: 2 * above(x, r, 0.0) - 1,
}
"""f(0) = 0: without a reference the multiplier is f(x) / x."""

OFFSET_AT_ZERO: dict[str, Secant] = {
    "sigmoid.default": lambda x, r, call: sigmoid_secant(x, r),
    "softplus.default": _softplus,
    "log_sigmoid.default": lambda x, r, call: softplus_secant(-x, -r),
    "hardsigmoid.default": _hardsigmoid,
    "hardtanh.default": lambda x, r, call: _clamp(x, r, call["min_val"], call["max_val"]),
    "relu6.default": lambda x, r, call: _clamp(x, r, 0.0, 6.0),
    "clamp.default": lambda x, r, call: _clamp(x, r, call["min"], call["max"]),
    "clamp_min.Tensor": lambda x, r, call: _clamp(x, r, call["min"], None),
    "clamp_max.Tensor": lambda x, r, call: _clamp(x, r, None, call["max"]),
    "clamp_min.default": lambda x, r, call: _clamp(x, r, call["min"], None),
    "clamp_max.default": lambda x, r, call: _clamp(x, r, None, call["max"]),
    "exp.default": lambda x, r, call: exp_secant(x, r),
    "cos.default": _cosine,
}
"""f(0) may differ from 0: it is a bias."""

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _pullback(secant: Secant, is_zero_at_zero: bool) -> Callable[[Call, Tensor], Multipliers]:
    def pull(call: Call, m: Tensor) -> Multipliers:
        name = _argument(call.node)
        x = call[name]
        if call.reference is not None:
            return {name: m * secant(x, call.ref(name), call)}
        zero = x.new_zeros((1,) * x.ndim)
        if not is_zero_at_zero:
            return {name: m * secant(x, zero, call)}
        return {name: _times(m, _quotient(call.output, x, lambda: secant(zero, zero, call)))}

    return pull


def _quotient(rise: Tensor, run: Tensor, limit: Callable[[], Tensor]) -> Tensor:
    """``rise / run``, and the limit where both are 0; looked for only if there is such a place."""
    found = rise / run
    return torch.where(run == 0, limit(), found) if torch.isnan(found.sum()) else found


def _times(m: Tensor, factor: Tensor) -> Tensor:
    """The product, in the memory of ``factor``, which nobody else reads."""
    return factor.mul_(m) if factor.shape == m.shape else factor * m


def _argument(node: Node) -> str:
    return "self" if "self" in node.arguments else "input"


def _relu(call: Call, m: Tensor) -> Multipliers:
    if call.reference is None:
        return {"self": torch.ops.aten.threshold_backward(m, call.output, 0)}
    x = call["self"]
    run = x - call.ref("self")
    return {"self": _times(m, _quotient(call.output - call.ref_output, run, lambda: (x > 0).to(x.dtype)))}


for _name, _secant in (ZERO_AT_ZERO | OFFSET_AT_ZERO).items():
    if _name == "relu.default":
        register(_name, Operator(_relu, "activation", always, keeps=frozenset({"output"}), leak=None))
    else:
        _leak: Leak | None = None if _name in ZERO_AT_ZERO else "bias"
        register(_name, Operator(_pullback(_secant, _name in ZERO_AT_ZERO), "activation", always, leak=_leak))
