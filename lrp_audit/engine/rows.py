"""Whether every row of a batch is worked on by itself; relevance of a row means nothing where rows mix."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from lrp_audit.engine.graph import Node, RelevanceGraph, Values
from lrp_audit.engine.plan import Plan
from lrp_audit.engine.sweep import forward
from lrp_audit.errors import InputError, UnsupportedOperatorError

_APART = "rows apart"


def require_rows_apart(graph: RelevanceGraph, plan: Plan, inputs: dict[str, Tensor]) -> None:
    """Compare the first and the last row run together with each run alone; once per graph, as soon as two rows differ.

    Raises:
        UnsupportedOperatorError: the output of one row depends on other rows; names the first operator where it does.
    """
    if graph.remembers(_APART) or all(torch.equal(v[0], v[-1]) for v in inputs.values()):
        return
    everything = replace(plan, forward=tuple((node, ()) for node, _ in plan.forward), recorded={})
    pair = {name: torch.stack([value[0], value[-1]]) for name, value in inputs.items()}
    try:
        together = forward(graph, everything, pair)
        alone = [forward(graph, everything, {n: v[i : i + 1] for n, v in pair.items()}) for i in range(2)]
    except InputError:  # too few rows for this model; the run itself will say if there is more to it
        return
    if _same(graph.nodes[plan.goal], together, alone):
        graph.remember(_APART, lambda: True)
        return
    node = next(node for node, _ in plan.forward if node.rows == 0 and not _same(node, together, alone))
    raise UnsupportedOperatorError(
        f"The output of one row depends on other rows of the batch, through {node.describe()}."
    )


def _same(node: Node, together: Values, alone: list[Values]) -> bool:
    value = together[node.index]
    if node.rows != 0 or not isinstance(value, Tensor) or not value.is_floating_point():
        return True
    apart = torch.cat([values[node.index] for values in alone])
    tolerance = torch.finfo(value.dtype).eps ** 0.5
    return torch.allclose(value, apart, rtol=tolerance, atol=tolerance * float(apart.abs().max()), equal_nan=True)
