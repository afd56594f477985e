"""Linear maps that rules act on: dense layers, convolutions, products with a constant matrix, average pooling."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from lrp_audit.engine.layer import LinearLayer
from lrp_audit.engine.operators.table import Call, Multipliers, Operator, batched, linear_vjp, register
from lrp_audit.engine.rules import Rule
from lrp_audit.errors import RuleError, UnsupportedOperatorError

aten = torch.ops.aten

_PARTS = {
    "weight": lambda w: w,
    "absolute": torch.abs,
    "positive": lambda w: w.clamp(min=0),
    "negative": lambda w: w.clamp(max=0),
    "square": torch.square,
    "ones": torch.ones_like,
}


class CallLayer(LinearLayer):
    """A `LinearLayer` over one operator application. ``x``, ``z`` and ``bias`` are computed when a rule asks."""

    input_name = "input"
    weight_name = "weight"
    bias_name: str | None = "bias"
    unit_dims = (-1,)

    def __init__(self, call: Call) -> None:
        self.call = call
        if call.wants(self.weight_name) or (self.bias_name is not None and call.wants(self.bias_name)):
            raise UnsupportedOperatorError(f"No rule for weights that depend on the input: {call.node.describe()}.")

    @property
    def is_difference(self) -> bool:  # type: ignore[override]
        """Whether there is a reference."""
        return self.call.reference is not None

    @cached_property
    def x(self) -> Tensor:  # type: ignore[override]
        """Input, or its difference from the reference."""
        return self.call.delta(self.input_name)

    @cached_property
    def z(self) -> Tensor:  # type: ignore[override]
        """Output, or its difference from the reference."""
        return self.call.output_delta

    @cached_property
    def bias(self) -> Tensor | None:  # type: ignore[override]
        """Bias in the shape of one row of the output; none with a reference, where it cancels."""
        if self.bias_name is None or self.call.reference is not None or self.call[self.bias_name] is None:
            return None
        return self.shaped_bias(self.call[self.bias_name])

    def shaped_bias(self, bias: Tensor) -> Tensor:
        """The bias so that it broadcasts against the output."""
        return bias

    def weight(self, part: str = "weight") -> Tensor:
        """See `LinearLayer.weight`."""
        return self.call.weight_part(self.weight_name, part, _PARTS[part])

    def require_shape_kept(self) -> None:
        """See `LinearLayer.require_shape_kept`."""
        node = self.call.node
        if self.call[self.input_name].shape != self.call.output.shape:
            raise RuleError(f"The pass rule needs a layer with equal input and output shapes: {node.describe()}.")


class Dense(CallLayer):
    """``x Wᵀ + b``."""

    def apply(self, x: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.apply`."""
        return torch.nn.functional.linear(x, weight)

    def transpose(self, m: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.transpose`."""
        return m @ weight

    def bias_share(self, m: Tensor) -> Tensor:
        """See `LinearLayer.bias_share`; of all units together, so that no tensor of their number is made."""
        assert self.bias is not None
        return m @ self.bias


class TimesMatrix(CallLayer):
    """``x B`` with a constant ``B``: mm, matmul, bmm."""

    input_name, weight_name = "self", "other"
    bias_name: str | None = None

    def apply(self, x: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.apply`."""
        return x @ weight

    def transpose(self, m: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.transpose`."""
        if weight.ndim == 1:
            return self.call.fit(m.unsqueeze(-1) * weight, self.input_name)
        return self.call.fit(m @ weight.mT, self.input_name)


class TimesMat2(TimesMatrix):
    """``x B``, with the parameter called ``mat2``."""

    weight_name = "mat2"


class AffineMatrix(TimesMat2):
    """``addmm``: ``β b + α x B``."""

    input_name, bias_name = "mat1", "self"

    def shaped_bias(self, bias: Tensor) -> Tensor:
        """Bias times β."""
        scaled: Tensor = bias * self.call["beta"]
        return scaled

    def apply(self, x: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.apply`."""
        scaled: Tensor = (x @ weight) * self.call["alpha"]
        return scaled

    def transpose(self, m: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.transpose`."""
        scaled: Tensor = (m @ weight.mT) * self.call["alpha"]
        return scaled


class MatrixTimes(CallLayer):
    """``A x`` with a constant ``A``."""

    input_name, weight_name, bias_name = "other", "self", None
    unit_dims = (-2,)

    def apply(self, x: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.apply`."""
        return weight @ x

    def transpose(self, m: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.transpose`."""
        return self.call.fit(weight.mT @ m, self.input_name)


class MatrixTimesMat2(MatrixTimes):
    """``A x``, with the parameter called ``mat2``."""

    input_name = "mat2"


class Convolution(CallLayer):
    """Convolution in one to three dimensions, transposed or not."""

    @property
    def unit_dims(self) -> tuple[int, ...]:  # type: ignore[override]
        """Channels and positions of one row."""
        return tuple(range(-self.call["weight"].ndim + 1, 0))

    def shaped_bias(self, bias: Tensor) -> Tensor:
        """Bias per channel."""
        return bias.reshape(-1, *[1] * (self.call["weight"].ndim - 2))

    def apply(self, x: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.apply`."""
        result: Tensor = self.call.apply({"input": x, "weight": weight, "bias": None})
        return result

    def transpose(self, m: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.transpose`; the derivative of the convolution with respect to its input."""
        call = self.call
        dummy = m.new_empty(1).expand(m.shape[0], *call["input"].shape[1:])  # only its shape is read
        if isinstance(call["padding"], str):
            with torch.enable_grad():
                dummy = dummy.requires_grad_()
                return torch.autograd.grad(self.apply(dummy, weight), dummy, m)[0]
        transposed = "output_padding" in call.node.arguments
        extra = call["output_padding"] if transposed else [0] * (weight.ndim - 2)
        found = aten.convolution_backward(
            m,
            dummy,
            weight,
            None,
            call["stride"],
            call["padding"],
            call["dilation"],
            transposed,
            extra,
            call["groups"],
            [True, False, False],
        )
        result: Tensor = found[0]
        return result


class Pooling(CallLayer):
    """Average pooling: a linear map without weight or bias; only rules that need none of them fit."""

    input_name, bias_name = "self", None
    unit_dims = (-1,)

    def __init__(self, call: Call) -> None:
        self.call = call

    def weight(self, part: str = "weight") -> Tensor:
        """There is none; a rule that acts on weights does not fit."""
        if part != "weight":
            raise RuleError(f"Average pooling takes only lrp0, epsilon and zero: {self.call.node.describe()}.")
        return torch.empty(0)

    def apply(self, x: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.apply`."""
        result: Tensor = self.call.apply({"self": x})
        return result

    def transpose(self, m: Tensor, weight: Tensor) -> Tensor:
        """See `LinearLayer.transpose`."""
        found: Tensor = linear_vjp(self.call, m, ["self"])["self"]
        return found


def by_rule(call: Call, m: Tensor) -> Multipliers:
    """Pullback of every operator that is a `CallLayer`: the rule decides."""
    layer = call.layer()
    assert isinstance(call.rule, Rule)
    return {layer.input_name: call.rule.back(m, layer)}


def _register(layer: type[CallLayer], kind: str, *names: str) -> None:
    register(names, layer_operator(layer, kind))


def layer_operator(layer: type[CallLayer], kind: str) -> Operator:
    """Table entry of a linear map that rules act on."""
    reads: frozenset[str] = frozenset() if layer is Dense else frozenset({"input"})  # the others need the input's shape
    return Operator(by_rule, kind, batched, reads, layer=layer)


_register(Dense, "linear", "linear.default")
_register(AffineMatrix, "linear", "addmm.default")
_register(Convolution, "conv", *(f"conv{d}d.{form}" for d in (1, 2, 3) for form in ("default", "padding")))
_register(Convolution, "conv", "conv_transpose1d.default", "conv_transpose2d.input", "conv_transpose3d.input")
_register(
    Pooling,
    "pool",
    *(f"{prefix}avg_pool{d}d.default" for d in (1, 2, 3) for prefix in ("", "adaptive_")),
    "_adaptive_avg_pool2d.default",
)
