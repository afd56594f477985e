"""Would the same reasons be stated if the numbers had been recorded a little differently?

Every number is moved within the rounding it was recorded with (half of the last digit that the column shows), and the
decision is explained again. Reasons that do not survive that rest on digits nobody vouches for. How fast relevance
moves is estimated as by Alvarez-Melis & Jaakkola (2018): the largest `||R' - R|| / ||x' - x||`, over what the network
takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import Tensor

from lrp_audit.checks.agreement import largest

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_DIGITS = 6  # decimals looked at for a column's last digit
_COUNTS = 30  # whole numbers with no more different values than this are counts or grades: exact, not rounded

Encode = Callable[[pd.DataFrame], Mapping[str, Tensor]]
Attribute = Callable[[Mapping[str, Tensor]], FloatArray]  # encoded rows -> relevance of families, (N, F)


@dataclass(frozen=True)
class Stability:
    """What became of N rows' reasons under noise.

    Attributes:
        survived: stated families that stayed principal in every draw; (N,).
        change: largest relative change of a row's relevance in any draw, `||R' - R|| / ||R||`; (N,).
        lipschitz: largest `||R' - R|| / ||x' - x||` of any draw; 0 where no number could move; None of edits of a text,
            which have no size; (N,).
    """

    survived: npt.NDArray[np.intp]
    change: FloatArray
    lipschitz: FloatArray | None


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
    encode: Encode,
    attribute: Attribute,
    frame: pd.DataFrame,
    relevance: FloatArray,
    stated: BoolArray,
    half_digits: Mapping[str, float],
    *,
    draws: int,
    seed: int,
) -> Stability:
    """Explain rows again under `draws` noises, the same for every row; all of them are explained together.

    Args:
        encode: rows as the network takes them.
        attribute: explains encoded rows.
        frame: the rows, N of them.
        relevance: their relevance over F families as it stands; (N, F).
        stated: their principal families; (N, F).
        half_digits: column -> how far its number may move either way; missing values stay missing.
        draws: how many noises.
        seed: of the noises.
    """
    generator = np.random.default_rng(seed)
    noisy = encode(pd.concat([_moved(frame, half_digits, generator) for _ in range(draws)], ignore_index=True))
    moved = attribute(noisy).reshape(draws, *relevance.shape)
    kept = [largest(found, stated.sum(1)) for found in moved]
    apart = np.linalg.norm(moved - relevance, axis=2)
    norm = np.linalg.norm(relevance, axis=1)
    way = np.sqrt(_squares(encode(frame), noisy, draws))
    return Stability(
        survived=(stated & np.all(kept, axis=0)).sum(1),
        change=np.divide(apart, norm, out=np.zeros_like(apart), where=norm > 0).max(0),
        lipschitz=np.divide(apart, way, out=np.zeros_like(apart), where=way > 0).max(0),
    )


def _squares(inputs: Mapping[str, Tensor], noisy: Mapping[str, Tensor], draws: int) -> FloatArray:
    """How far every noise moved every row, squared; (draws, N)."""
    total = np.zeros((draws, len(next(iter(inputs.values())))))
    for name, value in inputs.items():
        apart = noisy[name].reshape(draws, *value.shape) - value
        total += (apart.double() ** 2).reshape(*total.shape, -1).sum(2).numpy()
    return total


def _moved(frame: pd.DataFrame, half_digits: Mapping[str, float], generator: np.random.Generator) -> pd.DataFrame:
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
