"""How alike two explanations of the same decisions are, and how complex one is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

FloatArray = npt.NDArray[np.float64]
Vectors = Sequence[FloatArray]  # relevance of every decision; decisions on texts have as many words as they have


def rank_similarity(first: Vectors, second: Vectors, *, sizes: bool = False) -> float:
    """Spearman's correlation of the relevance of each decision, its mean over decisions; with `sizes` without signs.

    Decisions whose relevance is the same for all inputs have no order, and are left out; NaN where all are so.
    """
    pairs = zip(first, second, strict=True)
    found = [_spearman(np.abs(a), np.abs(b)) if sizes else _spearman(a, b) for a, b in pairs]
    known = [value for value in found if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _spearman(first: FloatArray, second: FloatArray) -> float:
    if len(first) < 2:
        return float("nan")
    a, b = rankdata(first) - (len(first) + 1) / 2, rankdata(second) - (len(second) + 1) / 2
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread > 0 else float("nan")


def complexity(relevance: FloatArray) -> float:
    """Entropy of the shares of absolute relevance (Bhatt et al. 2020): 0 for one input alone, log C for all alike."""
    total = float(np.abs(relevance).sum())
    if total == 0:
        return 0.0
    share = np.abs(relevance) / total
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def complexity_rise(before: Vectors, after: Vectors) -> float:
    """Mean relative rise of complexity, as efficient MPRT takes it (Hedström et al. 2024).

    They take the entropy of a histogram of pixels; twenty columns have no histogram to speak of, so that of shares is
    taken here.
    """
    rises = [(complexity(b) - complexity(a)) / complexity(a) for a, b in zip(before, after, strict=True) if _spread(a)]
    return float(np.mean(rises)) if rises else float("nan")


def _spread(relevance: FloatArray) -> bool:
    return complexity(relevance) > 0
