"""Explained decisions as one table: what every function of this room reads.

Rows are decisions by id, columns are the model's inputs. `+` is toward the adverse outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.errors import DataError

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


class TooFewDecisionsError(DataError):
    """Too few decisions were explained to say what they rest on."""


@dataclass(frozen=True, eq=False)
class ExplainedTable:
    """N decisions with the relevance of C columns; the index of all parts is the decisions' ids.

    Raises:
        DataError: an id or column comes twice, parts have different ids, there is no row, or relevance is not finite.
    """

    relevance: pd.DataFrame  # (N, C)
    adverse: pd.Series[bool]  # (N,)
    score: pd.Series[float]  # (N,), the margin of the adverse outcome
    values: pd.DataFrame | None = None  # (N, some of C), as the applicants gave them
    left_out: int = 0  # decisions that were not explained

    def __post_init__(self) -> None:
        if self.relevance.empty:
            raise DataError("There are no explained decisions to aggregate; explain some first.")
        for kind, names in (("id", self.relevance.index), ("column", self.relevance.columns)):
            if not names.is_unique:
                raise DataError(
                    f"The {kind} {str(names[names.duplicated()][0])!r} comes more than once; keep one of each."
                )
        indices = [self.adverse.index, self.score.index, *([] if self.values is None else [self.values.index])]
        for index in indices:
            if not index.equals(self.relevance.index):
                raise DataError("Relevance, outcomes, scores and values have different ids; give them one index.")
        _check_finite(self.relevance)
        _check_finite(self.score.to_frame("score"))

    def __len__(self) -> int:
        return len(self.relevance)

    @property
    def columns(self) -> list[str]:
        return [str(name) for name in self.relevance.columns]

    @property
    def ids(self) -> pd.Index[str]:
        return self.relevance.index.astype(str)

    @property
    def array(self) -> FloatArray:
        """(N, C) relevance."""
        return self.relevance.to_numpy(dtype=np.float64)

    def only(self, chosen: BoolArray | IntArray) -> ExplainedTable:
        """The chosen rows: (N,) of truth, or their places."""
        rows = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(
            self,
            relevance=self.relevance.iloc[rows],
            adverse=self.adverse.iloc[rows],
            score=self.score.iloc[rows],
            values=None if self.values is None else self.values.iloc[rows],
        )


def joined(parts: Sequence[ExplainedTable]) -> ExplainedTable:
    """One table of several with the same columns. Raises DataError where an id comes twice."""
    if len(parts) == 1:
        return parts[0]
    values = [part.values for part in parts if part.values is not None]
    return replace(
        parts[0],
        relevance=pd.concat([part.relevance for part in parts]),
        adverse=pd.concat([part.adverse for part in parts]),
        score=pd.concat([part.score for part in parts]),
        values=pd.concat(values) if len(values) == len(parts) else None,
        left_out=sum(part.left_out for part in parts),
    )


def _check_finite(frame: pd.DataFrame) -> None:
    broken = ~np.isfinite(frame.to_numpy(dtype=np.float64))
    if broken.any():
        row, column = (int(place) for place in np.argwhere(broken)[0])
        raise DataError(
            f"Decision {str(frame.index[row])!r} has no finite number for {str(frame.columns[column])!r} "
            f"({int(broken.any(1).sum())} such rows); explain them again or leave them out."
        )
