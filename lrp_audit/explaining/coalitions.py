"""Relevance between mixed states: closer to Shapley values than relevance from the reference members alone.

A Shapley value averages over coalitions, states in which some columns hold the applicant's values and the others a
reference member's. Relevance of `f(x) - f(r)` sees only the two ends. So for some members a coalition S is drawn, and
with it the opposite one: z holds the applicant's values on S and the member's elsewhere, z' the other way round. From
each of them a multiplier is taken over a part of the way to the other, and weighted with the difference of applicant
and member. What this pair says more than the member's ordinary relevance is what columns do in company; its mean over
the drawn members corrects the ordinary relevance over all members.

* Where no columns interact, `f(z) + f(z')` equals `f(x) + f(r)`, and ordinary relevance is the Shapley value itself. So
  the correction is weighted with `q / (q + 0.05)`, q being that difference over `f(x) - f(r)` (root mean squares over
  the pairs drawn): an additive model keeps what it had, to rounding.
* A mean over few pairs is noise too: the correction is shrunk by the share of its square that its own sampling error
  explains (James & Stein 1961, positive part). On quadratic models there is no sampling error, and relevance is exact.
* The correction does not sum to zero by itself. What is over is given back in proportion to its variance in each
  column, the change most likely under the draws; a column that never mattered stays at zero. What was moved is booked.

Measured against permutation Shapley values, with what was tried beside it: docs/decisions/coalitions.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

PAIRS = 46  # coalitions drawn, each with its opposite
STEP = 0.15  # of the way from a mixed state to the opposite one
DOUBT = 0.05  # the share of interaction at which half of the correction is applied
ROWS_AT_ONCE = 2048

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]
Inputs = Mapping[str, Tensor]
Explain = Callable[[Inputs, Inputs], tuple[FloatArray, FloatArray]]
"""Rows and a reference row for each -> relevance of columns (R, C), by rules that conserve, and margins (R,)."""


@dataclass(frozen=True)
class Pairs:
    """Coalitions drawn: K members with one each, whose opposites belong to them too.

    Attributes:
        members: positions in the reference; (K,).
        chosen: which columns hold the applicant's value; (K, C).
    """

    members: IntArray
    chosen: BoolArray


@dataclass(frozen=True)
class Company:
    """What N rows do in company.

    Attributes:
        more: what every pair says, the mean over coalition and opposite, beyond the member's relevance; (K, N, C).
        interaction: `f(z) + f(z') - f(x) - f(r)` of every pair; (K, N).
    """

    more: FloatArray
    interaction: FloatArray


@dataclass(frozen=True)
class Estimate:
    """Relevance of N rows over C columns, and what was added to make it complete.

    Attributes:
        relevance: (N, C); sums to what the ordinary relevance sums to.
        moved: (N,), the part of that sum that completeness added.
    """

    relevance: FloatArray
    moved: FloatArray


def draw_pairs(members: int, columns: int, seed: int) -> Pairs:
    """Coalitions of `PAIRS` members, or of all of them if there are fewer; sizes spread evenly over 0 ... C."""
    generator = np.random.default_rng(seed)
    count = min(PAIRS, members)
    drawn = np.sort(generator.choice(members, count, replace=False))
    size = np.floor((generator.permutation(count) + 0.5) / count * (columns + 1))
    place = generator.random((count, columns)).argsort(1).argsort(1)
    return Pairs(drawn, np.asarray(place < size[:, None]))


def in_company(
    explain: Explain,
    inputs: Inputs,
    members: Inputs,
    chosen: BoolArray,
    owners: Mapping[str, IntArray],
    ends: FloatArray,
) -> Company:
    """What rows do in the coalitions drawn and in the opposite ones.

    Args:
        explain: called with rows in the order of `inputs`, member after member.
        inputs: the rows, N of each input.
        members: the members drawn, K of each input.
        chosen: which columns hold the applicant's value, by member; (K, C).
        owners: the column of every element of a row, by input.
        ends: `f(x) + f(r)` of every pair; (K, N).
    """
    count, rows = ends.shape
    step, found, mixed = max(1, ROWS_AT_ONCE // rows), [], []
    for start in range(0, count, step):
        part = slice(start, start + step)
        drawn = {name: value[part] for name, value in members.items()}
        (one, margin), (other, opposite) = (
            _from_coalitions(explain, inputs, drawn, way, owners) for way in (chosen[part], ~chosen[part])
        )
        found.append((one + other) / 2 - _ordinary(explain, inputs, drawn).reshape(one.shape))
        mixed.append(margin + opposite)
    return Company(np.concatenate(found), np.concatenate(mixed) - ends)


def _from_coalitions(
    explain: Explain, inputs: Inputs, members: Inputs, chosen: BoolArray, owners: Mapping[str, IntArray]
) -> tuple[FloatArray, FloatArray]:
    """Multipliers from mixed states a part of the way to the opposite ones, times applicant less member; and margins.

    (K, N, C) and (K, N).
    """
    count, state, toward = len(chosen), {}, {}
    for name, value in inputs.items():
        shape = count, *value.shape
        mask = torch.from_numpy(chosen[:, owners[name]]).reshape(count, 1, *value.shape[1:])
        own, other = value.expand(shape), members[name].unsqueeze(1).expand(shape)
        mixed = torch.where(mask, own, other)
        state[name] = mixed.flatten(0, 1)
        toward[name] = (mixed + STEP * (torch.where(mask, other, own) - mixed)).flatten(0, 1)
    relevance, margins = explain(state, toward)
    # `state - toward` is STEP * (applicant - member) on the coalition, and minus that elsewhere.
    sign = np.where(chosen, 1 / STEP, -1 / STEP)[:, None]
    return sign * relevance.reshape(count, -1, chosen.shape[1]), margins.reshape(count, -1)


def _ordinary(explain: Explain, inputs: Inputs, members: Inputs) -> FloatArray:
    """Relevance of every row against each of the members; (K * N, C)."""
    count, rows = len(next(iter(members.values()))), len(next(iter(inputs.values())))
    own = {name: value.repeat(count, *[1] * (value.ndim - 1)) for name, value in inputs.items()}
    return explain(own, {name: value.repeat_interleave(rows, 0) for name, value in members.items()})[0]


def corrected(ordinary: FloatArray, company: Company, difference: FloatArray) -> Estimate:
    """Ordinary relevance, corrected for what columns do in company.

    Args:
        ordinary: relevance over all members; (N, C).
        company: what was found over the members drawn.
        difference: `f(x) - f(r)` of every pair; (K, N).
    """
    mean, variance = company.more.mean(0), company.more.var(0)
    noise = variance.sum(1) / max(1, len(difference) - 1)
    certain = 1 - _share(np.minimum(noise, (mean**2).sum(1)), (mean**2).sum(1))
    interacting = np.sqrt(_share((company.interaction**2).mean(0), (difference**2).mean(0)))
    correction = (certain * interacting / (interacting + DOUBT))[:, None] * mean
    over = np.where(variance.sum(1) > 0, correction.sum(1), 0.0)
    return Estimate(ordinary + correction - over[:, None] * _share(variance, variance.sum(1, keepdims=True)), -over)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Part over whole; 0 where the whole is nothing."""
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
