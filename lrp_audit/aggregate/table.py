"""Explained decisions as one table: what every function of this room reads.

Rows are decisions by id, columns are the model's inputs (or reason families). `+` is toward the adverse outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.errors import DataError
from lrp_audit.records.record import Record

SMALLEST_GROUP = 50  # people that a printed aggregate stands for (G-07)

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]


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
    families: Mapping[str, str] = field(default_factory=dict)  # column -> family
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
    def array(self) -> FloatArray:
        """(N, C) relevance."""
        return self.relevance.to_numpy(dtype=np.float64)

    def only(self, chosen: npt.NDArray[np.bool_]) -> ExplainedTable:
        """The chosen rows; `chosen` is (N,)."""
        values = None if self.values is None else self.values[chosen]
        return replace(
            self,
            relevance=self.relevance[chosen],
            adverse=self.adverse[chosen],
            score=self.score[chosen],
            values=values,
        )

    def by_family(self) -> ExplainedTable:
        """The same decisions with relevance summed by reason family; a column without one stands for itself."""
        names = [self.families.get(name, name) for name in self.columns]
        summed = self.relevance.T.groupby(names, sort=False).sum().T
        return replace(self, relevance=summed, values=None, families={})


def _check_finite(frame: pd.DataFrame) -> None:
    broken = ~np.isfinite(frame.to_numpy(dtype=np.float64))
    if broken.any():
        row, column = (int(place) for place in np.argwhere(broken)[0])
        raise DataError(
            f"Decision {str(frame.index[row])!r} has no finite number for {str(frame.columns[column])!r} "
            f"({int(broken.any(1).sum())} such rows); explain them again or leave them out."
        )


def collect(records: Iterable[Record]) -> ExplainedTable:
    """One table of all records; those without an explanation are counted in `left_out`.

    Texts are not kept as values: they would be as many as decisions, and personal.

    Raises:
        DataError: no record was explained, two have one id, or two differ in their columns.
    """
    explained, left_out = [], 0
    for record in records:
        if record.outcome is None or not record.contributions:
            left_out += 1
        else:
            explained.append(record)
    if not explained:
        raise DataError(f"None of the {left_out} records holds an explanation; explain decisions first.")
    columns = sorted(item.column for item in explained[0].contributions)
    rows = [_row(record, columns) for record in explained]
    ids = pd.Index([record.decision.id for record in explained], name="id")
    relevance, values = (pd.DataFrame([row[part] for row in rows], index=ids, columns=columns) for part in (0, 1))
    outcomes = [record.outcome for record in explained if record.outcome is not None]
    return ExplainedTable(
        relevance=relevance.astype("float64"),
        adverse=pd.Series([item.adverse for item in outcomes], index=ids, dtype=bool),
        score=pd.Series([item.margin for item in outcomes], index=ids, dtype="float64"),
        values=values.drop(columns=sorted({item.column for item in explained[0].text_evidence} & {*columns})),
        families={item.column: item.family for item in explained[0].contributions},
        left_out=left_out,
    )


def chunks(records: Iterable[Record], size: int = 1000) -> Iterator[ExplainedTable]:
    """The records as tables of at most `size` rows, so that no more than one is in memory."""
    remaining = iter(records)
    while part := list(islice(remaining, size)):
        if any(record.contributions for record in part):
            yield collect(part)


def _row(record: Record, columns: list[str]) -> tuple[list[float], list[Any]]:
    found = {item.column: item for item in record.contributions}
    if odd := sorted(found.keys() ^ set(columns)):
        raise DataError(
            f"Decision {record.decision.id!r} differs from the first one in the column {odd[0]!r}; aggregate the "
            "decisions of one model at a time."
        )
    return [found[name].relevance for name in columns], [found[name].value for name in columns]
