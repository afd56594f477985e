"""Affine maps on row vectors: what scaling, selecting and rotating columns amount to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Affine:
    """`x -> x @ weight + bias` for rows x; weight (width in, width out), bias (width out,)."""

    weight: FloatArray
    bias: FloatArray

    def then(self, after: Affine) -> Affine:
        """This map followed by another."""
        return Affine(self.weight @ after.weight, self.bias @ after.weight + after.bias)

    def select(self, positions: NDArray[np.intp]) -> Affine:
        """The map onto some of the output columns."""
        return Affine(self.weight[:, positions], self.bias[positions])


def identity(width: int) -> Affine:
    """The map that changes nothing."""
    return Affine(np.eye(width), np.zeros(width))


def elementwise(scale: FloatArray, shift: FloatArray) -> Affine:
    """`x -> x * scale + shift`, column by column."""
    return Affine(np.diag(np.asarray(scale, dtype=np.float64)), np.asarray(shift, dtype=np.float64))


def side_by_side(maps: list[Affine]) -> Affine:
    """The block-diagonal map of independent maps on concatenated rows."""
    rows = np.cumsum([0] + [m.weight.shape[0] for m in maps])
    cols = np.cumsum([0] + [m.weight.shape[1] for m in maps])
    weight = np.zeros((rows[-1], cols[-1]))
    for i, one in enumerate(maps):
        weight[rows[i] : rows[i + 1], cols[i] : cols[i + 1]] = one.weight
    return Affine(weight, np.concatenate([m.bias for m in maps]))
