"""Direction test (RS-11): a word such as "too short" is printed only if the model agrees with it for this applicant.

The column is moved, everything else unchanged, from the applicant's value toward the far end of what the reference
population shows. The word holds if the adverse margin never rises on the way and ends lower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.explaining.explainer import Explainer
from lrp_audit.explaining.reference import Reference

STEPS = 5
TAIL = 0.05  # the far end is the population's 5 % or 95 % quantile

Direction = Literal["low", "high"]
FloatArray = npt.NDArray[np.float64]


def testable(column: str, reference: Reference) -> bool:
    """Whether "low" and "high" mean anything for a column: it holds numbers, and somebody to compare with."""
    values = reference.frame.get(column)
    return values is not None and pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def tested_directions(
    explainer: Explainer, frame: pd.DataFrame, cases: Sequence[tuple[int, str]], reference: Reference
) -> list[Direction | None]:
    """For every case, a row of `frame` and a column, the direction in which its value is against the applicant.

    `low` means below the population's median, and raising it lowers the adverse margin; `high` the reverse; None that
    neither holds or the value is missing. All cases are run through the model together.
    """
    found: list[Direction | None] = [None] * len(cases)
    spreads = {column: _Spread.of(reference.frame[column]) for column in {column for _, column in cases}}
    paths = [spreads[column].path(float(frame[column].iloc[row])) for row, column in cases]
    moving = [case for case, path in enumerate(paths) if path is not None]
    if not moving:
        return found
    moved = frame.iloc[np.repeat([cases[case][0] for case in moving], STEPS + 1)].reset_index(drop=True)
    for column in {cases[case][1] for case in moving}:
        values = moved[column].to_numpy(dtype=float, copy=True).reshape(len(moving), STEPS + 1)
        for place, case in enumerate(moving):
            if cases[case][1] == column:
                values[place] = paths[case]
        moved[column] = values.reshape(-1)
    margin = explainer.margin(explainer.model.encode(moved).inputs).reshape(len(moving), STEPS + 1)
    slack = 1e-9 * (1 + np.abs(margin).max(1))
    falls = (np.diff(margin, axis=1).max(1) <= slack) & (margin[:, -1] < margin[:, 0] - slack)
    for case, holds in zip(moving, falls, strict=True):
        path = paths[case]
        if holds and path is not None:
            found[case] = "low" if path[-1] > path[0] else "high"
    return found


@dataclass(frozen=True)
class _Spread:
    """What the population shows of a column."""

    median: float
    bottom: float
    top: float
    whole: bool  # only whole numbers occur

    @classmethod
    def of(cls, population: pd.Series[Any]) -> _Spread:
        values = population.dropna().astype(float)
        bottom, median, top = values.quantile([TAIL, 0.5, 1 - TAIL])
        return cls(median, bottom, top, bool((values % 1 == 0).all()))

    def path(self, given: float) -> FloatArray | None:
        """From an applicant's value in equal steps to the far end; None where there is no way to go."""
        far = self.top if given < self.median else self.bottom
        if not (given < far if given < self.median else given > far):  # also for NaN, and an empty population
            return None
        path = np.linspace(given, far, STEPS + 1)
        return np.asarray(np.round(path) if self.whole else path)
