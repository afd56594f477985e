"""The most typical and the most unusual decisions, found while they pass.

How far a decision is from the mean is known when all have passed. So many candidates are kept, the nearest and the
farthest by the moments so far, and ordered by the final ones: exact where the decisions come in one chunk.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lrp_audit.aggregate.stream import Moments
from lrp_audit.aggregate.table import ExplainedTable, FloatArray
from lrp_audit.records.aggregates import Standing

_CANDIDATES = 200  # of either kind


class Extremes:
    def __init__(self) -> None:
        self._near, self._far = pd.DataFrame(), pd.DataFrame()

    def add(self, part: ExplainedTable, moments: Moments) -> None:
        """Take in a part that `moments` have seen."""
        self._near = _first(pd.concat([self._near, part.relevance]), moments, _CANDIDATES, farthest=False)
        self._far = _first(pd.concat([self._far, part.relevance]), moments, _CANDIDATES, farthest=True)

    def typical(self, moments: Moments, most: int) -> tuple[Standing, ...]:
        return _standings(_first(self._near, moments, most, farthest=False), moments)

    def unusual(self, moments: Moments, most: int) -> tuple[Standing, ...]:
        return _standings(_first(self._far, moments, most, farthest=True), moments)


def _first(rows: pd.DataFrame, moments: Moments, most: int, *, farthest: bool) -> pd.DataFrame:
    distance = _distances(rows, moments)
    order = np.lexsort((rows.index.astype(str), -distance if farthest else distance))
    return rows.iloc[order[:most]]


def _standings(rows: pd.DataFrame, moments: Moments) -> tuple[Standing, ...]:
    pairs = zip(rows.index, _distances(rows, moments), strict=True)
    return tuple(Standing(id=str(name), distance=float(value)) for name, value in pairs)


def _distances(rows: pd.DataFrame, moments: Moments) -> FloatArray:
    """(N,): columns without spread say nothing."""
    mean, deviation = moments.mean, moments.deviation
    varied = deviation > 1e-12 * (1 + np.abs(mean))
    if not varied.any():
        return np.zeros(len(rows))
    scores = (rows.to_numpy(dtype=np.float64)[:, varied] - mean[varied]) / deviation[varied]
    return np.asarray(np.sqrt((scores**2).mean(1)), dtype=np.float64)
