"""Graph passes between export and use: drop what does nothing, fold constants and batch norm, recognise norms.

Every pass works on a `Draft` of our own; the exported program and the user's model are only read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx

from lrp_audit.errors import CaptureError, TrainingModeError

aten = torch.ops.aten

IDENTITIES = {
    aten.clone.default,
    aten.alias.default,
    aten.detach.default,
    aten.contiguous.default,
    aten.lift_fresh_copy.default,
    aten.lift_fresh.default,
    aten.dropout.default,
    aten.feature_dropout.default,
    aten.alpha_dropout.default,
}
"""Operators whose output equals their first argument (dropout nodes are checked for evaluation mode before)."""

_TRAINING_FLAG = {
    aten.dropout.default: "train",
    aten.feature_dropout.default: "train",
    aten.alpha_dropout.default: "train",
    aten.batch_norm.default: "training",
    aten.rrelu.default: "training",
    aten.lstm.input: "train",
    aten.gru.input: "train",
}
_RANDOM = {
    aten.bernoulli.default,
    aten.bernoulli.p,
    aten.multinomial.default,
    aten.normal_functional.default,
    aten.rand.default,
    aten.rand_like.default,
    aten.randint.low,
    aten.randn.default,
    aten.randn_like.default,
    aten.randperm.default,
}
_ASSERTS = {
    aten._assert_tensor_metadata.default,
    aten.sym_constrain_range.default,
    aten.sym_constrain_range_for_size.default,
}
_FOLDABLE_INTO = {
    aten.linear.default,
    aten.conv1d.default,
    aten.conv2d.default,
    aten.conv3d.default,
    aten.conv1d.padding,
    aten.conv2d.padding,
    aten.conv3d.padding,
}


@dataclass
class Draft:
    """An exported graph on its way to a `RelevanceGraph`: ``constants`` holds what is known without any input."""

    graph: fx.Graph
    constants: dict[fx.Node, Any]
    inputs: list[fx.Node]
    output: fx.Node
    scales: set[fx.Node] = field(default_factory=set)


def canonize(draft: Draft) -> Draft:
    """All passes, in order."""
    for apply in (
        drop_asserts,
        drop_identities,
        fold_constants,
        drop_empty_parts,
        fold_batch_norm,
        drop_dead,
        mark_scales,
    ):
        apply(draft)
    return draft


def require_evaluation(graph: fx.Graph) -> None:
    """Refuse operators exported in training mode, and random ones.

    Raises:
        TrainingModeError: dropout or batch norm would be active.
        CaptureError: the model draws random numbers.
    """
    for node in graph.nodes:
        if node.op != "call_function":
            continue
        flag = _TRAINING_FLAG.get(node.target)
        if flag is not None and arguments(node)[flag]:
            raise TrainingModeError(
                f"{node.target} is in training mode in module {module_path(node) or 'the model itself'!r}; call model.eval() first."
            )
        if node.target is aten.scaled_dot_product_attention.default and arguments(node)["dropout_p"]:
            raise TrainingModeError(
                f"Attention in module {module_path(node)!r} drops out at random; call model.eval() first."
            )
        if node.target in _RANDOM:
            raise CaptureError(f"The model draws random numbers ({node.target} in module {module_path(node)!r}).")


def arguments(node: fx.Node) -> dict[str, Any]:
    """The node's arguments by the operator's parameter names, defaults filled in; {} for plain Python functions."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return {}
    found: dict[str, Any] = {}
    for position, parameter in enumerate(node.target._schema.arguments):
        if position < len(node.args):
            found[parameter.name] = node.args[position]
        else:
            found[parameter.name] = node.kwargs.get(parameter.name, parameter.default_value)
    return found


def module_path(node: fx.Node) -> str:
    """Dotted path of the innermost module the node was traced in, '' for the model itself."""
    stack = [path for path, _ in node.meta.get("nn_module_stack", {}).values() if not path.startswith("_empty")]
    path = stack[-1] if stack else ""
    return path.removeprefix("L['self'].").removeprefix("model.") if path != "model" else ""


def drop_asserts(draft: Draft) -> None:
    """Metadata and range asserts; sizes are checked on the inputs instead, see `RelevanceGraph.require_inputs`."""
    for node in reversed(list(draft.graph.nodes)):
        if node.target in _ASSERTS and not node.users:
            draft.graph.erase_node(node)


def drop_identities(draft: Draft) -> None:
    """Copies, detaches and inactive dropout: the value is the argument's."""
    for node in list(draft.graph.nodes):
        if node.op == "call_function" and (node.target in IDENTITIES or _takes_all(node)):
            node.replace_all_uses_with(node.args[0])
            draft.graph.erase_node(node)
        elif node.target in (aten.view.default, aten._unsafe_view.default):
            node.target = aten.reshape.default  # the copy that made its argument contiguous may be gone


def _takes_all(node: fx.Node) -> bool:
    """A slice from the start to the end."""
    if node.target is not aten.slice.Tensor:
        return False
    given = arguments(node)
    return given["start"] in (None, 0) and given["end"] in (None, 2**63 - 1) and given["step"] == 1


def fold_constants(draft: Draft) -> None:
    """Compute once what depends on weights alone (masks, transposed or normalised weights)."""
    with torch.no_grad():
        for node in draft.graph.nodes:
            if node.op != "call_function" or any(source not in draft.constants for source in node.all_input_nodes):
                continue
            args, kwargs = fx.node.map_arg((node.args, node.kwargs), draft.constants.__getitem__)
            draft.constants[node] = node.target(*args, **kwargs)


def drop_empty_parts(draft: Draft) -> None:
    """Joining with a tensor of no elements (an empty cache) changes nothing."""
    for node in list(draft.graph.nodes):
        if node.target is not aten.cat.default or node in draft.constants:
            continue
        parts = [part for part in node.args[0] if not _is_empty(draft.constants.get(part))]
        if len(parts) == 1:
            node.replace_all_uses_with(parts[0])
            draft.graph.erase_node(node)
        else:
            node.args = (parts, *node.args[1:])


def _is_empty(value: Any) -> bool:
    return isinstance(value, Tensor) and tuple(value.shape) == (0,)


def fold_batch_norm(draft: Draft) -> None:
    """Merge evaluation-mode batch norm into the linear or convolution before it; elsewhere it stays an affine node."""
    for node in list(draft.graph.nodes):
        if node.target is not aten._native_batch_norm_legit_no_training.default:
            continue
        before = node.args[0]
        if before.target not in _FOLDABLE_INTO or len(before.users) > 1:
            continue
        given = arguments(before)
        if given["weight"] not in draft.constants or (
            given["bias"] is not None and given["bias"] not in draft.constants
        ):
            continue
        scale, shift = batch_norm_affine(*(_constant(draft, argument) for argument in _batch_norm_operands(node)))
        weight, bias = draft.constants[given["weight"]], _constant(draft, given["bias"])
        folded = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        folded_bias = shift if bias is None else bias * scale + shift
        with draft.graph.inserting_before(before):
            new_weight = _new_constant(draft, f"{before.name}_folded_weight", folded)
            new_bias = _new_constant(draft, f"{before.name}_folded_bias", folded_bias)
        before.args = (before.args[0], new_weight, new_bias, *before.args[3:])
        for user in list(node.users):  # the normalised value is output 0; the rest are unused in evaluation
            user.replace_all_uses_with(before)
            draft.graph.erase_node(user)
        draft.graph.erase_node(node)


def batch_norm_affine(
    weight: Tensor | None, bias: Tensor | None, mean: Tensor, variance: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Scale and shift per channel that evaluation-mode batch norm applies."""
    scale = torch.rsqrt(variance + eps)
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    return scale, shift if bias is None else shift + bias


def _batch_norm_operands(node: fx.Node) -> tuple[Any, ...]:
    given = arguments(node)
    return given["weight"], given["bias"], given["running_mean"], given["running_var"], given["eps"]


def _constant(draft: Draft, argument: Any) -> Any:
    return draft.constants[argument] if isinstance(argument, fx.Node) else argument


def _new_constant(draft: Draft, name: str, value: Tensor) -> fx.Node:
    node = draft.graph.placeholder(name)
    node.meta["val"] = value
    draft.constants[node] = value
    return node


def drop_dead(draft: Draft) -> None:
    """What no output reads."""
    for node in reversed(list(draft.graph.nodes)):
        if node.op == "call_function" and not node.users and "assert" not in str(node.target):
            draft.graph.erase_node(node)
            draft.constants.pop(node, None)


def mark_scales(draft: Draft) -> None:
    """Mark what is, without a reference, a constant of the instance: scales of norms and gates of an activation.

    Norms written in primitives, x * rsqrt(mean(x^2) + eps) and its kin: the node that turns mean square into a scale; in
    x / sum(x), the sum.
    Activations written in primitives, c x g(x) with an elementwise g (GELU by tanh, x sigmoid(x), x / (1 + |x|)): g, which
    leaves f(x) / x, as for every activation. With a reference both are ordinary secants, so the sum stays exact.
    """
    for node in draft.graph.nodes:
        if node.target in _TO_SCALE and _TO_SCALE[node.target](node) and all(_divides(user) for user in node.users):
            draft.scales.add(node)
        for scale in (_own_gate(draft, node), _own_sum(node)):
            if scale is not None:
                draft.scales.add(scale)


def _own_sum(node: fx.Node) -> fx.Node | None:
    """The sum in x / sum(x), sum(|x|) included."""
    if node.target is not aten.div.Tensor or not isinstance(node.args[1], fx.Node):
        return None
    divisor = node.args[1]
    while divisor.target in _OFFSETS | _VIEWS and isinstance(divisor.args[0], fx.Node):
        divisor = divisor.args[0]
    if divisor.target not in _MEANS or not all(_divides(user) for user in divisor.users):
        return None
    summed = divisor.args[0]
    same = summed is node.args[0] or (summed.target is aten.abs.default and summed.args[0] is node.args[0])
    return divisor if same else None


def _own_gate(draft: Draft, node: fx.Node) -> fx.Node | None:
    """The factor g in c x g(x), or the divisor in c x / g(x)."""
    if node.target not in (aten.mul.Tensor, aten.div.Tensor):
        return None
    pairs = [node.args[:2]] if node.target is aten.div.Tensor else [node.args[:2], node.args[1::-1]]
    for first, gate in pairs:
        if not isinstance(first, fx.Node) or not isinstance(gate, fx.Node) or len(gate.users) != 1:
            continue
        root = _unscaled(draft, first)
        if gate is not root and gate is not first and _is_elementwise(draft, gate, root):
            return gate
    return None


def _unscaled(draft: Draft, node: fx.Node) -> fx.Node:
    """x in c x, for a constant c."""
    while node.target in (aten.mul.Tensor, aten.div.Tensor) and isinstance(node.args[0], fx.Node):
        if isinstance(node.args[1], fx.Node) and node.args[1] not in draft.constants:
            break
        node = node.args[0]
    return node


def _is_elementwise(draft: Draft, node: fx.Node, root: fx.Node) -> bool:
    """Whether a node is an elementwise function of ``root`` and constants alone."""
    if node is root:
        return True
    sources = [source for source in node.all_input_nodes if source not in draft.constants]
    return node.target in _ELEMENTWISE and bool(sources) and all(_is_elementwise(draft, s, root) for s in sources)


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


def _divides(node: fx.Node) -> bool:
    """Whether a scale is used as one: as factor, as divisor, or on the way there."""
    if node.target in _OFFSETS or node.target in _VIEWS or node.target is aten.reciprocal.default:
        return all(_divides(user) for user in node.users)
    return node.target in (aten.mul.Tensor, aten.div.Tensor)


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
