"""Relevance between mixed states: closer to Shapley values than relevance from the reference members themselves.

A Shapley value averages over coalitions, states in which some columns hold the applicant's values and the others a
reference member's. Relevance of `f(x) - f(r)` sees only the two ends. So for every member a coalition S is drawn and a
multiplier is taken between the mixed state z (the applicant on S, the member elsewhere) and the point a part of the way
to its complement z'; it is weighted with the difference of applicant and member. Two corrections follow:

* members are a sample of the population, and the mean multiplier times the difference of their means accounts for that
  (a control variate: exact for linear models);
* the sum is then close to `f(x) - mean f(population)`, not equal to it. What is missing is added in proportion to each
  column's sampling variance, the change most likely under the draws; a column that never mattered stays at zero.
  What was moved is booked.

Measured against permutation Shapley values: `benchmarks/shapley_distance.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

STEP = 0.25  # of the way from a mixed state to its complement

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Inputs = Mapping[str, Tensor]
Propagate = Callable[[Inputs, Inputs], Mapping[str, Tensor]]  # rows, a reference each -> relevance


@dataclass(frozen=True)
class Estimate:
    """Relevance of N rows over C columns, and what was added to make it complete.

    Attributes:
        relevance: (N, C); sums to the difference that was given.
        moved: (N,), the part of that sum that completeness added.
    """

    relevance: FloatArray
    moved: FloatArray


def draw_coalitions(members: int, columns: int, seed: int) -> BoolArray:
    """A coalition for every member, (K, C): sizes spread evenly over 0 ... C, which columns at random."""
    generator = np.random.default_rng(seed)
    size = np.floor((generator.permutation(members) + 0.5) / members * (columns + 1))
    place = generator.random((members, columns)).argsort(1).argsort(1)
    return np.asarray(place < size[:, None])


def estimate(
    propagate: Propagate,
    to_columns: Callable[[Inputs], FloatArray],
    inputs: Inputs,
    members: Inputs,
    mean: Inputs,
    coalitions: Mapping[str, BoolArray],
    difference: FloatArray,
) -> Estimate:
    """Relevance of every row, by one mixed state for each member.

    Args:
        propagate: relevance of rows against a reference row each, by rules that conserve.
        to_columns: from relevance of a row's elements to columns, (N, C); sums elements.
        inputs: the rows explained, N of each input.
        members: K rows of each input.
        mean: the population's mean of each input, one row.
        coalitions: which elements hold the applicant's value, by member; (K, elements of a row).
        difference: what the relevance of each row sums to; (N,).
    """
    count = len(next(iter(members.values())))
    total = squares = np.zeros(1)
    slopes = _Slopes(inputs)
    for k in range(count):
        member = {name: value[k] for name, value in members.items()}
        found = _between(
            propagate, inputs, member, {name: torch.from_numpy(chosen[k]) for name, chosen in coalitions.items()}
        )
        slopes.add(found, inputs, member)
        columns = to_columns(found)
        total, squares = total + columns, squares + columns**2
    shift = {name: slopes.mean(name) * (members[name].mean(0) - mean[name]) for name in inputs}
    relevance = total / count + to_columns(shift)
    variance = np.maximum(squares / count - (total / count) ** 2, 0.0)
    return _complete(relevance, variance, difference)


def _between(propagate: Propagate, inputs: Inputs, member: Inputs, chosen: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Multipliers between a mixed state and a part of the way to its complement, times applicant less member."""
    state, toward = {}, {}
    for name, value in inputs.items():
        mask = chosen[name].reshape(value.shape[1:])
        state[name] = torch.where(mask, value, member[name])
        toward[name] = state[name] + STEP * (torch.where(mask, member[name], value) - state[name])
    relevance = propagate(state, toward)
    # `state - toward` is STEP * (applicant - member) on the coalition, and minus that elsewhere.
    return {
        name: torch.where(chosen[name].reshape(found.shape[1:]), found, -found) / STEP
        for name, found in relevance.items()
    }


class _Slopes:
    """Mean multiplier of every element over the members that differ from the row there; elsewhere it is not known."""

    def __init__(self, inputs: Inputs) -> None:
        self._sums = {name: torch.zeros_like(value) for name, value in inputs.items()}
        self._counts = {name: torch.zeros_like(value) for name, value in inputs.items()}

    def add(self, relevance: Inputs, inputs: Inputs, member: Inputs) -> None:
        for name, found in relevance.items():
            apart = inputs[name] - member[name]
            differs = apart != 0
            self._sums[name] += torch.where(differs, found / torch.where(differs, apart, 1.0), 0.0)
            self._counts[name] += differs

    def mean(self, name: str) -> Tensor:
        return self._sums[name] / self._counts[name].clamp(min=1)


def _complete(relevance: FloatArray, variance: FloatArray, difference: FloatArray) -> Estimate:
    moved = difference - relevance.sum(1)
    spread = variance.sum(1, keepdims=True)
    share = np.divide(variance, spread, out=np.zeros_like(variance), where=spread > 0)
    return Estimate(relevance + moved[:, None] * share, np.where(spread[:, 0] > 0, moved, 0.0))
