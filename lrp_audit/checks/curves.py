"""Deletion and insertion curves: how fast the margin moves as families are put back, one by one, in a given order.

Deletion puts the most adverse families back to the reference first; insertion starts from the reference and gives the
applicant's values back in the same order (Samek et al. 2017; Petsiuk et al. 2018). The area between a curve and that of
random orders, divided by the same area for the best order found, is 0 for chance and 1 for the best.

Insertion in one order passes the states of deletion in the opposite order, so that one walk gives an area of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

Hybrid = Callable[[BoolArray], FloatArray]  # families put back, (S, N, F) -> margin of every state and row, (S, N)


@dataclass(frozen=True)
class Curves:
    """Areas of N rows: of the given order, its reverse, random ones and the best one found; each (N,).

    An area is the mean movement of the margin over the steps: its fall in deletion, its rise in insertion.
    """

    given: FloatArray
    reverse: FloatArray
    random: FloatArray
    best: FloatArray

    @property
    def normalised(self) -> FloatArray:
        """0 like random orders, 1 like the best one, negative if worse than chance; 1 where all are equal; (N,)."""
        room = self.best - self.random
        floor = 1e-9 * (1 + np.abs(self.best))
        return np.divide(self.given - self.random, room, out=np.ones_like(room), where=room > floor)


def curves(hybrid: Hybrid, relevance: FloatArray, *, draws: int, seed: int) -> tuple[Curves, Curves]:
    """The areas of deletion and of insertion, for families in the order of falling relevance (N, F).

    `draws` random orders and their opposites, the same for all rows, are what chance is taken from. The best order is a
    greedy one, or the given one where that is better.
    """
    rows, families = relevance.shape
    given = np.argsort(-relevance, axis=1, kind="stable")
    generator = np.random.default_rng(seed)
    random = [np.tile(generator.permutation(families), (rows, 1)) for _ in range(draws)]
    ahead, back = _walk(hybrid, given), _walk(hybrid, given[:, ::-1])
    chance = [_walk(hybrid, way) for order in random for way in (order, order[:, ::-1])]
    best_deletion = _fall(_walk(hybrid, _greedy(hybrid, rows, families)))
    best_insertion = _rise(_walk(hybrid, _greedy(lambda given_back: -hybrid(~given_back), rows, families)[:, ::-1]))
    deletion = Curves(_fall(ahead), _fall(back), _mean(_fall, chance), np.maximum(best_deletion, _fall(ahead)))
    insertion = Curves(_rise(back), _rise(ahead), _mean(_rise, chance), np.maximum(best_insertion, _rise(back)))
    return deletion, insertion


def _walk(hybrid: Hybrid, order: IntArray) -> FloatArray:
    """Margins as families are put back in an order (N, F), from none to all of them; (F + 1, N)."""
    place = order.argsort(1)
    return hybrid(place[None] < np.arange(order.shape[1] + 1)[:, None, None])


def _fall(walk: FloatArray) -> FloatArray:
    """The area of deletion in the order of a walk."""
    return np.asarray((walk[0] - walk[1:]).mean(0))


def _rise(walk: FloatArray) -> FloatArray:
    """The area of insertion in the opposite order of a walk."""
    return np.asarray((walk[:-1] - walk[-1]).mean(0))


def _mean(area: Callable[[FloatArray], FloatArray], walks: list[FloatArray]) -> FloatArray:
    return np.asarray(np.mean([area(walk) for walk in walks], axis=0))


def _greedy(hybrid: Hybrid, rows: int, families: int) -> IntArray:
    """An order in which the families that lower the margin most come first; (N, F).

    What each one does is measured anew after 1, 2, 4, 8 ... of them, and in between they follow in that order: early
    steps weigh most, and late ones would cost as much.
    """
    back = np.zeros((rows, families), dtype=bool)
    order = np.empty((rows, 0), dtype=np.intp)
    while (done := order.shape[1]) < families:
        left = np.argsort(back, axis=1, kind="stable")[:, : families - done]
        tried = np.repeat(back[None], left.shape[1], axis=0)
        np.put_along_axis(tried, left.T[:, :, None], True, axis=2)
        chosen = np.take_along_axis(left, hybrid(tried).T.argsort(axis=1, kind="stable"), axis=1)[:, : max(1, done)]
        np.put_along_axis(back, chosen, True, axis=1)
        order = np.hstack([order, chosen])
    return order
