"""Norms and activations written in primitives: what in them is, without a reference, a constant of the instance.

* x * rsqrt(mean(x^2) + eps) and its kin: the node that turns a mean square into a scale; in x / sum(x), the sum.
* c x g(x) with an elementwise g (GELU by tanh, x sigmoid(x), x / (1 + |x|)): the gate g, which leaves f(x) / x, as for
  every activation.

With a reference all of them are ordinary secants, so the sum stays exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import fx

aten = torch.ops.aten
Constants = Mapping[fx.Node, Any]


def find_scales(graph: fx.Graph, constants: Constants) -> set[fx.Node]:
    """All nodes of the graph that are such a scale, sum or gate."""
    found = set()
    for node in graph.nodes:
        for scale in (_own_norm(constants, node), _own_gate(constants, node), _own_sum(constants, node)):
            if scale is not None:
                found.add(scale)
    return found


def _own_norm(constants: Constants, node: fx.Node) -> fx.Node | None:
    """The root or deviation in x * rsqrt(mean(x^2) + eps) and its kin: it must scale the very signal it measures."""
    is_root = node.target in _ROOTS or (node.target is aten.pow.Tensor_Scalar and node.args[1] in (0.5, -0.5))
    if node.target not in _DEVIATIONS and not is_root:
        return None
    measured = _argument(node) if node.target in _DEVIATIONS else _squared(node.args[0])
    if measured is None or not all(_divides(constants, user, node, measured) for user in node.users):
        return None
    return node


def _own_sum(constants: Constants, node: fx.Node) -> fx.Node | None:
    """The sum in x / sum(x), sum(|x|) included."""
    if node.target is not aten.div.Tensor:
        return None
    divided, divisor = node.args[:2]
    if not isinstance(divisor, fx.Node):
        return None
    while divisor.target in _OFFSETS | _VIEWS and isinstance(divisor.args[0], fx.Node):
        divisor = divisor.args[0]
    summed = _argument(divisor) if divisor.target in _MEANS else None
    if summed is None:
        return None
    measured = _argument(summed) if summed.target is aten.abs.default else summed
    if measured is None or not _is_signal(constants, divided, measured):
        return None
    return divisor if all(_divides(constants, user, divisor, measured) for user in divisor.users) else None


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


def _argument(node: fx.Node) -> fx.Node | None:
    first = node.args[0]
    return first if isinstance(first, fx.Node) else None


def _squared(value: Any) -> fx.Node | None:
    """The signal in a mean or sum of squares or a variance, up to added constants and floors."""
    while isinstance(value, fx.Node) and value.target in _OFFSETS:
        value = value.args[0]
    if not isinstance(value, fx.Node):
        return None
    if value.target in _VARIANCES:
        return _argument(value)
    square = _argument(value) if value.target in _MEANS else None
    if square is None:
        return None
    is_square = (square.target is aten.pow.Tensor_Scalar and square.args[1] == 2) or (
        square.target is aten.mul.Tensor and square.args[0] is square.args[1]
    )
    return _argument(square) if is_square else None


def _divides(constants: Constants, node: fx.Node, scale: fx.Node, measured: fx.Node) -> bool:
    """Whether a scale is used as one: as factor or divisor of the measured signal, or on the way there."""
    if node.target in (aten.mul.Tensor, aten.div.Tensor):
        others = [value for value in node.args[:2] if value is not scale]
        if any(isinstance(value, fx.Node) and value not in constants for value in others):
            return all(_is_signal(constants, value, measured) for value in others)
    elif node.target not in _OFFSETS | _VIEWS | {aten.reciprocal.default}:
        return False
    return bool(node.users) and all(_divides(constants, user, node, measured) for user in node.users)


def _is_signal(constants: Constants, value: Any, measured: fx.Node) -> bool:
    """Whether a value is the measured signal, up to casts, constant factors and centring."""
    return isinstance(value, fx.Node) and bool(_origins(constants, value) & _origins(constants, measured))


def _origins(constants: Constants, node: fx.Node) -> set[fx.Node]:
    """The node without casts, constant factors and, at the end, a difference (x of x - mean)."""
    found = {node}
    while (inner := _unscaled(constants, _uncast(node))) is not node:
        found.add(inner)
        node = inner
    if node.target is aten.sub.Tensor and isinstance(node.args[0], fx.Node):
        found.add(_uncast(node.args[0]))
    return found


def _uncast(node: fx.Node) -> fx.Node:
    while node.target is aten._to_copy.default and isinstance(node.args[0], fx.Node):
        node = node.args[0]
    return node


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
_ROOTS = {aten.rsqrt.default, aten.sqrt.default}
_DEVIATIONS = {aten.std.correction, aten.std.dim}
