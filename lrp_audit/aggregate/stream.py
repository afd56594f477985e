"""Numbers seen once and not kept: their count, moments and quantiles, in memory that does not grow with them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from datasketches import tdigest_double

from lrp_audit.aggregate.table import FloatArray

_COMPRESSION = 500  # of the digest (Dunning and Ertl 2019): ranks are off by less than 1 %, and least at the ends


@dataclass(frozen=True)
class Summary:
    """Moments are exact, quantiles are a sketch's. A quantile is never a single decision's own extreme (G-07)."""

    count: int
    mean: float
    strength: float  # mean absolute value
    standard_deviation: float
    tenth: float
    quarter: float
    median: float
    three_quarters: float
    nine_tenths: float


class Stream:
    def __init__(self) -> None:
        self.count = 0
        self._mean = self._absolute = self._squares = 0.0
        self._digest = tdigest_double(_COMPRESSION)

    def add(self, numbers: FloatArray) -> None:
        """Take in finite numbers; moments are joined as in Chan, Golub and LeVeque (1983)."""
        if not numbers.size:
            return
        added, total = numbers.size, self.count + numbers.size
        mean = float(numbers.mean())
        step = mean - self._mean
        self._squares += float(((numbers - mean) ** 2).sum()) + step**2 * self.count * added / total
        self._mean += step * added / total
        self._absolute += float(np.abs(numbers).sum())
        self.count = total
        self._digest.update(np.array(numbers, dtype=np.float64))

    def quantile(self, rank: float) -> float:
        return float(self._digest.get_quantile(rank)) if self.count else math.nan

    def summary(self) -> Summary:
        if not self.count:
            return Summary(0, *[math.nan] * 8)
        spread = math.sqrt(self._squares / self.count)
        quantiles = (self.quantile(rank) for rank in (0.1, 0.25, 0.5, 0.75, 0.9))
        return Summary(self.count, self._mean, self._absolute / self.count, spread, *quantiles)
