"""The propagation rules. Each is a small frozen class that acts on any linear map through `LinearLayer`.

In multiplier form: ``m_k`` belongs to the output ``z_k``, so its relevance is ``R_k = m_k z_k``, and a rule returns
``m_j`` with ``R_j = m_j x_j``. No rule divides by an input. ``st(z) = z + ε sign(z)`` with sign(0) = +1; ``u⁺`` and
``u⁻`` are the positive and the negative part. With a reference ``x`` and ``z`` stand for the differences Δx and Δz and
there is no bias.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from lrp_audit.engine.layer import LinearLayer
from lrp_audit.errors import RuleError

Sinks = dict[str, Tensor]
"""Sink name -> relevance that the rule does not pass on, per output element or summed over units."""


@dataclass(frozen=True)
class Rule(ABC):
    """Base of all rules.

    Attributes:
        keeps: what the rule reads of a layer without a reference: "input", "output".
        delivers: the rule gives relevance (not a multiplier) to a source, so it fits only the first layer after one.
        exact: with a reference the sum is promised.
    """

    keeps: ClassVar[frozenset[str]] = frozenset({"input", "output"})
    delivers: ClassVar[bool] = False

    @abstractmethod
    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """Multiplier of the layer's input; its relevance where the rule ``delivers``."""

    def sinks(self, m: Tensor, layer: LinearLayer) -> Sinks:
        """Closed forms of what is not passed on."""
        return {} if layer.bias is None else {"bias": layer.bias_share(m)}


def stabilise(z: Tensor, epsilon: float) -> Tensor:
    """``z + ε sign(z)`` with sign(0) = +1."""
    return torch.where(z < 0, z - epsilon, z + epsilon)  # a tensor of ±ε alone would be of single precision


@dataclass(frozen=True)
class LRP0(Rule):
    """``m_j = Σ_k w_jk m_k``: contributions in proportion to ``x_j w_jk`` (Bach et al. 2015, eq. 56 with ε = 0)."""

    keeps: ClassVar[frozenset[str]] = frozenset()

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class."""
        return layer.transpose(m, layer.weight())


@dataclass(frozen=True)
class Epsilon(Rule):
    """``m_j = Σ_k w_jk m_k |z_k| / (|z_k| + ε)`` (Bach et al. 2015, eq. 58).

    Attributes:
        epsilon: the stabiliser; absolute, or with ``relative`` a multiple of the mean ``|z|`` of that row's units in
            the layer (never of other rows).
    """

    epsilon: float = 1e-6
    relative: bool = False
    keeps: ClassVar[frozenset[str]] = frozenset({"output"})

    def __post_init__(self) -> None:
        """Check the parameter."""
        _require(self.epsilon >= 0, f"epsilon must not be negative, not {self.epsilon}")

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class."""
        return layer.transpose(self._damped(m, layer), layer.weight())

    def sinks(self, m: Tensor, layer: LinearLayer) -> Sinks:
        """Bias share and stabiliser share."""
        damped = self._damped(m, layer)
        bias = {} if layer.bias is None else {"bias": layer.bias_share(damped)}
        return {**bias, "stabiliser": (m - damped) * layer.z}

    def _damped(self, m: Tensor, layer: LinearLayer) -> Tensor:
        if self.epsilon == 0:
            return m
        size = layer.z.abs()
        if not self.relative:
            return torch.addcdiv(m, m, size.add_(self.epsilon), value=-self.epsilon)
        epsilon = self.epsilon * size.mean(layer.unit_dims, keepdim=True)
        return m * torch.where(size > 0, size / (size + epsilon), 0.0)


@dataclass(frozen=True)
class Gamma(Rule):
    """Generalised γ (Montavon et al. 2019, section 10.2.3; for signed inputs Andéol et al. 2021).

    Contributions of the output's own sign count ``1 + γ`` times: ``m_j = Σ_k w^γ_jk m_k z_k / st(z^γ_k)`` with
    ``z^γ = z + γ z⁺`` where ``z > 0`` and ``z + γ z⁻`` where ``z < 0``; ``w^γ`` follows the sign of ``x_j``.
    ``z^γ`` has the sign of ``z`` and the size ``(1 + γ/2) |z| + γ/2 Σ |x w|``, so with ``s = m z / st(z^γ)`` and
    ``t = s sign(z)`` the four cases collapse to ``(1 + γ/2) Wᵀs + γ/2 sign(x) |W|ᵀt``. No stabiliser is needed where
    there is no bias: with a reference there is none, and the sum is exact.
    """

    gamma: float = 0.25
    stabiliser: float = 1e-6

    def __post_init__(self) -> None:
        """Check the parameters."""
        _require(self.gamma >= 0, f"gamma must not be negative, not {self.gamma}")
        _require(self.stabiliser >= 0, f"the stabiliser must not be negative, not {self.stabiliser}")

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class."""
        scale, half = self._scale(m, layer), self.gamma / 2
        z, x = layer.z, layer.x
        lifted = layer.transpose(scale * z, layer.weight("absolute"))
        if not layer.is_nonnegative:
            lifted = lifted.mul_(x.sign())
        return layer.transpose(scale.mul_(z.abs()), layer.weight()).mul_(1 + half).add_(lifted, alpha=half)

    def sinks(self, m: Tensor, layer: LinearLayer) -> Sinks:
        """Bias share (lifted where it has the output's sign) and stabiliser share."""
        z, bias = layer.z, layer.bias
        scale = self._scale(m, layer)
        sinks = {"stabiliser": m * z - scale * z * self._size(layer)}
        if bias is not None:
            own_sign = torch.where(z < 0, bias.clamp(max=0), bias.clamp(min=0))
            sinks["bias"] = scale * z.abs() * (bias + self.gamma * own_sign)
        return sinks

    def _size(self, layer: LinearLayer) -> Tensor:
        """``|z^γ|``."""
        return layer.size().mul_(self.gamma / 2).add_(layer.z.abs(), alpha=1 + self.gamma / 2)

    def _scale(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """``m / (|z^γ| + ε)``."""
        size = self._size(layer)
        if layer.is_difference:
            return m / size.masked_fill_(size == 0, 1.0)  # then z is 0 too
        return m / size.add_(self.stabiliser)


@dataclass(frozen=True)
class AlphaBeta(Rule):
    """``α`` times the positive contributions less ``β`` times the negative, ``α - β = 1`` (Bach et al. 2015, eq. 60).

    ``m_j = Σ_k α (w_jk where x_j w_jk > 0) m_k z_k / st(z⁺_k) - β (w_jk where x_j w_jk < 0) m_k z_k / st(z⁻_k)``. An
    output with only positive contributions passes on ``α R``, one with only negative ones ``-β R``: the ledger books
    the difference under "remainder".
    """

    alpha: float = 2.0
    beta: float = 1.0
    stabiliser: float = 1e-6

    def __post_init__(self) -> None:
        """Check the parameters."""
        tolerance = 1e-12
        _require(
            self.alpha >= 0 and self.beta >= 0, f"alpha and beta must not be negative, not {self.alpha}, {self.beta}"
        )
        _require(abs(self.alpha - self.beta - 1) < tolerance, f"alpha - beta must be 1, not {self.alpha - self.beta}")
        _require(self.stabiliser >= 0, f"the stabiliser must not be negative, not {self.stabiliser}")

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class."""
        positive, negative = self._shares(m, layer, layer.positive(), layer.negative())
        return _by_sign(layer, positive, negative)

    def sinks(self, m: Tensor, layer: LinearLayer) -> Sinks:
        """Bias shares, stabiliser shares, and what an empty side loses or doubles."""
        relevance = m * layer.z
        sides = layer.positive(), layer.negative()
        shares = self._shares(m, layer, *sides)
        sinks = {"stabiliser": torch.zeros_like(relevance), "remainder": torch.zeros_like(relevance)}
        for weight, side, share in zip((self.alpha, -self.beta), sides, shares, strict=True):
            kept_back = weight * relevance - share * side
            sinks["stabiliser"] += torch.where(side == 0, 0.0, kept_back)
            sinks["remainder"] += torch.where(side == 0, kept_back, 0.0)
        if layer.bias is not None:
            sinks["bias"] = shares[0] * layer.bias.clamp(min=0) + shares[1] * layer.bias.clamp(max=0)
        return sinks

    def _shares(self, m: Tensor, layer: LinearLayer, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
        relevance = m * layer.z
        share = self.alpha * relevance / (positive + self.stabiliser)
        return share, relevance.mul_(-self.beta) / (negative - self.stabiliser)


@dataclass(frozen=True)
class ZPlus(AlphaBeta):
    """Positive contributions only: αβ with α = 1, β = 0 (Montavon et al. 2017, eq. 16, extended to signed inputs).

    An output with only negative contributions passes nothing on; the ledger books it under "remainder".
    """

    alpha: float = 1.0
    beta: float = 0.0

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class."""
        positive = layer.positive().add_(self.stabiliser)
        return _by_sign(layer, torch.div(m * layer.z, positive, out=positive), None)


def _by_sign(layer: LinearLayer, positive: Tensor, negative: Tensor | None) -> Tensor:
    """Send one share back along contributions ``x_j w_jk > 0`` and the other along ``x_j w_jk < 0``.

    For a non-negative input (a ReLU layer's output; looked up each time) these are simply the two signs of the weight.
    """
    for_positive = layer.transpose(positive, layer.weight("positive"))
    if negative is not None:
        for_positive += layer.transpose(negative, layer.weight("negative"))
    if layer.is_nonnegative:
        return for_positive
    for_negative = layer.transpose(positive, layer.weight("negative"))
    if negative is not None:
        for_negative += layer.transpose(negative, layer.weight("positive"))
    return torch.where(layer.x < 0, for_negative, for_positive)


@dataclass(frozen=True)
class _Delivering(Rule):
    """A rule whose shares do not depend on ``x_j`` alone, so relevance itself goes straight to a source."""

    stabiliser: float = 1e-6
    delivers: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the parameter."""
        _require(self.stabiliser >= 0, f"the stabiliser must not be negative, not {self.stabiliser}")

    def sinks(self, m: Tensor, layer: LinearLayer) -> Sinks:
        """Stabiliser share and, where the rule divides by it, the bias share."""
        relevance = m * layer.z
        denominator, bias = self._denominator(layer)
        share = relevance / stabilise(denominator, self.stabiliser)
        sinks = {"stabiliser": relevance - share * denominator}
        return sinks if bias is None else {**sinks, "bias": share * bias}

    def _share(self, m: Tensor, layer: LinearLayer) -> Tensor:
        return m * layer.z / stabilise(self._denominator(layer)[0], self.stabiliser)

    @abstractmethod
    def _denominator(self, layer: LinearLayer) -> tuple[Tensor, Tensor | None]:
        """Sum of all shares of an output, and the part of it that is the bias's."""


@dataclass(frozen=True)
class Flat(_Delivering):
    """Equal shares to all inputs of an output, whatever weights and values (Lapuschkin et al. 2019)."""

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class."""
        return layer.transpose(self._share(m, layer), layer.weight("ones"))

    def _denominator(self, layer: LinearLayer) -> tuple[Tensor, Tensor | None]:
        return layer.apply(torch.ones_like(layer.x), layer.weight("ones")), None


@dataclass(frozen=True)
class WSquare(_Delivering):
    """``R_j = Σ_k w_jk² R_k / Σ_j' (w_j'k² + b_k²)`` (Montavon et al. 2017, eq. 12)."""

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class."""
        return layer.transpose(self._share(m, layer), layer.weight("square"))

    def _denominator(self, layer: LinearLayer) -> tuple[Tensor, Tensor | None]:
        size = layer.apply(torch.ones_like(layer.x), layer.weight("square"))
        return (size, None) if layer.bias is None else (size + layer.bias**2, layer.bias**2)


@dataclass(frozen=True)
class ZBox(_Delivering):
    """Inputs in a box ``[low, high]``: shares ``x_j w_jk - low_j w⁺_jk - high_j w⁻_jk`` (Montavon et al. 2017, eq. 20).

    Attributes:
        low, high: lowest and highest possible input value; numbers, or nested tuples that broadcast against one row.
    """

    low: float | tuple[float, ...] = 0.0
    high: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        """Check the parameters; tensors become nested tuples."""
        super().__post_init__()
        for name in ("low", "high"):
            object.__setattr__(self, name, _nested_tuple(getattr(self, name)))
        _require(bool((torch.tensor(self.low) <= torch.tensor(self.high)).all()), "low must not exceed high")

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class."""
        share = self._share(m, layer)
        low, high = self._box(layer)
        inside = layer.transpose(share, layer.weight()) * layer.x
        below = layer.transpose(share, layer.weight("positive")) * low
        return inside - below - layer.transpose(share, layer.weight("negative")) * high

    def _denominator(self, layer: LinearLayer) -> tuple[Tensor, Tensor | None]:
        low, high = (bound.expand_as(layer.x) for bound in self._box(layer))
        inside = layer.z if layer.bias is None else layer.z - layer.bias
        return inside - layer.apply(low, layer.weight("positive")) - layer.apply(high, layer.weight("negative")), None

    def _box(self, layer: LinearLayer) -> tuple[Tensor, Tensor]:
        dtype, device = layer.x.dtype, layer.x.device
        low, high = (torch.tensor(bound, dtype=dtype, device=device) for bound in (self.low, self.high))
        return low, high


@dataclass(frozen=True)
class Pass(Rule):
    """Hand relevance on unchanged. On an activation this is its ordinary rule; a linear layer must keep its shape."""

    delivers: ClassVar[bool] = True

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class."""
        layer.require_shape_kept()
        return m * layer.z

    def sinks(self, m: Tensor, layer: LinearLayer) -> Sinks:
        """Nothing is kept back."""
        return {}


@dataclass(frozen=True)
class Zero(Rule):
    """Stop relevance here; the ledger books it under "stopped"."""

    keeps: ClassVar[frozenset[str]] = frozenset()

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class; the pass never asks for it."""
        raise AssertionError("relevance stops before this layer")


@dataclass(frozen=True)
class Constant(Rule):
    """Treat the operator's result as a constant of the instance: for attention the weights; all goes to the values.

    CP-LRP (Ali et al. 2022) is LRP with this rule on softmax and attention.
    """

    keeps: ClassVar[frozenset[str]] = frozenset()

    def back(self, m: Tensor, layer: LinearLayer) -> Tensor:
        """See the class; the pass never asks for it."""
        raise AssertionError("a constant passes nothing on")


def _nested_tuple(value: Any) -> Any:
    if isinstance(value, Tensor):
        value = value.tolist()
    return tuple(_nested_tuple(item) for item in value) if isinstance(value, list | tuple) else float(value)


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise RuleError(problem[0].upper() + problem[1:] + ".")
