"""The rows that a model is validated on: which of a table can be used, which are drawn, and their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.deciding.decision_model import DecisionModel, score_all
from lrp_audit.errors import DataError

SMALLEST = 50  # rows below which no figure is given
CANDIDATES = 4  # times the sample: rows that are scored, in a random order, to find both outcomes

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """Rows drawn from a table.

    Attributes:
        usable: the rows of the table that the model can read.
        frame: the drawn rows, in the table's order.
        adverse: which of them the model refuses; (N,).
    """

    usable: pd.DataFrame
    frame: pd.DataFrame
    adverse: BoolArray


def require_rows(frame: pd.DataFrame) -> None:
    """Raise DataError for a table too short to say anything about a model."""
    if len(frame) < SMALLEST:
        raise DataError(f"The data have {len(frame)} rows, and at least {SMALLEST} are needed to judge a model by.")


def draw_sample(model: DecisionModel, frame: pd.DataFrame, *, size: int, seed: int) -> Sample:
    """Draw rows at random, half of them refused by the model as far as there are as many.

    Raises:
        DataError: fewer than 50 rows can be read, or the model decides all of them alike.
    """
    require_rows(frame)
    problems = model.problems(frame)
    readable = np.array([row for row in range(len(frame)) if row not in problems], dtype=np.intp)
    if len(readable) < SMALLEST:
        row, why = next(iter(sorted(problems.items())))
        raise DataError(
            f"Of {len(frame)} rows the model can read {len(readable)}, and at least {SMALLEST} are needed; row "
            f"{row + 1} for instance: {why}."
        )
    order = np.random.default_rng(seed).permutation(readable)[: CANDIDATES * max(size, SMALLEST)]
    refused = np.array([outcome.adverse for outcome in score_all(model, frame.iloc[order])], dtype=bool)
    if refused.all() or not refused.any():
        which = "refuses" if refused.all() else "refuses none of"
        raise DataError(
            f"The model {which} all {len(order)} rows that were scored; a sample needs both outcomes: give other rows, "
            "or check [decision] cutoff and adverse."
        )
    rows, adverse = _balanced(order, refused, max(size, SMALLEST))
    return Sample(frame.iloc[readable].reset_index(drop=True), frame.iloc[rows].reset_index(drop=True), adverse)


def _balanced(order: IntArray, refused: BoolArray, size: int) -> tuple[IntArray, BoolArray]:
    """Half of `size` from either outcome, more of one where the other has fewer; rows in the table's order."""
    sides = order[refused], order[~refused]
    half = size // 2
    first = min(len(sides[0]), max(half, size - len(sides[1])))
    rows = np.concatenate([sides[0][:first], sides[1][: size - first]])
    place = np.argsort(rows, kind="stable")
    return rows[place], np.isin(rows[place], sides[0])


def labels_of(frame: pd.DataFrame, column: str, classes: Mapping[str, int], inputs: Sequence[str]) -> npt.NDArray[Any]:
    """The labels of rows: positions of classes, (N,), or for a regressor, which has none, values.

    Args:
        frame: the rows.
        column: holds the labels.
        classes: position of every class by its names.
        inputs: columns that the model reads.

    Raises:
        DataError: no such column, an input of the model, a missing or unknown label, or one class only.
    """
    if column not in frame:
        raise DataError(f"The data have no column '{column}' for the labels (--label).")
    if column in inputs:
        raise DataError(f"The label column '{column}' is an input of the model; name the one with what became known.")
    cells = frame[column]
    if cells.isna().any():
        first, count = int(np.flatnonzero(cells.isna())[0]) + 1, int(cells.isna().sum())
        raise DataError(f"The label column '{column}' has no value in {count} rows, first in row {first}.")
    if not classes:
        return _values(cells, column)
    found = [_position(cell, classes) for cell in cells]
    if None in found:
        word = cells.iloc[found.index(None)]
        names = ", ".join(f"'{name}'" for name in classes)
        raise DataError(f"The label column '{column}' holds '{word}', which is no class of the model ({names}).")
    if len(set(found)) == 1:
        raise DataError(
            f"The label column '{column}' holds one class only, '{cells.iloc[0]}'; give rows of others too."
        )
    return np.array(found, dtype=np.intp)


def _position(cell: object, classes: Mapping[str, int]) -> int | None:
    """The class of a label; numbers may be written with or without a decimal point."""
    words = [str(cell), *([str(int(cell)), str(float(cell))] if _is_whole(cell) else [])]
    return next((classes[word] for word in words if word in classes), None)


def _is_whole(cell: object) -> TypeGuard[float]:
    return isinstance(cell, (int, float, np.integer, np.floating)) and float(cell).is_integer()


def _values(cells: pd.Series[Any], column: str) -> npt.NDArray[Any]:
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"The label column '{column}' must hold numbers, as the model predicts a value.")
    return values
