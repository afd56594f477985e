"""Direction test (RS-11): a word such as "too short" is printed only if the model agrees with it for this applicant.

The column is moved, everything else unchanged, from the applicant's value toward the far end of what the reference
population shows, its 5 % or 95 % quantile. The word holds if the adverse margin never rises on the way and ends lower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from lrp_audit.explaining.explainer import Explainer
from lrp_audit.explaining.reference import Range, Reference

STEPS = 5

Direction = Literal["low", "high"]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def tested_directions(
    explainer: Explainer,
    frame: pd.DataFrame,
    inputs: Mapping[str, Tensor],
    rows: IntArray,
    columns: IntArray,
    reference: Reference,
) -> list[Direction | None]:
    """For every case, a row and a column of the model, the direction in which its value is against the applicant.

    `low` means below the population's median, and raising it lowers the adverse margin; `high` the reverse; None that
    neither holds or the value is missing. All cases are run through the model together.

    Args:
        explainer: the model that is asked.
        frame: the rows as given.
        inputs: the rows as the network takes them.
        rows: of every case; (T,).
        columns: of every case, with numbers that are no codes; (T,).
        reference: what the population shows.
    """
    names = explainer.model.columns
    walks: dict[int, _Walks] = {}
    case = np.full(len(rows), -1, dtype=np.intp)
    for column in np.unique(columns).tolist():
        here = columns == column
        walks[column] = _Walks.of(frame[names[column]].iloc[rows[here]], reference.ranges[names[column]])
        case[here] = walks[column].of_row
    found: list[Direction | None] = [None] * len(rows)
    moving = np.flatnonzero(case >= 0)
    if not len(moving):
        return found
    margin = _margins(explainer, frame, inputs, rows[moving], columns[moving], case[moving], walks)
    slack = 1e-9 * (1 + np.abs(margin).max(1))
    falls = (np.diff(margin, axis=1).max(1) <= slack) & (margin[:, -1] < margin[:, 0] - slack)
    for place in moving[falls]:
        found[place] = "low" if walks[int(columns[place])].rising[case[place]] else "high"
    return found


@dataclass(frozen=True)
class _Walks:
    """The ways from an applicant's values of one column to the far end of the population's.

    Attributes:
        paths: one for every different value, in equal steps, the value itself left out; (P, STEPS).
        rising: whether a path goes up; (P,).
        of_row: the path of every row given; -1 where there is no way to go; (N,).
    """

    paths: FloatArray
    rising: npt.NDArray[np.bool_]
    of_row: IntArray

    @classmethod
    def of(cls, given: pd.Series[Any], shown: Range) -> _Walks:
        values, of_row = np.unique(given.to_numpy(dtype=float, na_value=np.nan), return_inverse=True)
        rising = values < shown.median
        far = np.where(rising, shown.top, shown.bottom)
        paths = values[:, None] + (far - values)[:, None] * np.arange(1, STEPS + 1) / STEPS
        paths[:, -1] = far
        if shown.whole:
            paths = np.round(paths)
        moves = np.where(rising, values < far, values > far)  # never for NaN, nor against an empty population
        return cls(paths, rising, np.where(moves[of_row], of_row, -1))


def _margins(
    explainer: Explainer,
    frame: pd.DataFrame,
    inputs: Mapping[str, Tensor],
    rows: IntArray,
    columns: IntArray,
    paths: IntArray,
    walks: Mapping[int, _Walks],
) -> FloatArray:
    """The margin of every case at its own value and on the steps of its path; (T, STEPS + 1).

    Every element of an encoded row belongs to one column. So the paths of all columns are encoded side by side in one
    table, and their elements put into the encoded rows.
    """
    model = explainer.model
    longest = max(len(walk.paths) for walk in walks.values()) * STEPS
    table = frame.iloc[[0] * longest].reset_index(drop=True)
    steps = {}
    for column, walk in walks.items():
        values = table[model.columns[column]].to_numpy(dtype=float, na_value=np.nan, copy=True)
        way = walk.paths.reshape(-1)
        values[: len(way)] = np.where(np.isfinite(way), way, values[: len(way)])
        steps[model.columns[column]] = values
    encoded = model.encode(table.assign(**steps)).inputs
    own, moved = torch.from_numpy(rows), torch.from_numpy(paths[:, None] * STEPS + np.arange(STEPS)).reshape(-1)
    mixed = {}
    for name, value in inputs.items():
        mine = torch.from_numpy(model.owners[name] == columns[:, None]).repeat_interleave(STEPS, 0)
        mixed[name] = torch.where(
            mine.reshape(-1, *value.shape[1:]), encoded[name][moved], value[own].repeat_interleave(STEPS, 0)
        )
    start = explainer.margin(inputs)[rows]
    return np.column_stack([start, explainer.margin(mixed).reshape(len(rows), STEPS)])
