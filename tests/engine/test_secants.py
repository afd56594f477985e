"""Secants of elementwise functions against 60-digit arithmetic, for points that nearly coincide and for large ones."""

from collections.abc import Callable, Mapping

import mpmath as mp
import pytest
import torch
from torch import Tensor

from lrp_audit.engine.operators.activation import OFFSET_AT_ZERO, ZERO_AT_ZERO, log_secant, power_secant
from lrp_audit.engine.operators.attention import mean_weights, softmax_back

DIGITS = 60
POINTS = (-900.0, -30.0, -3.0, -1.0, -0.7, -1e-3, 0.0, 1e-9, 0.5, 0.7, 1.0, 2.9, 6.0, 17.0, 900.0)
GAPS = (0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-4, 0.03, 0.4, 1.0, 7.0, 40.0)
Exact = Callable[[mp.mpf], mp.mpf]


def relu(x: mp.mpf) -> mp.mpf:
    return max(x, mp.mpf(0))


def softplus(x: mp.mpf) -> mp.mpf:
    return mp.log1p(mp.exp(x))


def sigmoid(x: mp.mpf) -> mp.mpf:
    return 1 / (1 + mp.exp(-x))


def elu(alpha: float, scale: float = 1.0, inner: float = 1.0) -> Exact:
    return lambda x: mp.mpf(scale) * (x if x > 0 else mp.mpf(alpha) * mp.expm1(x * mp.mpf(inner)))


def clamp(low: float, high: float) -> Exact:
    return lambda x: min(max(x, mp.mpf(low)), mp.mpf(high))


def gelu_tanh(x: mp.mpf) -> mp.mpf:
    return x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3)))


SELU = (1.6732632423543772848170429916717, 1.0507009873554804934193349852946)
FUNCTIONS: Mapping[str, tuple[Exact, Mapping[str, object]]] = {
    "relu.default": (relu, {}),
    "leaky_relu.default": (lambda x: x if x > 0 else x * mp.mpf(0.01), {"negative_slope": 0.01}),
    "elu.default": (elu(1.3), {"alpha": 1.3, "scale": 1.0, "input_scale": 1.0}),
    "selu.default": (elu(*SELU), {}),
    "celu.default": (elu(0.5, 1.0, 2.0), {"alpha": 0.5}),
    "gelu.default": (lambda x: x * mp.ncdf(x), {"approximate": "none"}),
    "silu.default": (lambda x: x * sigmoid(x), {}),
    "mish.default": (lambda x: x * mp.tanh(softplus(x)), {}),
    "tanh.default": (mp.tanh, {}),
    "erf.default": (mp.erf, {}),
    "sin.default": (mp.sin, {}),
    "cos.default": (mp.cos, {}),
    "abs.default": (abs, {}),
    "hardswish.default": (lambda x: x * clamp(0, 6)(x + 3) / 6, {}),
    "sigmoid.default": (sigmoid, {}),
    "softplus.default": (softplus, {"beta": 1.0, "threshold": 20.0}),
    "log_sigmoid.default": (lambda x: -softplus(-x), {}),
    "hardsigmoid.default": (lambda x: clamp(0, 6)(x + 3) / 6, {}),
    "hardtanh.default": (clamp(-0.7, 1.0), {"min_val": -0.7, "max_val": 1.0}),
    "relu6.default": (clamp(0, 6), {}),
    "clamp.default": (clamp(-0.7, 1.0), {"min": -0.7, "max": 1.0}),
    "clamp_min.default": (lambda x: max(x, mp.mpf(-0.7)), {"min": -0.7}),
    "clamp_max.default": (lambda x: min(x, mp.mpf(0.7)), {"max": 0.7}),
    "gelu.default tanh": (gelu_tanh, {"approximate": "tanh"}),
}
GROWING = {"exp.default": mp.exp, "expm1.default": mp.expm1}
TABLE = {**ZERO_AT_ZERO, **OFFSET_AT_ZERO}


def exact_secant(function: Exact, x: float, r: float) -> float:
    with mp.workdps(DIGITS):
        if x == r:  # the derivative, from the left at a kink
            step = mp.mpf(10) ** -25
            return float((function(mp.mpf(x)) - function(mp.mpf(x) - step)) / step)
        return float((function(mp.mpf(x)) - function(mp.mpf(r))) / (mp.mpf(x) - mp.mpf(r)))


def pairs(points: tuple[float, ...] = POINTS) -> list[tuple[float, float]]:
    found = [(x + sign * gap, x) for x in points for gap in GAPS for sign in (1.0, -1.0)]
    return [*found, (900.0, -900.0), (-900.0, 900.0), (30.0, -1.0), (0.5, -3.0)]


def compare(secant: Callable[[Tensor, Tensor], Tensor], function: Exact, points: list[tuple[float, float]]) -> None:
    x, r = (torch.tensor(side, dtype=torch.float64) for side in zip(*points, strict=True))
    expected = torch.tensor([exact_secant(function, *pair) for pair in points], dtype=torch.float64)
    torch.testing.assert_close(secant(x, r), expected, rtol=2e-9, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_secant(name: str) -> None:
    function, parameters = FUNCTIONS[name]
    secant = TABLE[name.removesuffix(" tanh")]
    compare(lambda x, r: secant(x, r, parameters) + torch.zeros_like(x), function, pairs())


@pytest.mark.parametrize("name", GROWING)
def test_secant_of_a_growing_function(name: str) -> None:
    points = pairs(tuple(p for p in POINTS if abs(p) < 100))[:-4]
    compare(lambda x, r: TABLE[name](x, r, {}), GROWING[name], points)


@pytest.mark.parametrize("exponent", [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 7.0])
def test_secant_of_a_power(exponent: float) -> None:
    points = [(x, r) for x, r in pairs((1e-6, 0.3, 1.0, 17.0, 900.0)) if x > 0 and r > 0]
    compare(lambda x, r: power_secant(x, r, exponent), lambda x: x ** mp.mpf(exponent), points)


def test_secant_of_the_logarithm() -> None:
    points = [(x, r) for x, r in pairs((1e-6, 0.3, 1.0, 17.0, 900.0)) if x > 0 and r > 0]
    compare(log_secant, mp.log, points)
    beyond = [(x, r) for x, r in pairs((-0.5, 0.0, 1e-9, 3.0)) if x > -1 and r > -1][:-4]
    compare(lambda x, r: TABLE["log1p.default"](x, r, {}), mp.log1p, beyond)


def test_every_elementwise_function_is_compared() -> None:
    elsewhere = {"prelu.default", "log1p.default", "clamp_min.Tensor", "clamp_max.Tensor", *GROWING}
    assert {name.removesuffix(" tanh") for name in FUNCTIONS} == TABLE.keys() - elsewhere


@pytest.mark.parametrize("spread", [1e-12, 1e-6, 1.0, 30.0, 400.0])
@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_softmax_is_exact_and_bounded(spread: float, shift: float) -> None:
    """Also where logits differ by hundreds, or all of them by a thousand."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(50, 7, generator=draw, dtype=torch.float64) * min(spread * 10, 30)
    r = x + spread * torch.randn(50, 7, generator=draw, dtype=torch.float64) + shift
    m = torch.randn(50, 7, generator=draw, dtype=torch.float64)
    p, q = x.softmax(-1), r.softmax(-1)
    found = softmax_back(m, x, r, p, q, -1)
    exact = (m * (p - q)).sum(-1)
    terms = (found * (x - r)).abs().sum(-1)
    assert (((found * (x - r)).sum(-1) - exact).abs() <= 1e-12 * (1 + terms)).all()
    assert (found.abs().sum(-1) <= 2 * (m.abs() * torch.maximum(p, q)).sum(-1) * (1 + 1e-9)).all()


def test_weights_of_log_sum_exp_are_a_mean() -> None:
    draw = torch.Generator().manual_seed(1)
    x, r = (10 * torch.randn(50, 7, generator=draw, dtype=torch.float64) for _ in range(2))
    weights, run, rise = mean_weights(x, r, x.softmax(-1), r.softmax(-1), (-1,))
    torch.testing.assert_close((weights * run).sum(-1), rise[:, 0], rtol=1e-12, atol=1e-12)
    assert (weights >= 0).all()
    assert (weights.sum(-1) <= 1 + 1e-12).all()
