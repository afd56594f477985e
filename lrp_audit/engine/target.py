"""What is explained: one output, a difference of two, or a captured function of the outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lrp_audit.engine.graph import RelevanceGraph
from lrp_audit.errors import InputError

Target = int | tuple[int, int] | Tensor | tuple[Tensor, Tensor] | Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Goal:
    """A target as a linear function of one node's value.

    Attributes:
        index: the node.
        terms: (+1, output numbers), (-1, output numbers); numbers are an int or a tensor (N,). Empty if the node itself
            has one value per row.
    """

    index: int
    terms: tuple[tuple[float, int | Tensor], ...]

    @classmethod
    def of(cls, graph: RelevanceGraph, target: Target, rows: int) -> Goal:
        """Check a target against the graph.

        Raises:
            InputError: the number of an output that does not exist, a wrong type or shape.
        """
        if callable(target) and not isinstance(target, Tensor):
            assert graph.target_index is not None
            return cls(graph.target_index, ())
        shape = graph.nodes[graph.output].shape or ()
        if len(shape) not in (1, 2):
            raise InputError(f"The model's output has shape {shape}; give a function of it as target.")
        outputs = shape[1] if len(shape) > 1 else 1
        if not isinstance(outputs, int):
            raise InputError(f"The model's output has shape {shape}; give a function of it as target.")
        numbers: tuple[Any, ...] = target if isinstance(target, tuple) else (target,)
        if len(numbers) not in (1, 2):
            raise InputError(f"A target pair has two output numbers, not {len(numbers)}.")
        checked = [_number(number, outputs, rows) for number in numbers]
        if len(shape) == 1:
            if len(checked) == 2:
                raise InputError("The model has one output, so a pair of outputs cannot be its target.")
            return cls(graph.output, ())
        return cls(graph.output, tuple(zip((1.0, -1.0), checked, strict=False)))

    def seed(self, like: Tensor, rows: slice, count: int) -> Tensor:
        """Multiplier of the node's value for these rows of the input, for ``count`` rows of the pass."""
        if not self.terms:
            return like.new_ones((count, *like.shape[1:]))
        seed = like.new_zeros((count, *like.shape[1:]))
        everyone = torch.arange(count, device=like.device)
        for sign, number in self.terms:
            if isinstance(number, int):
                seed[:, number] += sign
            else:
                seed[everyone, self._numbers(number, rows, count, like)] += sign
        return seed

    def value(self, node_value: Tensor, rows: slice) -> Tensor:
        """The target's value (n,) for these rows."""
        if not self.terms:
            return node_value
        total = node_value.new_zeros(node_value.shape[0])
        everyone = torch.arange(node_value.shape[0], device=node_value.device)
        for sign, number in self.terms:
            column = number if isinstance(number, int) else self._numbers(number, rows, len(everyone), node_value)
            total += sign * node_value[everyone, column]
        return total

    @staticmethod
    def _numbers(number: Tensor, rows: slice, count: int, like: Tensor) -> Tensor:
        chosen = number[rows].to(like.device)
        return chosen if len(chosen) == count else chosen.repeat_interleave(count // len(chosen))


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
        raise InputError(f"The model has outputs 0 to {outputs - 1}; there is no output {number}.")
    return int(number)
