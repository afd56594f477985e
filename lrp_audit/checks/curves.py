"""Deletion and insertion curves: how fast the margin moves as families are put back, one by one, in a given order.

Deletion puts the most adverse families back to the reference first; insertion starts from the reference and gives the
applicant's values back in the same order (Samek et al. 2017; Petsiuk et al. 2018). The area between a curve and that of
random orders, divided by the same area for a greedy best order, is 0 for chance and 1 for the best that can be found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

Hybrid = Callable[[BoolArray], FloatArray]  # families put back, (N, F) -> mean margin over the reference, (N,)


@dataclass(frozen=True)
class Curves:
    """Areas of N rows: of the given order, its reverse, random ones and a greedy best one; each (N,).

    An area is the mean fall of the margin over the steps of deletion.
    """

    given: FloatArray
    reverse: FloatArray
    random: FloatArray
    best: FloatArray

    @property
    def normalised(self) -> FloatArray:
        """0 like random orders, 1 like the greedy best, negative if worse than chance; 1 where all are equal; (N,)."""
        room = self.best - self.random
        floor = 1e-9 * (1 + np.abs(self.best))
        return np.divide(self.given - self.random, room, out=np.ones_like(room), where=room > floor)


def deletion_curves(hybrid: Hybrid, relevance: FloatArray, *, draws: int, seed: int) -> Curves:
    """The areas for families in the order of falling relevance (N, F); `draws` random orders, the same for all rows."""
    rows, families = relevance.shape
    start = hybrid(np.zeros((rows, families), dtype=bool))
    given = np.argsort(-relevance, axis=1, kind="stable")
    generator = np.random.default_rng(seed)
    random = [np.tile(generator.permutation(families), (rows, 1)) for _ in range(draws)]
    return Curves(
        given=_area(hybrid, start, given),
        reverse=_area(hybrid, start, given[:, ::-1]),
        random=np.mean([_area(hybrid, start, order) for order in random], axis=0),
        best=_area(hybrid, start, _greedy(hybrid, rows, families)),
    )


def insertion_curves(hybrid: Hybrid, relevance: FloatArray, *, draws: int, seed: int) -> Curves:
    """As `deletion_curves`, for giving families back: the area is the mean rise of the margin above the reference."""
    return deletion_curves(lambda given_back: -hybrid(~given_back), relevance, draws=draws, seed=seed)


def _area(hybrid: Hybrid, start: FloatArray, order: IntArray) -> FloatArray:
    """Mean over steps of how far the margin has fallen; the last step, the same for all orders, included."""
    back = np.zeros(order.shape, dtype=bool)
    fallen = np.zeros(len(order))
    for step in range(order.shape[1]):
        np.put_along_axis(back, order[:, step : step + 1], True, axis=1)
        fallen += start - hybrid(back)
    return np.asarray(fallen / order.shape[1])


def _greedy(hybrid: Hybrid, rows: int, families: int) -> IntArray:
    """An order in which every next family lowers the margin most; (N, F). F (F + 1) / 2 hybrids."""
    back = np.zeros((rows, families), dtype=bool)
    order = np.zeros((rows, families), dtype=np.intp)
    for step in range(families):
        margins = np.full((rows, families), np.inf)
        for family in range(families):
            tried = back.copy()
            tried[:, family] = True
            margins[:, family] = np.where(back[:, family], np.inf, hybrid(tried))
        order[:, step] = margins.argmin(1)
        np.put_along_axis(back, order[:, step : step + 1], True, axis=1)
    return order
