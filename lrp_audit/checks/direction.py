"""Direction test (RS-11): a word such as "too short" is printed only if the model agrees with it for this applicant.

The column is moved, everything else unchanged, from the applicant's value toward the far end of what the reference
population shows, its 5 % or 95 % quantile. The word holds if the adverse margin never rises on the way and ends lower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

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
        frame: the rows as the model's encoding reads them.
        inputs: the rows as the network takes them.
        rows: of every case; (T,).
        columns: of every case, with numbers that are no codes; (T,).
        reference: what the population shows.
    """
    names = explainer.model.columns
    walks: dict[int, _Walks] = {}
    for column in np.unique(columns).tolist():
        values = frame[names[column]].to_numpy(dtype=float, na_value=np.nan)
        walk = _Walks.of(values, np.flatnonzero(columns == column), rows, reference.ranges[names[column]])
        if len(walk.cases):
            walks[column] = walk
    margin, rising = np.repeat(explainer.margin(inputs)[rows, None], STEPS + 1, 1), np.zeros(len(rows), dtype=bool)
    encoded = _encoded(explainer, frame, walks) if walks else {}
    for column, walk in walks.items():
        rising[walk.cases] = walk.rising[walk.of_case]
        margin[walk.cases, 1:] = _margins(explainer, inputs, rows[walk.cases], column, walk, encoded)
    slack = 1e-9 * (1 + np.abs(margin).max(1, initial=0.0))
    falls = (np.diff(margin, axis=1).max(1) <= slack) & (margin[:, -1] < margin[:, 0] - slack)
    found: list[Direction | None] = [None] * len(rows)
    for case in np.flatnonzero(falls).tolist():
        found[case] = "low" if rising[case] else "high"
    return found


@dataclass(frozen=True)
class _Walks:
    """The ways from applicants' values of one column to the far end of the population's.

    Attributes:
        paths: one for every different value, in equal steps, the value itself left out; (P, STEPS).
        rising: whether a path goes up; (P,).
        cases: those that have a way to go; (W,).
        of_case: the path of each; (W,).
    """

    paths: FloatArray
    rising: npt.NDArray[np.bool_]
    cases: IntArray
    of_case: IntArray

    @classmethod
    def of(cls, column: FloatArray, cases: IntArray, rows: IntArray, shown: Range) -> _Walks:
        """Those of some cases, whose rows hold their values in `column`."""
        values, of_case = np.unique(column[rows[cases]], return_inverse=True)
        rising = values < shown.median
        far = np.where(rising, shown.top, shown.bottom)
        paths = values[:, None] + (far - values)[:, None] * np.arange(1, STEPS + 1) / STEPS
        paths[:, -1] = far
        if shown.whole:
            paths = np.round(paths)
        moves = np.where(rising, values < far, values > far)[of_case]  # never for NaN, nor against an empty population
        return cls(paths, rising, cases[moves], of_case[moves])


def _encoded(explainer: Explainer, frame: pd.DataFrame, walks: Mapping[int, _Walks]) -> Mapping[str, Tensor]:
    """The paths of all columns, encoded side by side in one table: every element of its rows belongs to one column."""
    model = explainer.model
    names = [model.columns[column] for column in walks]
    longest = max(len(walk.paths) for walk in walks.values()) * STEPS
    values = np.repeat(frame[names].iloc[:1].to_numpy(dtype=float, na_value=np.nan), longest, 0)
    for place, walk in enumerate(walks.values()):
        way = walk.paths.reshape(-1)
        values[: len(way), place] = np.where(np.isfinite(way), way, values[: len(way), place])
    others = frame.drop(columns=names).iloc[[0] * longest].reset_index(drop=True)
    table = pd.concat([others, pd.DataFrame(values, columns=names)], axis=1)
    return model.encoding.inputs(table[list(frame.columns)])


def _margins(
    explainer: Explainer,
    inputs: Mapping[str, Tensor],
    rows: IntArray,
    column: int,
    walk: _Walks,
    encoded: Mapping[str, Tensor],
) -> FloatArray:
    """The margins of rows on the steps of their paths, which replace the elements of one column; (W, STEPS).

    Steps that rounding makes the same are run once.
    """
    new = (np.diff(walk.paths, axis=1, prepend=np.nan) != 0)[walk.of_case]
    own = torch.from_numpy(rows.repeat(new.sum(1)))
    moved = torch.from_numpy((walk.of_case[:, None] * STEPS + np.arange(STEPS))[new])
    mixed = {}
    for name, value in inputs.items():
        elements = torch.from_numpy(np.flatnonzero(explainer.model.owners[name] == column))
        mixed[name] = value[own]
        mixed[name][:, elements] = encoded[name][moved[:, None], elements]
    return np.asarray(explainer.margin(mixed)[new.cumsum() - 1].reshape(-1, STEPS))
