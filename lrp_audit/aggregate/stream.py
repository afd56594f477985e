"""Numbers seen once and not kept: their count, moments and quantiles, in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from datasketches import tdigest_double

from lrp_audit.aggregate.table import FloatArray
from lrp_audit.records.aggregates import Summary

_COMPRESSION = 500  # of the digest (Dunning and Ertl 2019): ranks are off by less than 1 %, and least at the ends
_RANKS = (0.1, 0.25, 0.5, 0.75, 0.9)


class Moments:
    """Count, means, spreads and strengths of C columns, joined as in Chan, Golub and LeVeque (1983)."""

    def __init__(self, columns: int) -> None:
        self.count = 0
        self.mean, self._squares, self._absolute = (np.zeros(columns) for _ in range(3))

    def add(self, rows: FloatArray) -> None:
        """Take in (N, C) finite numbers."""
        added, total = len(rows), self.count + len(rows)
        if not added:
            return
        mean = rows.mean(0)
        step = mean - self.mean
        self._squares += ((rows - mean) ** 2).sum(0) + step**2 * self.count * added / total
        self.mean = self.mean + step * added / total
        self._absolute += np.abs(rows).sum(0)
        self.count = total

    @property
    def strength(self) -> FloatArray:
        """(C,) mean absolute values."""
        return self._absolute / max(self.count, 1)

    @property
    def deviation(self) -> FloatArray:
        """(C,) standard deviations of the numbers seen."""
        return np.asarray(np.sqrt(self._squares / max(self.count, 1)), dtype=np.float64)


class Spreads:
    """The moments and quantiles of C columns."""

    def __init__(self, columns: int) -> None:
        self.moments = Moments(columns)
        self._digests = [tdigest_double(_COMPRESSION) for _ in range(columns)]

    def add(self, rows: FloatArray) -> None:
        self.moments.add(rows)
        for digest, numbers in zip(self._digests, rows.T, strict=True):
            if numbers.size:
                digest.update(np.array(numbers, dtype=np.float64))

    def summaries(self) -> list[Summary]:
        """One for every column; something must have been seen."""
        found = self.moments
        return [
            _summary(found.count, mean, strength, deviation, [digest.get_quantile(rank) for rank in _RANKS])
            for mean, strength, deviation, digest in zip(
                found.mean, found.strength, found.deviation, self._digests, strict=True
            )
        ]


def summary(numbers: FloatArray) -> Summary:
    """The same of numbers in memory, with their exact quantiles."""
    quantiles = [float(value) for value in np.quantile(numbers, _RANKS)]
    return _summary(numbers.size, float(numbers.mean()), float(np.abs(numbers).mean()), float(numbers.std()), quantiles)


def _summary(count: int, mean: float, strength: float, deviation: float, quantiles: Sequence[float]) -> Summary:
    tenth, quarter, median, three_quarters, nine_tenths = (float(value) for value in quantiles)
    return Summary(
        count=count,
        mean=float(mean),
        strength=float(strength),
        standard_deviation=float(deviation),
        tenth=tenth,
        quarter=quarter,
        median=median,
        three_quarters=three_quarters,
        nine_tenths=nine_tenths,
    )
