"""What is explained: one output, a difference of two, weights of them, or a captured function of the outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lrp_audit.engine.graph import RelevanceGraph
from lrp_audit.errors import InputError

Target = int | tuple[int, int] | Tensor | tuple[Tensor, Tensor] | Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Goal:
    """A target as a linear function of one node's value.

    Attributes:
        index: the node.
        weights: of the outputs, (1, outputs) or a row for each input (N, outputs); None if the node itself has one
            value per row.
    """

    index: int
    weights: Tensor | None

    @classmethod
    def of(cls, graph: RelevanceGraph, target: Target, rows: int) -> Goal:
        """Check a target against the graph.

        Raises:
            InputError: the number of an output that does not exist, a wrong type or shape.
        """
        if callable(target) and not isinstance(target, Tensor):
            assert graph.target_index is not None
            return cls(graph.target_index, None)
        shape = graph.nodes[graph.output].shape or ()
        outputs = shape[1] if len(shape) == 2 else 1
        if len(shape) not in (1, 2) or not isinstance(outputs, int):
            raise InputError(f"The model's output has shape {shape}; give a function of it as target.")
        weights = _weights(target, outputs, rows)
        if len(shape) == 2:
            return cls(graph.output, weights.to(graph.dtype))
        if isinstance(target, tuple | list):
            raise InputError("The model has one output, so a pair of outputs cannot be its target.")
        return cls(graph.output, None)

    def seed(self, like: Tensor, rows: slice, count: int) -> Tensor:
        """Multiplier of the node's value for these rows of the input, for ``count`` rows of the pass."""
        if self.weights is None:
            return like.new_ones((count, *like.shape[1:]))
        return self._rows(self.weights, rows, count, like).clone(memory_format=torch.contiguous_format)

    def value(self, node_value: Tensor, rows: slice) -> Tensor:
        """The target's value (n,) for these rows."""
        if self.weights is None:
            return node_value
        return (node_value * self._rows(self.weights, rows, len(node_value), node_value)).sum(1)

    @staticmethod
    def _rows(weights: Tensor, rows: slice, count: int, like: Tensor) -> Tensor:
        if len(weights) == 1:
            return weights.to(like.device).expand(count, -1)
        chosen = weights[rows].to(like.device)
        return chosen if len(chosen) == count else chosen.repeat_interleave(count // len(chosen), 0)


def _weights(target: Any, outputs: int, rows: int) -> Tensor:
    """The target's coefficients of the outputs, (1 or N, outputs)."""
    if isinstance(target, Tensor) and target.is_floating_point() and target.ndim:
        if tuple(target.shape) != (rows, outputs):
            raise InputError(f"Target weights must have shape ({rows}, {outputs}), not {tuple(target.shape)}.")
        if not torch.isfinite(target).all():
            raise InputError("Target weights must be finite.")
        return target.detach()
    numbers: tuple[Any, ...] = target if isinstance(target, tuple) else (target,)
    if len(numbers) not in (1, 2):
        raise InputError(f"A target pair has two output numbers, not {len(numbers)}.")
    chosen = [_one_hot(_number(number, outputs, rows), outputs) for number in numbers]
    return chosen[0] if len(chosen) == 1 else chosen[0] - chosen[1]


def _one_hot(number: int | Tensor, outputs: int) -> Tensor:
    index = torch.tensor([number]) if isinstance(number, int) else number
    return torch.nn.functional.one_hot(index, outputs).double()


def _number(number: Any, outputs: int, rows: int) -> int | Tensor:
    if isinstance(number, Tensor) and number.ndim == 0:
        number = number.item()
    if isinstance(number, Tensor):
        if number.dtype.is_floating_point or number.dtype == torch.bool or tuple(number.shape) != (rows,):
            raise InputError(f"A target tensor holds one output number per row: whole numbers of shape ({rows},).")
        if bool(((number < 0) | (number >= outputs)).any()):
            raise InputError(f"The target tensor names an output outside 0 to {outputs - 1}.")
        return number.long()
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise InputError(f"A target is an output number, a pair, or a function of the output, not {number!r}.")
    if not 0 <= int(number) < outputs:
        known = "one output, number 0" if outputs == 1 else f"outputs 0 to {outputs - 1}"
        raise InputError(f"The model has {known}; there is no output {number}.")
    return int(number)
