"""Silence what scikit-learn says on every call about a fitted pipeline, where the answer is checked anyway."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def quiet() -> Iterator[None]:
    """Without UserWarning ("skipping features", "unknown categories") and floating-point warnings in this block.

    Undefined results are found by checking the encoded numbers, not by their warning.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        yield
