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
ROWS_AT_ONCE = 32  # whose states of a round stay in a processor's cache
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

    A row's numbers are the same to the bit whatever its neighbours are: the draws are, and the states of one row run
    through the model by themselves, always as many.

    Args:
        explainer: the model that is asked.
        contest: the rows.
        base: rows of the reference population, one for each draw in turn.
        family_of: the family of every column, as an index; (C,).
        seed: of the draws.
    """
    rows, generator = len(contest.first), np.random.default_rng(seed)
    sums, squares, draws = np.zeros(rows), np.zeros(rows), np.zeros(rows, dtype=np.intp)
    members, families = len(next(iter(base.values()))), int(family_of.max()) + 1
    margins = [explainer.margin_over(contest.of(np.array([row])).inputs) for row in range(rows)]
    owners = {name: family_of[own] for name, own in explainer.model.owners.items()}
    open_rows = np.arange(rows)
    for start in range(0, DRAWS, ROUND):
        member = torch.arange(start, start + ROUND) % members
        drawn = _Draws(
            places=generator.random((ROUND, families)).argsort(1).argsort(1),
            sizes=np.floor(generator.random(ROUND) * (families - 1)),
            members={name: value[member] for name, value in base.items()},
        )
        for some in np.split(open_rows, range(ROWS_AT_ONCE, len(open_rows), ROWS_AT_ONCE)):
            found = _differences([margins[row] for row in some], contest.of(some), drawn, owners)
            sums[some] += found.sum(1)
            squares[some] += (found**2).sum(1)
            draws[some] += ROUND
        open_rows = open_rows[_estimate(sums, squares, draws).open[open_rows]]
        if not len(open_rows):
            break
    return _estimate(sums, squares, draws)


def _estimate(sums: FloatArray, squares: FloatArray, draws: IntArray) -> Parted:
    mean = sums / draws
    variance = np.maximum(squares / draws - mean**2, 0.0) * draws / (draws - 1)
    return Parted(mean, np.sqrt(variance / draws), draws.copy())


@dataclass(frozen=True)
class _Draws:
    """The draws of one round, D of them, for F families.

    Attributes:
        places: of every family in a random order; (D, F).
        sizes: how many of the families that are not contested form the coalition, from none to all; (D,).
        members: a row of the reference population for each.
    """

    places: IntArray
    sizes: FloatArray
    members: Mapping[str, Tensor]


def _differences(
    margins: Sequence[Margin], contest: Contest, drawn: _Draws, families: Mapping[str, IntArray]
) -> FloatArray:
    """What every draw says of R rows, its opposite included; (R, D). `families`: of every element of an input."""
    mixed = {}
    for name, value in contest.inputs.items():
        own = torch.from_numpy(_own(contest, drawn, families[name]))
        mixed[name] = torch.where(own, value[:, None, None], drawn.members[name]).flatten(1, 2)
    with torch.no_grad():
        found = [margin({name: value[row] for name, value in mixed.items()}) for row, margin in enumerate(margins)]
    first, second, first_again, second_again = torch.stack(found).numpy().reshape(len(margins), 4, -1).swapaxes(0, 1)
    return np.asarray((first - second + first_again - second_again) / 2, dtype=np.float64)


def _own(contest: Contest, drawn: _Draws, families: IntArray) -> BoolArray:
    """Which elements of a row are the applicant's, the others being a member's.

    Those of a coalition and the first family, of it and the second, and the same for the opposite coalition;
    (R, 4, D, elements).
    """
    first, second = contest.first[:, None, None], contest.second[:, None, None]
    places = drawn.places.take(families, 1)
    ahead = np.add(
        *(places > drawn.places.T[which][..., None] for which in (contest.first, contest.second)), dtype=np.intp
    )
    chosen = places - ahead < drawn.sizes[:, None]
    return np.stack(
        [
            (some | (families == one)) & (families != other)
            for some in (chosen, ~chosen)
            for one, other in ((first, second), (second, first))
        ],
        axis=1,
    )
