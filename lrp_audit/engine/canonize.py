"""Graph passes between export and use: drop what does nothing, fold constants and batch norm, recognise idioms.

Every pass works on a `Draft` of our own; the exported program and the user's model are only read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx

from lrp_audit.engine.idioms import find_scales
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
                f"{node.target} is in training mode in module {module_path(node)!r}; call model.eval() first."
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


def replace_node(draft: Draft, node: fx.Node, by: fx.Node) -> None:
    """Let every reader of ``node``, the draft's output included, read ``by`` instead."""
    node.replace_all_uses_with(by)
    draft.graph.erase_node(node)
    if draft.output is node:
        draft.output = by


def drop_asserts(draft: Draft) -> None:
    """Metadata and range asserts; sizes are checked on the inputs instead, see `RelevanceGraph.require_inputs`."""
    for node in reversed(list(draft.graph.nodes)):
        if node.target in _ASSERTS and not node.users:
            draft.graph.erase_node(node)


def drop_identities(draft: Draft) -> None:
    """Copies, detaches and inactive dropout: the value is the argument's."""
    for node in list(draft.graph.nodes):
        if node.op == "call_function" and (node.target in IDENTITIES or _takes_all(node)):
            replace_node(draft, node, node.args[0])
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
            replace_node(draft, node, parts[0])
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
            replace_node(draft, user, before)
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
    """Norms and activations written in primitives, see `idioms`."""
    draft.scales |= find_scales(draft.graph, draft.constants)
