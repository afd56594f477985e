"""Direction test (RS-11): a word such as "too short" is printed only if the model agrees with it for this applicant.

The column is moved, everything else unchanged, from the applicant's value toward the far end of what the reference
population shows. The word holds if the adverse margin never rises on the way and ends lower.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.explainer import Explainer
from lrp_audit.reference import Reference

STEPS = 5
TAIL = 0.05  # the far end is the population's 5 % or 95 % quantile

Direction = Literal["low", "high"]
FloatArray = npt.NDArray[np.float64]


def testable(column: str, reference: Reference) -> bool:
    """Whether "low" and "high" mean anything for a column: it holds numbers, and somebody to compare with."""
    values = reference.frame.get(column)
    return values is not None and pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def tested_directions(
    explainer: Explainer, frame: pd.DataFrame, column: str, reference: Reference
) -> list[Direction | None]:
    """For every row of `frame` (N rows), the direction in which its value of `column` is against the applicant.

    `low` means below the population's median, and raising it lowers the adverse margin; `high` the reverse; None that
    neither holds or the value is missing.
    """
    population = reference.frame[column].dropna().astype(float)
    given = frame[column].to_numpy(dtype=float)
    if population.empty or not len(frame):
        return [None] * len(frame)
    low = given < population.median()
    far = np.where(low, population.quantile(1 - TAIL), population.quantile(TAIL))
    rows = np.flatnonzero(np.where(low, far > given, far < given))  # false for NaN
    held = np.zeros(len(frame), dtype=bool)
    if len(rows):
        paths = given[rows, None] + (far - given)[rows, None] * np.linspace(0, 1, STEPS + 1)
        if (population % 1 == 0).all():
            paths = np.round(paths)
        held[rows] = _falls(explainer, frame.iloc[rows], column, paths)
    return [("low" if below else "high") if holds else None for below, holds in zip(low, held, strict=True)]


def _falls(explainer: Explainer, frame: pd.DataFrame, column: str, paths: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether the margin falls, never rising, while `column` takes the values of each row's path (N, steps); (N,)."""
    moved = frame.iloc[np.repeat(np.arange(len(frame)), paths.shape[1])].reset_index(drop=True)
    moved[column] = paths.reshape(-1)
    margin = explainer.margin(explainer.model.encode(moved).inputs).reshape(paths.shape)
    slack = 1e-9 * (1 + np.abs(margin).max(1))
    return np.asarray((np.diff(margin, axis=1).max(1) <= slack) & (margin[:, -1] < margin[:, 0] - slack))
