"""Shapley values over a reference population by sampled permutations (Castro et al. 2009; Štrumbelj & Kononenko 2014).

A permutation turns a member into the applicant, column by column, and books each step to its column; its reverse is
always walked too (antithetic, Mitchell et al. 2022). Every walk sums to `f(x) - f(r)` exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrp_audit.explaining.explainer import ColumnRelevance, Explainer, Margin
from lrp_audit.explaining.methods.integrated_gradients import require_members
from lrp_audit.explaining.reference import Reference

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class ShapleyValues:
    """Sampled Shapley values of N rows over C columns.

    Attributes:
        columns: the values; their sums are exact, each value is an estimate.
        standard_error: of every value, (N, C), from the spread between members with their permutations.
    """

    columns: ColumnRelevance
    standard_error: FloatArray


def shapley_values(
    explainer: Explainer, inputs: Mapping[str, Tensor], reference: Reference, *, permutations: int, seed: int
) -> ShapleyValues:
    """Shapley values over all members, by `permutations` pairs of opposite orders for each of them.

    The orders are the same for every row, so that a row's values do not depend on its neighbours. Costs
    `2 x permutations x members x C` forward passes of all rows.

    Raises:
        ReferenceDataError: the reference is zero.
    """
    require_members(reference, "Shapley values")
    columns, members = len(explainer.model.columns), len(reference)
    generator = np.random.default_rng(seed)
    orders = generator.permuted(np.tile(np.arange(columns), (members * permutations, 1)), axis=1)
    rows = [_of_row(explainer, inputs, row, reference, orders) for row in range(len(next(iter(inputs.values()))))]
    explained, own = explainer.difference(inputs, reference.members)
    found = np.array([values for values, _ in rows]).reshape(-1, columns)
    return ShapleyValues(
        ColumnRelevance(found, explained, own - explained, {}),
        np.array([error for _, error in rows]).reshape(-1, columns),
    )


def _of_row(
    explainer: Explainer, inputs: Mapping[str, Tensor], row: int, reference: Reference, orders: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard error, each (C,), over members and orders (M * P, C)."""
    applicant = {name: value[row] for name, value in inputs.items()}
    margin = explainer.margin_over({name: value[row : row + 1] for name, value in inputs.items()})
    places = orders.argsort(1)
    walks = np.mean(
        [_walk(explainer, margin, applicant, reference, way) for way in (places, orders.shape[1] - 1 - places)], axis=0
    )
    by_member = walks.reshape(len(reference), -1, walks.shape[1]).mean(1)
    spread = by_member.std(0, ddof=1) if len(by_member) > 1 else np.full(walks.shape[1], np.nan)
    return by_member.mean(0), spread / np.sqrt(len(by_member))


def _walk(
    explainer: Explainer, margin: Margin, applicant: Mapping[str, Tensor], reference: Reference, places: IntArray
) -> FloatArray:
    """What each column adds when its turn comes; `places` (W, C) is each column's turn, walk by walk. (W, C)."""
    walks, columns = places.shape
    start = torch.from_numpy(np.arange(walks) * len(reference) // walks)
    states = []
    for size in range(columns + 1):
        taken = places < size
        state = {
            name: torch.where(
                torch.from_numpy(taken[:, explainer.model.owners[name]]).reshape(walks, *value.shape[1:]),
                applicant[name],
                value[start],
            )
            for name, value in reference.members.items()
        }
        with torch.no_grad():
            states.append(margin(state).numpy())
    steps = np.diff(np.array(states), axis=0).T
    return np.asarray(np.take_along_axis(steps, places, axis=1))
