"""Near-ties (RS-09): which of two families counts more against an applicant, where relevance leaves it open.

The difference of two Shapley values is one mean over coalitions S of the other families, of every size alike (Shapley
1953; the weights of both values put together):

    phi(a) - phi(b) = mean over S of  v(S and a) - v(S and b),

with v(S) the margin of a row that holds the applicant's values on S and a reference member's elsewhere. So a draw needs
no permutation of all columns; its opposite, the coalition of all others, is always drawn too. Draws go on until the
difference is clear of its standard error; the two are declared tied where the budget is spent, or would be in vain: the
difference at its end, expected to be what it is so far, would be clear in one case of twenty or fewer (conditional
power: Lan, Simon and Halperin 1982).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrp_audit.checks.evidence import Families
from lrp_audit.explaining.explainer import Explainer, Margin
from lrp_audit.explaining.reference import Reference
from lrp_audit.records.record import TieBreak

ROUND = 32  # draws between two looks
DRAWS = 256  # at most; each runs four rows
CLEAR = 3.0  # standard errors: a round in a thousand parts what is equal, so that many looks mislead seldom
HOPE = 1.645  # standard errors by which the end may exceed what is expected of it

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Contest:
    """Two families of some rows, R of them, whose order is open.

    Attributes:
        inputs: the rows as the network takes them.
        first: the family of each row that relevance puts first, as an index; (R,).
        second: the other one; (R,).
    """

    inputs: Mapping[str, Tensor]
    first: IntArray
    second: IntArray

    def of(self, rows: IntArray) -> Contest:
        """Some of the rows."""
        index = torch.from_numpy(rows)
        return Contest({name: value[index] for name, value in self.inputs.items()}, self.first[rows], self.second[rows])


@dataclass(frozen=True)
class Parted:
    """What sampling found, each (R,).

    Attributes:
        difference: the Shapley value of the first family less that of the second.
        standard_error: of the difference.
        draws: coalitions looked at, each with its opposite.
    """

    difference: FloatArray
    standard_error: FloatArray
    draws: IntArray

    @property
    def clear(self) -> BoolArray:
        """Whether the two have parted; the others are tied. Where every draw gave the same, that is the difference."""
        return np.asarray((np.abs(self.difference) > CLEAR * self.standard_error) & (self.difference != 0))

    @property
    def open(self) -> BoolArray:
        """Whether more draws could part those that have not parted."""
        at_the_end = np.abs(self.difference) * np.sqrt(DRAWS / self.draws)
        return np.asarray(~self.clear & (at_the_end > (CLEAR - HOPE) * self.standard_error))


def sampled_ties(
    explainer: Explainer,
    inputs: Mapping[str, Tensor],
    rows: Sequence[int],
    contested: Sequence[tuple[str, str]],
    families: Families,
    reference: Reference,
    *,
    seed: int,
) -> list[TieBreak]:
    """What sampling over the reference population says of some rows of a chunk, each with two families in order."""
    if not rows:
        return []
    pairs = np.array([[families.names.index(name) for name in pair] for pair in contested], dtype=np.intp)
    index = torch.tensor(rows)
    contest = Contest({name: value[index] for name, value in inputs.items()}, pairs[:, 0], pairs[:, 1])
    found = part(explainer, contest, reference.everyone, families.of_column, seed=seed)
    return [
        TieBreak(
            first=first,
            second=second,
            difference=float(found.difference[place]),
            standard_error=float(found.standard_error[place]),
            draws=int(found.draws[place]),
            outcome="tied" if not found.clear[place] else "kept" if found.difference[place] > 0 else "exchanged",
        )
        for place, (first, second) in enumerate(contested)
    ]


def part(
    explainer: Explainer, contest: Contest, base: Mapping[str, Tensor], family_of: IntArray, *, seed: int
) -> Parted:
    """Sample until the families of every row have parted or are tied.

    Args:
        explainer: the model that is asked.
        contest: the rows.
        base: rows of the reference population, one for each draw in turn.
        family_of: the family of every column, as an index; (C,).
        seed: of the draws, which are the same for every row, so that a row's result does not depend on its neighbours.
    """
    rows, generator = len(contest.first), np.random.default_rng(seed)
    sums, squares, draws = np.zeros(rows), np.zeros(rows), np.zeros(rows, dtype=np.intp)
    members, families = len(next(iter(base.values()))), int(family_of.max()) + 1
    open_rows = np.arange(rows)
    for start in range(0, DRAWS, ROUND):
        keys, size = generator.random((ROUND, families)), generator.random(ROUND)
        member = (start + np.arange(ROUND)) % members
        if not len(open_rows):
            break
        found = _differences(
            explainer,
            contest.of(open_rows),
            {name: value[torch.from_numpy(member)] for name, value in base.items()},
            family_of,
            (keys, size),
        )
        sums[open_rows] += found.sum(0)
        squares[open_rows] += (found**2).sum(0)
        draws[open_rows] += ROUND
        open_rows = np.flatnonzero(_estimate(sums, squares, draws).open & (draws == start + ROUND))
    return _estimate(sums, squares, draws)


def _estimate(sums: FloatArray, squares: FloatArray, draws: IntArray) -> Parted:
    mean = sums / draws
    variance = np.maximum(squares / draws - mean**2, 0.0) * draws / (draws - 1)
    return Parted(mean, np.sqrt(variance / draws), draws.copy())


def _differences(
    explainer: Explainer,
    contest: Contest,
    members: Mapping[str, Tensor],
    family_of: IntArray,
    drawn: tuple[FloatArray, FloatArray],
) -> FloatArray:
    """What every draw says, its opposite included; (draws, R)."""
    keys, size = drawn
    count, rows = len(size), len(contest.first)
    repeated = {name: value.repeat(count, *[1] * (value.ndim - 1)) for name, value in contest.inputs.items()}
    bases = {name: value.repeat_interleave(rows, 0) for name, value in members.items()}
    margin, found = explainer.margin_over(repeated), np.zeros(count * rows)
    for chosen in _coalitions(keys, size, contest):
        with_first, with_second = (
            _mixed(explainer, margin, repeated, bases, (chosen | one)[..., family_of])
            for one in _marked(contest, keys.shape[1])
        )
        found += (with_first - with_second) / 2
    return found.reshape(count, rows)


def _marked(contest: Contest, families: int) -> tuple[BoolArray, BoolArray]:
    """Each row's first family, and its second; (R, F) each."""
    every = np.arange(families)
    return contest.first[:, None] == every, contest.second[:, None] == every


def _coalitions(keys: FloatArray, size: FloatArray, contest: Contest) -> tuple[BoolArray, BoolArray]:
    """For every draw and row a coalition of the families that are not contested, and its opposite; (draws, R, F)."""
    first, second = _marked(contest, keys.shape[1])
    contested = first | second
    order = np.where(contested, np.inf, keys[:, None, :]).argsort(2).argsort(2)
    others = keys.shape[1] - 2
    chosen = order < np.floor(size * (others + 1))[:, None, None]
    return chosen, ~chosen & ~contested


def _mixed(
    explainer: Explainer,
    margin: Margin,
    inputs: Mapping[str, Tensor],
    bases: Mapping[str, Tensor],
    columns: BoolArray,
) -> FloatArray:
    """Margins of rows that hold the applicant's values in the marked columns, and their base's elsewhere."""
    marked = columns.reshape(-1, columns.shape[-1])
    mixed = {
        name: torch.where(
            torch.from_numpy(marked[:, explainer.model.owners[name]]).reshape(value.shape), value, bases[name]
        )
        for name, value in inputs.items()
    }
    with torch.no_grad():
        return np.asarray(margin(mixed).numpy(), dtype=np.float64)
