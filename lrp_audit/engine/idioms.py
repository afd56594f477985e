"""Norms and activations written in primitives: what in them is, without a reference, a constant of the instance.

* x * rsqrt(mean(x^2) + eps) and its kin: the node that turns a mean square into a scale; in x / sum(x), the sum.
* c x g(x) with an elementwise g (GELU by tanh, x sigmoid(x), x / (1 + |x|)): the gate g, which leaves f(x) / x, as for
  every activation.

With a reference all of them are ordinary secants, so the sum stays exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import fx

aten = torch.ops.aten
Constants = Mapping[fx.Node, Any]


def find_scales(graph: fx.Graph, constants: Constants) -> set[fx.Node]:
    """All nodes of the graph that are such a scale, sum or gate."""
    found = set()
    for node in graph.nodes:
        if (
            node.target in _TO_SCALE
            and _TO_SCALE[node.target](node)
            and all(_divides(constants, user, node) for user in node.users)
        ):
            found.add(node)
        found |= {scale for scale in (_own_gate(constants, node), _own_sum(constants, node)) if scale is not None}
    return found


def _own_sum(constants: Constants, node: fx.Node) -> fx.Node | None:
    """The sum in x / sum(x), sum(|x|) included."""
    if node.target is not aten.div.Tensor:
        return None
    divided, divisor = node.args[:2]
    if not isinstance(divisor, fx.Node):
        return None
    while divisor.target in _OFFSETS | _VIEWS and isinstance(divisor.args[0], fx.Node):
        divisor = divisor.args[0]
    if divisor.target not in _MEANS or not all(_divides(constants, user, divisor) for user in divisor.users):
        return None
    summed = divisor.args[0]
    is_size = isinstance(summed, fx.Node) and summed.target is aten.abs.default and summed.args[0] is divided
    return divisor if summed is divided or is_size else None


def _own_gate(constants: Constants, node: fx.Node) -> fx.Node | None:
    """The factor g in c x g(x), or the divisor in c x / g(x)."""
    if node.target not in (aten.mul.Tensor, aten.div.Tensor):
        return None
    pairs = [node.args[:2]] if node.target is aten.div.Tensor else [node.args[:2], node.args[1::-1]]
    for first, gate in pairs:
        if not isinstance(first, fx.Node) or not isinstance(gate, fx.Node) or len(gate.users) != 1:
            continue
        root = _unscaled(constants, first)
        if gate is not root and gate is not first and _is_elementwise(constants, gate, root):
            return gate
    return None


def _unscaled(constants: Constants, node: fx.Node) -> fx.Node:
    """The x in c x, for a constant c."""
    while node.target in (aten.mul.Tensor, aten.div.Tensor) and isinstance(node.args[0], fx.Node):
        if isinstance(node.args[1], fx.Node) and node.args[1] not in constants:
            break
        node = node.args[0]
    return node


def _is_elementwise(constants: Constants, node: fx.Node, root: fx.Node) -> bool:
    """Whether a node is an elementwise function of ``root`` and constants alone."""
    if node is root:
        return True
    sources = [source for source in node.all_input_nodes if source not in constants]
    return node.target in _ELEMENTWISE and bool(sources) and all(_is_elementwise(constants, s, root) for s in sources)


def _is_mean_square(value: Any) -> bool:
    """Mean or sum of squares, or a variance, up to added constants and floors."""
    while isinstance(value, fx.Node) and value.target in _OFFSETS:
        value = value.args[0]
    if not isinstance(value, fx.Node):
        return False
    if value.target in _VARIANCES:
        return True
    return value.target in _MEANS and _is_square(value.args[0])


def _is_square(value: Any) -> bool:
    if not isinstance(value, fx.Node):
        return False
    if value.target is aten.pow.Tensor_Scalar:
        return bool(value.args[1] == 2)
    return value.target is aten.mul.Tensor and value.args[0] is value.args[1]


def _divides(constants: Constants, node: fx.Node, scale: fx.Node) -> bool:
    """Whether a scale is used as one: as factor or divisor of another value of the instance, or on the way there."""
    if node.target in (aten.mul.Tensor, aten.div.Tensor):
        others = [value for value in node.args[:2] if value is not scale]
        if any(isinstance(value, fx.Node) and value not in constants for value in others):
            return True
    elif node.target not in _OFFSETS | _VIEWS | {aten.reciprocal.default}:
        return False
    return all(_divides(constants, user, node) for user in node.users)


def _root(exponents: tuple[float, ...]) -> Callable[[fx.Node], bool]:
    return lambda node: node.args[1] in exponents and _is_mean_square(node.args[0])


_OFFSETS = {
    aten.add.Tensor,
    aten.add.Scalar,
    aten.clamp_min.default,
    aten.clamp_min.Tensor,
    aten.clamp.default,
    aten._to_copy.default,
}
_ELEMENTWISE = {
    aten.abs.default,
    aten.add.Tensor,
    aten.clamp.default,
    aten.clamp_max.default,
    aten.clamp_min.default,
    aten.div.Tensor,
    aten.erf.default,
    aten.exp.default,
    aten.hardsigmoid.default,
    aten.hardtanh.default,
    aten.log1p.default,
    aten.mul.Tensor,
    aten.neg.default,
    aten.pow.Tensor_Scalar,
    aten.reciprocal.default,
    aten.sigmoid.default,
    aten.softplus.default,
    aten.sub.Tensor,
    aten.tanh.default,
}
_VIEWS = {aten.unsqueeze.default, aten.expand.default, aten.reshape.default}
_MEANS = {aten.mean.dim, aten.sum.dim_IntList}
_VARIANCES = {aten.var.correction, aten.var.dim}
_TO_SCALE: dict[Any, Callable[[fx.Node], bool]] = {
    aten.rsqrt.default: lambda node: _is_mean_square(node.args[0]),
    aten.sqrt.default: lambda node: _is_mean_square(node.args[0]),
    aten.pow.Tensor_Scalar: _root((0.5, -0.5)),
    aten.std.correction: lambda node: True,
    aten.std.dim: lambda node: True,
}
