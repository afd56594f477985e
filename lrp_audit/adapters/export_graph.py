"""Exported graphs: turned into float64, and freed of a softmax or sigmoid at the end."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx, nn
from torch.export import Dim, ExportedProgram
from torch.fx.node import map_aggregate

from lrp_audit.engine.capture import _EXPORT_LOCK as EXPORT_LOCK  # one for the whole process
from lrp_audit.errors import UnsupportedModelError

SINGLE = (torch.float32, torch.float16, torch.bfloat16)
ASSERTIONS = (torch.ops.aten._assert_tensor_metadata.default,)
SOFT_ENDS = (
    torch.ops.aten.softmax.int,
    torch.ops.aten._softmax.default,
    torch.ops.aten.log_softmax.int,
    torch.ops.aten._log_softmax.default,
    torch.ops.aten.sigmoid.default,
)
SHAPE_ONLY = (
    torch.ops.aten.squeeze.default,
    torch.ops.aten.squeeze.dim,
    torch.ops.aten.squeeze.dims,
    torch.ops.aten.unsqueeze.default,
    torch.ops.aten.view.default,
    torch.ops.aten.reshape.default,
    torch.ops.aten.flatten.using_ints,
)


def exported(module: nn.Module, example: Mapping[str, torch.Tensor]) -> fx.GraphModule:
    """The module's graph, with a dynamic number of rows.

    Raises:
        UnsupportedModelError: it cannot be exported.
    """
    rows = Dim("rows", min=2)
    with EXPORT_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = torch.export.export(
                module, (), dict(example), dynamic_shapes={name: {0: rows} for name in example}, strict=False
            )
        except Exception as error:
            first = str(error).strip().splitlines()[0]
            raise UnsupportedModelError(f"The network cannot be exported as one graph: {first}") from error
        return plain_module(program)


def plain_module(program: ExportedProgram) -> fx.GraphModule:
    """An exported program as a module of its own that takes its tensors by name, in evaluation.

    Exported graphs refuse `eval()`, their mode being fixed in them, and check on entry that tensors come by position
    or by name as they did when exported. The guards on sizes stay.
    """
    graph = _copy(program.module())
    graph._forward_pre_hooks.clear()
    return evaluating(graph)


def evaluating(graph: fx.GraphModule) -> fx.GraphModule:
    """The graph with every part marked as in evaluation."""
    for one in graph.modules():
        one.training = False
    return graph


def in_double(graph: fx.GraphModule) -> fx.GraphModule:
    """A copy whose parameters, constants and casts are float64."""
    graph = _copy(graph).double()
    for part in graph.modules():
        if isinstance(part, fx.GraphModule):
            for node in list(part.graph.nodes):
                if node.target in ASSERTIONS and not node.users:
                    part.graph.erase_node(node)
                    continue
                node.args = map_aggregate(node.args, _widened)
                node.kwargs = map_aggregate(node.kwargs, _widened)
            part.recompile()
    return graph


def without_soft_end(graph: fx.GraphModule) -> fx.GraphModule:
    """A copy that returns what goes into its last softmax, log-softmax or sigmoid.

    Raises:
        UnsupportedModelError: no such operator is the last one.
    """
    graph = _copy(graph)
    end = next(node for node in graph.graph.nodes if node.op == "output")
    (node,) = end.all_input_nodes if len(end.all_input_nodes) == 1 else (end,)
    while node.target in SHAPE_ONLY:
        node = node.all_input_nodes[0]
    if node.target not in SOFT_ENDS:
        raise UnsupportedModelError(
            "The network's outputs look like probabilities, but no softmax or sigmoid is its last operation; let it "
            "return logits."
        )
    node.replace_all_uses_with(node.all_input_nodes[0])
    graph.graph.erase_node(node)
    graph.recompile()
    return graph


def _copy(graph: fx.GraphModule) -> fx.GraphModule:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own tree specifications, when copied
        return copy.deepcopy(graph)


def _widened(value: Any) -> Any:
    return torch.float64 if value in SINGLE else value
