"""Many decisions at once: for every column a swarm of dots, where each dot stands for the same number of decisions.

To the right counted against, to the left in favour, on one symmetric scale. A dot's shade is the column's own value:
hollow for the lowest third of the decisions, grey for the middle, black for the highest, so that a swarm says whether
high values counted against. Dots are counts in bins: the drawing grows with columns, never with decisions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from lrp_audit.records.aggregates import SwarmCounts
from lrp_audit.report.charts import symmetric_scale
from lrp_audit.report.svg import INK, RULE, TINT, opening, path, pt

BINS = 81  # of the scale; odd, so that zero has one of its own
MOST_DOTS = 9  # in the fullest bin
_STYLES = (f'fill="#fff" stroke="{INK}" stroke-width=".5"', 'fill="#8a929c"', f'fill="{INK}"')  # low, middle, high

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Swarm:
    """A drawing, one row per column, with what its dots stand for."""

    drawing: Markup
    per_dot: int  # decisions


def swarm_counts(relevance: FloatArray, values: FloatArray, columns: Sequence[str]) -> SwarmCounts:
    """The decisions of every column by bin of relevance and third of value.

    Args:
        relevance: (N, C), `+` toward the adverse outcome.
        values: (N, C), each column's value as a number that orders it; NaN where it has none.
        columns: their names.
    """
    limit = symmetric_scale([float(np.abs(relevance).max(initial=0.0))])
    counts = _counts(relevance, _thirds(values), limit)
    return SwarmCounts.model_validate(
        {"decisions": len(relevance), "columns": tuple(columns), "limit": limit, "counts": counts.tolist()}
    )


def beeswarm(found: SwarmCounts, columns: Sequence[str], title: str, *, width: float, row: float) -> Swarm:
    """The swarm of some of the columns, in this order.

    Args:
        found: of all columns.
        columns: that get a row.
        title: the sentence that says what the drawing shows.
        width: of the drawing.
        row: height of a table row.
    """
    counts = np.array([found.counts[found.columns.index(name)] for name in columns], dtype=np.int64)
    most = max(sum(bin_) for column in found.counts for bin_ in column)
    per_dot = max(1, math.ceil(most / MOST_DOTS))
    dots = -(-counts // per_dot)  # rounded up: one decision is seen
    radius = min(row / (2 * (MOST_DOTS + 2)), width / BINS / 2)
    shapes = ["", "", ""]
    for column, bin_ in np.argwhere(dots.sum(-1)):
        levels = np.repeat(np.arange(3), dots[column, bin_])
        x, middle = (bin_ + 0.5) * width / BINS, (column + 0.5) * row
        for place, level in enumerate(levels):
            shapes[level] += _dot(x, middle + ((len(levels) - 1) / 2 - place) * 2 * radius, radius)
    centre, height = width / 2, row * len(columns)
    parts = [
        opening(title, width, height),
        path(f"M{pt(centre)} 0H{pt(width)}V{pt(height)}H{pt(centre)}z", f'fill="{TINT}"'),
        path(f"M{pt(centre)} 0V{pt(height)}", f'stroke="{RULE}" stroke-width=".8" fill="none"'),
        *(path(shape, style) for shape, style in zip(shapes, _STYLES, strict=True)),
        "</svg>",
    ]
    return Swarm(Markup("".join(parts)), per_dot)


def _thirds(values: FloatArray) -> IntArray:
    """0, 1 or 2 for the lowest, middle and highest third of every column; 1 where there is no value."""
    found = np.ones(values.shape, dtype=np.int64)
    for column, thirds in zip(values.T, found.T, strict=True):
        known = ~np.isnan(column)
        if known.any():
            lower, upper = np.quantile(column[known], (1 / 3, 2 / 3))
            thirds[known] = (column[known] > lower).astype(np.int64) + (column[known] > upper)
    return found


def _counts(relevance: FloatArray, thirds: IntArray, limit: float) -> IntArray:
    """(C, BINS, 3): decisions by column, bin of relevance, and third of value."""
    rows, columns = relevance.shape
    bins = np.clip(((relevance / limit + 1) / 2 * BINS).astype(np.int64), 0, BINS - 1)
    found = np.zeros((columns, BINS, 3), dtype=np.int64)
    np.add.at(found, (np.broadcast_to(np.arange(columns), (rows, columns)), bins, thirds), 1)
    return found


def _dot(x: float, y: float, radius: float) -> str:
    r = pt(radius)
    return f"M{pt(x - radius)} {pt(y)}a{r} {r} 0 1 0 {pt(2 * radius)} 0a{r} {r} 0 1 0 {pt(-2 * radius)} 0z"
