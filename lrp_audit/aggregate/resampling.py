"""The bootstrap of means (Efron 1979), by resampling weights, so that all columns share one matrix product."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lrp_audit.aggregate.table import FloatArray

RESAMPLES = 1000
LEVEL = 0.95

_CELLS = 4_000_000  # weights in memory at once

Generator: TypeAlias = np.random.Generator


def resampled_means(rows: FloatArray, count: int, generator: Generator) -> FloatArray:
    """(count, C): means of (N, C) rows over `count` draws of N rows with replacement."""
    size = len(rows)
    share = np.full(size, 1 / size)
    batch = max(1, _CELLS // size)
    batches = [min(batch, count - done) for done in range(0, count, batch)]
    return np.concatenate([generator.multinomial(size, share, size=n) @ rows / size for n in batches])


def scaled_means(rows: FloatArray, mean: FloatArray, size: int, count: int, generator: Generator) -> FloatArray:
    """(count, C): draws of the means of `size` rows with the exact `mean`, of which `rows` are a random sample.

    Of a sample of m the deviations are those of m draws, and shrink by the root of m over `size`.
    """
    deviations = resampled_means(rows, count, generator) - rows.mean(0)
    return np.asarray(mean + deviations * np.sqrt(len(rows) / size), dtype=np.float64)


def interval(draws: npt.NDArray[np.float64], level: float = LEVEL) -> tuple[FloatArray, FloatArray]:
    """Percentile interval of (count, C) draws: lower and upper ends, (C,) each."""
    tail = (1 - level) / 2
    lower, upper = np.quantile(draws, (tail, 1 - tail), axis=0)
    return lower, upper
