"""Do two attributions of the same decisions agree: in the order of all families, in the principal ones, in signs?

Used to hold LRP against integrated gradients over the same target and reference (design, section 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Agreement:
    """How far two attributions (N, F) agree, row by row.

    Attributes:
        rank_correlation: Spearman's, over all families; NaN where an attribution is constant; (N,).
        kept: how many of the stated families are also among the other's as many largest; (N,).
        same_sign: share of the first attribution's absolute relevance on families whose sign the other shares; (N,).
    """

    rank_correlation: FloatArray
    kept: IntArray
    same_sign: FloatArray


def agreement(first: FloatArray, second: FloatArray, stated: BoolArray) -> Agreement:
    """Compare attributions of N rows over F families; `stated` (N, F) marks the first one's principal families."""
    size = np.abs(first)
    total = size.sum(1)
    shared = (size * (np.sign(first) == np.sign(second))).sum(1)
    return Agreement(
        rank_correlation=_correlation(rankdata(first, axis=1), rankdata(second, axis=1)),
        kept=(stated & largest(second, stated.sum(1))).sum(1),
        same_sign=np.divide(shared, total, out=np.ones_like(total), where=total > 0),
    )


def largest(values: FloatArray, count: IntArray | int) -> BoolArray:
    """Each row's `count` largest positive values, ties to the earlier column; (N, F)."""
    place = np.argsort(np.argsort(-values, axis=1, kind="stable"), axis=1, kind="stable")
    return np.asarray((place < np.reshape(count, (-1, 1))) & (values > 0))


def _correlation(first: FloatArray, second: FloatArray) -> FloatArray:
    """Pearson's correlation of rows."""
    first, second = first - first.mean(1, keepdims=True), second - second.mean(1, keepdims=True)
    spread = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    return np.asarray(np.divide((first * second).sum(1), spread, out=np.full(len(first), np.nan), where=spread > 0))
