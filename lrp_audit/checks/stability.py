"""Would the same reasons be stated if the numbers had been recorded a little differently?

Every number is moved within the rounding it was recorded with (half of the last digit that the column shows), and the
decision is explained again. Reasons that do not survive that rest on digits nobody vouches for (compare the local
Lipschitz estimate of Alvarez-Melis & Jaakkola 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.checks.agreement import largest

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_DIGITS = 6  # decimals looked at for a column's last digit
_COUNTS = 30  # whole numbers with no more different values than this are counts or grades: exact, not rounded

Attribute = Callable[[pd.DataFrame], FloatArray]  # rows -> relevance of families, (N, F)


@dataclass(frozen=True)
class Stability:
    """What became of N rows' reasons under noise.

    Attributes:
        survived: stated families that stayed principal in every draw; (N,).
        change: largest relative change of a row's relevance in any draw, `||R' - R|| / ||R||`; (N,).
    """

    survived: npt.NDArray[np.intp]
    change: FloatArray


def resolution(values: pd.Series[float]) -> float:
    """Half of the last decimal that a column of numbers shows; 0 for counts, and where it shows more than six."""
    numbers = values.dropna().to_numpy(dtype=float)
    numbers = np.unique(numbers[np.isfinite(numbers)])
    if len(numbers) <= _COUNTS and np.all(numbers == np.round(numbers)):
        return 0.0
    for decimals in range(_DIGITS + 1):
        if np.allclose(numbers, np.round(numbers, decimals), rtol=1e-12, atol=0):
            return float(0.5 * 10.0**-decimals)
    return 0.0


def stability(
    attribute: Attribute,
    frame: pd.DataFrame,
    relevance: FloatArray,
    stated: BoolArray,
    half_digits: dict[str, float],
    *,
    draws: int,
    seed: int,
) -> Stability:
    """Explain rows again under `draws` noises, the same for every row.

    Args:
        attribute: explains rows.
        frame: the rows, N of them.
        relevance: their relevance over F families as it stands; (N, F).
        stated: their principal families; (N, F).
        half_digits: column -> how far its number may move either way; missing values stay missing.
        draws: how many noises.
        seed: of the noises.
    """
    generator = np.random.default_rng(seed)
    survived = stated.copy()
    change = np.zeros(len(frame))
    norm = np.linalg.norm(relevance, axis=1)
    for _ in range(draws):
        moved = attribute(_moved(frame, half_digits, generator))
        survived &= largest(moved, stated.sum(1))
        apart = np.linalg.norm(moved - relevance, axis=1)
        change = np.maximum(change, np.divide(apart, norm, out=np.zeros_like(apart), where=norm > 0))
    return Stability(survived.sum(1), change)


def _moved(frame: pd.DataFrame, half_digits: dict[str, float], generator: np.random.Generator) -> pd.DataFrame:
    noise = {column: generator.uniform(-half, half) for column, half in half_digits.items()}
    return frame.assign(**{column: frame[column].astype(float) + shift for column, shift in noise.items()})


def numeric(columns: Sequence[str], codes: frozenset[str], population: pd.DataFrame) -> dict[str, float]:
    """Column -> half of its last digit, for columns that hold measured numbers and not codes."""
    found = {
        column: resolution(population[column])
        for column in columns
        if column not in codes
        and pd.api.types.is_numeric_dtype(population[column])
        and not pd.api.types.is_bool_dtype(population[column])
    }
    return {column: half for column, half in found.items() if half > 0}
