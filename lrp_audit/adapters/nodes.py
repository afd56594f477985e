"""Columnwise preprocessing as a small graph: every element of a row comes from exactly one input column.

A `Node` is a matrix computed from the table. scikit-learn's own fitted transformers do the computing; a node only
remembers which input column owns each of its elements. What mixes columns is not a node but an `Affine` map behind
one: the two together are a `Wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from lrp_audit.adapters.affine import Affine, identity, side_by_side

Matrix = pd.DataFrame | NDArray[Any]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
Kind = Literal["number", "text", "any"]  # what a raw column holds


@dataclass(frozen=True, eq=False)
class Node:
    """A matrix (rows, width) whose element j depends on input column `owners[j]` alone."""

    owners: IntArray  # (width,) positions among the table's columns
    operation: Callable[..., Matrix]
    parents: tuple[Node, ...] = ()
    raw: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=bool))  # (width,) still as the table has it
    readings: tuple[tuple[int, Kind], ...] = ()  # (column, kind) this node's step reads from raw columns
    step: Any = None  # the fitted transformer, if this node is one
    where: str = ""  # its name in the pipeline

    @property
    def width(self) -> int:
        return len(self.owners)


@dataclass(frozen=True, eq=False)
class Wire:
    """What reaches a step: a node's values, or an affine function of them behind the first mixer."""

    node: Node
    affine: Affine | None = None

    @property
    def width(self) -> int:
        return self.node.width if self.affine is None else len(self.affine.bias)


def evaluate(node: Node, table: pd.DataFrame, memo: dict[int, Matrix]) -> Matrix:
    """The node's values for the table's rows; `memo` keeps those of every node on the way."""
    key = id(node)
    if key not in memo:
        inputs = [evaluate(parent, table, memo) for parent in node.parents] or [table]
        memo[key] = node.operation(*inputs)
    return memo[key]


def ancestry(node: Node) -> Iterator[Node]:
    """The node and everything before it, parents first, each once."""
    seen: set[int] = set()

    def walk(one: Node) -> Iterator[Node]:
        if id(one) not in seen:
            seen.add(id(one))
            for parent in one.parents:
                yield from walk(parent)
            yield one

    return walk(node)


# --- operations: small values with `__call__`, so that a traced pipeline can be pickled and compared -----------------


@dataclass(frozen=True)
class Take:
    """The table itself."""

    def __call__(self, table: pd.DataFrame) -> Matrix:
        return table


@dataclass(frozen=True, eq=False)
class Select:
    """Some columns by position."""

    positions: IntArray

    def __call__(self, values: Matrix) -> Matrix:
        return values.iloc[:, self.positions] if isinstance(values, pd.DataFrame) else values[:, self.positions]


@dataclass(frozen=True, eq=False)
class Transform:
    """A fitted scikit-learn transformer, given what it was fitted on: a frame with the same names, or an array."""

    transformer: Any

    def __call__(self, values: Matrix) -> Matrix:
        result = self.transformer.transform(as_fitted(self.transformer, values))
        if sparse.issparse(result):
            return np.asarray(result.toarray())
        return result if isinstance(result, pd.DataFrame) else np.asarray(result)


@dataclass(frozen=True)
class Scale:
    """Multiplication by a number (`transformer_weights`)."""

    factor: float

    def __call__(self, values: Matrix) -> Matrix:
        return values * self.factor


@dataclass(frozen=True)
class Join:
    """Matrices side by side."""

    def __call__(self, *parts: Matrix) -> Matrix:
        return np.hstack([part.to_numpy() if isinstance(part, pd.DataFrame) else part for part in parts])


def as_fitted(step: Any, values: Matrix) -> Matrix:
    """The same values in the container `step` was fitted on, so that its feature-name check passes."""
    names = getattr(step, "feature_names_in_", None)
    if names is None:
        return np.array(values) if isinstance(values, pd.DataFrame) else values
    if isinstance(values, pd.DataFrame):
        return values.set_axis(list(names), axis=1)
    return pd.DataFrame(values, columns=list(names))


# --- building ---------------------------------------------------------------------------------------------------------


def table(width: int) -> Wire:
    """The start: all input columns, raw."""
    return Wire(Node(np.arange(width), Take(), raw=np.ones(width, dtype=bool)))


def select(wire: Wire, positions: IntArray) -> Wire:
    """Some of the columns that reach a step."""
    if wire.affine is not None:
        return Wire(wire.node, wire.affine.select(positions))
    node = wire.node
    if np.array_equal(positions, np.arange(node.width)):
        return wire
    return Wire(Node(node.owners[positions], Select(positions), (node,), node.raw[positions]))


def scale(wire: Wire, factor: float) -> Wire:
    """All columns times a number."""
    if wire.affine is not None:
        return Wire(wire.node, Affine(wire.affine.weight * factor, wire.affine.bias * factor))
    node = wire.node
    return Wire(Node(node.owners, Scale(factor), (node,), np.zeros(node.width, dtype=bool)))


def join(wires: list[Wire]) -> Wire:
    """Wires side by side; a common node behind all of them is shared, not repeated."""
    if len(wires) == 1:
        return wires[0]
    nodes = [wire.node for wire in wires]
    mixed = any(wire.affine is not None for wire in wires)
    if mixed and all(node is nodes[0] for node in nodes):
        maps = [wire.affine or identity(wire.width) for wire in wires]
        weight = np.hstack([one.weight for one in maps])
        return Wire(nodes[0], Affine(weight, np.concatenate([one.bias for one in maps])))
    node = Node(
        np.concatenate([one.owners for one in nodes]),
        Join(),
        tuple(nodes),
        np.concatenate([one.raw for one in nodes]),
    )
    if not mixed:
        return Wire(node)
    return Wire(node, side_by_side([wire.affine or identity(wire.width) for wire in wires]))
