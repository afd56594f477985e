"""The fewest and smallest changes that bring a margin below a limit, among listed values of some columns.

Single changes are tried one by one, all of them. Where none suffices, two and then three are changed together, and only
a part can be tried: the columns whose best single change lowers the margin most, at those best values; where that
suffices, combinations of the values that lower the margin by themselves, evenly thinned; then each change in turn is
made as small as the others allow. So one change is found wherever there is one, and the smallest is; two or three may
be missed, above all where values help together that do no good alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from operator import attrgetter

import numpy as np
import numpy.typing as npt

SETS = 4  # of columns, whose combinations of values are tried
ROUNDS = 2  # of making changes smaller, one after the other
DIGITS = 9  # decimals of margins that are ranked; the rest is rounding, and not what an order may rest on
UNCHANGED = -1

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Changes = tuple[tuple[int, int], ...]
"""Columns, in order, with the position of the value that each takes; all other columns keep theirs."""
Margin = Callable[[IntArray], FloatArray]
"""Margins (R,) of R rows of choices (R, C): for every column which of its values is tried, or `UNCHANGED`."""


@dataclass(frozen=True)
class Choice:
    """Changes that suffice together, and the sum of their sizes."""

    changes: Changes
    size: float

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that change."""
        return tuple(column for column, _ in self.changes)


@dataclass(frozen=True)
class Found:
    """Choices of the fewest changes, each of other columns, the smallest first; and how many were tried."""

    choices: tuple[Choice, ...]
    tried: int


def fewest_changes(
    margin: Margin,
    sizes: Sequence[FloatArray],
    limit: float,
    *,
    most_changes: int,
    most: int,
    budget: int,
    columns: int = 8,
) -> Found:
    """Search for choices with a margin below `limit`; deterministic.

    Args:
        margin: what is to be lowered; called once for every batch of choices.
        sizes: for every column how large the change to each of its values is; infinite where it is not allowed.
        limit: must not be reached.
        most_changes: of columns, at once.
        most: choices returned.
        budget: rows per batch; where single values are more, they are thinned, and finer ones tried around a find.
        columns: that are combined with each other.
    """
    search = _Search(margin, sizes, limit, budget, columns)
    found = search.alone()
    for changes in range(2, most_changes + 1):
        if found:
            break
        found = search.together(changes)
    chosen = _smallest(found)[:most]
    search.refine(chosen)
    return Found(_smallest(map(search.shortened, chosen)), search.tried)


def as_rows(choices: Sequence[Changes], columns: int) -> IntArray:
    """Choices as a margin takes them, (R, C)."""
    rows = np.full((len(choices), columns), UNCHANGED, dtype=np.intp)
    for row, changes in enumerate(choices):
        for column, value in changes:
            rows[row, column] = value
    return rows


def _smallest(found: Iterable[Choice]) -> tuple[Choice, ...]:
    """The smallest choice of each set of columns, of those with the fewest changes, in order; ties by position."""
    choices = tuple(found)
    fewest = min((len(choice.changes) for choice in choices), default=0)
    first: dict[tuple[int, ...], Choice] = {}
    for choice in sorted(
        (choice for choice in choices if len(choice.changes) == fewest), key=attrgetter("size", "changes")
    ):
        first.setdefault(choice.columns, choice)
    return tuple(first.values())


class _Search:
    """One search: what has been tried, and what each column can do alone."""

    def __init__(self, margin: Margin, sizes: Sequence[FloatArray], limit: float, budget: int, columns: int) -> None:
        self.margin, self.sizes, self.limit, self.budget, self.columns = margin, sizes, limit, budget, columns
        self.allowed = [_by_size(size) for size in sizes]
        self.single = [np.full(len(size), math.nan) for size in sizes]  # margins of single changes; NaN: not tried
        self.known: dict[Changes, float] = {}  # of all other choices that were tried
        self.helpful: dict[int, IntArray] = {}  # column -> values that lower the margin alone, by size of change
        self.reach: dict[int, tuple[float, int]] = {}  # column -> its lowest margin alone, and the value that gives it

    @property
    def tried(self) -> int:
        """How many choices have been tried, the given values not among them."""
        alone = sum(int(np.count_nonzero(~np.isnan(margins))) for margins in self.single)
        return alone + len(self.known) - (() in self.known)

    def alone(self) -> list[Choice]:
        """The smallest sufficient change of every column that has one."""
        room = max(2, self.budget // max(1, len(self.sizes)))
        tried = [_thinned(allowed, room) for allowed in self.allowed]
        margins = self.margin(np.concatenate([as_rows([()], len(self.sizes)), _alone(tried)]))
        self.known[()] = float(margins[0])
        self._note(tried, margins[1:])
        base = _ranks(self.known[()])
        for column, values in enumerate(tried):
            ranks = _ranks(self.single[column][values])
            helpful = values[ranks < base]
            if len(helpful):
                self.helpful[column] = helpful
                self.reach[column] = min(zip(ranks[ranks < base].tolist(), helpful.tolist(), strict=True))
        return [choice for column, values in enumerate(tried) for choice in self._smallest_alone(column, values)]

    def together(self, changes: int) -> list[Choice]:
        """Combinations of so many changes that suffice, as far as they are tried."""
        best = sorted(self.reach, key=lambda column: (self.reach[column][0], column))[: self.columns]
        sets = [
            tuple((column, self.reach[column][1]) for column in chosen)
            for chosen in combinations(sorted(best), changes)
        ]
        self._ask(sets)
        furthest = sorted(
            self._sufficient(sets), key=lambda choice: (float(_ranks(self.known[choice.changes])), choice.changes)
        )[:SETS]
        room = int((self.budget / max(1, len(furthest))) ** (1 / changes))
        tried = [
            tuple(zip(columns, values, strict=True))
            for choice in furthest
            for columns in (choice.columns,)
            for values in product(*(_thinned(self.helpful[column], room).tolist() for column in columns))
        ]
        self._ask(tried)
        return furthest + self._sufficient(tried)

    def refine(self, choices: Iterable[Choice]) -> None:
        """Try all smaller values of choices that are single changes."""
        new = [allowed[:0] for allowed in self.allowed]
        for choice in choices:
            if len(choice.changes) == 1:
                ((column, value),) = choice.changes
                smaller = self._smaller_values(column, value)
                new[column] = smaller[np.isnan(self.single[column][smaller])]
        if any(map(len, new)):
            self._note(new, self.margin(_alone(new)))

    def shortened(self, choice: Choice) -> Choice:
        """The choice with each change, in turn and the largest first, as small as the others allow."""
        for _ in range(ROUNDS):
            before = choice
            for column, value in sorted(before.changes, key=lambda change: (-self.sizes[change[0]][change[1]], change)):
                choice = self._smaller(choice, column, value)
            if choice == before:
                break
        return choice

    def _smaller(self, choice: Choice, column: int, value: int) -> Choice:
        """The choice with the smallest change of a column that suffices, or without one."""
        others = tuple(change for change in choice.changes if change[0] != column)
        smaller = self._smaller_values(column, value)
        if not others:
            return next(iter(self._smallest_alone(column, smaller)), choice)
        tried = [others, *(tuple(sorted((*others, (column, other)))) for other in smaller.tolist())]
        self._ask(tried)
        return next(iter(self._sufficient(tried)), choice)

    def _smaller_values(self, column: int, value: int) -> IntArray:
        """The allowed values of a column that change less than one of them."""
        allowed, sizes = self.allowed[column], self.sizes[column]
        smaller: IntArray = allowed[sizes[allowed] < sizes[value]]
        return smaller

    def _ask(self, choices: Iterable[Changes]) -> None:
        new = [changes for changes in dict.fromkeys(choices) if math.isnan(self._margin_of(changes))]
        if not new:
            return
        for changes, margin in zip(new, self.margin(as_rows(new, len(self.sizes))).tolist(), strict=True):
            if len(changes) == 1:
                ((column, value),) = changes
                self.single[column][value] = margin
            else:
                self.known[changes] = margin

    def _note(self, values: Sequence[IntArray], margins: FloatArray) -> None:
        """Keep the margins of the rows that `_alone` makes of values."""
        ends = np.cumsum([len(own) for own in values])
        for column, (own, end) in enumerate(zip(values, ends.tolist(), strict=True)):
            self.single[column][own] = margins[end - len(own) : end]

    def _margin_of(self, changes: Changes) -> float:
        """What is known of a choice; NaN where it was not tried."""
        if len(changes) == 1:
            ((column, value),) = changes
            return float(self.single[column][value])
        return self.known.get(changes, math.nan)

    def _sufficient(self, choices: Iterable[Changes]) -> list[Choice]:
        """Those of known choices whose margin is below the limit."""
        return [
            Choice(changes, math.fsum(float(self.sizes[column][value]) for column, value in changes))
            for changes in choices
            if self._margin_of(changes) < self.limit
        ]

    def _smallest_alone(self, column: int, values: IntArray) -> list[Choice]:
        """The first of the values whose margin alone is below the limit, if there is one."""
        enough = np.flatnonzero(self.single[column][values] < self.limit)[:1]
        return self._sufficient([((column, value),) for value in values[enough].tolist()])


def _alone(values: Sequence[IntArray]) -> IntArray:
    """A row for every value of every column, in which nothing else changes."""
    columns = np.repeat(np.arange(len(values)), [len(own) for own in values])
    rows = np.full((len(columns), len(values)), UNCHANGED, dtype=np.intp)
    rows[np.arange(len(columns)), columns] = np.concatenate(values) if values else 0
    return rows


def _ranks(margins: FloatArray | float) -> FloatArray:
    """Margins without their last bits, which depend on what else is computed with them."""
    return np.round(np.asarray(margins), DIGITS)


def _by_size(sizes: FloatArray) -> IntArray:
    """Positions of the allowed values, the smallest change first; ties in their order."""
    finite = np.flatnonzero(np.isfinite(sizes))
    return finite[np.argsort(sizes[finite], kind="stable")]


def _thinned(values: IntArray, room: int) -> IntArray:
    """At most `room` of the values, evenly from first to last."""
    if len(values) <= room:
        return values
    return values[_spread(len(values), max(2, room))]


@lru_cache(maxsize=1024)
def _spread(count: int, room: int) -> IntArray:
    """So many positions, evenly from the first to the last."""
    return np.round(np.linspace(0, count - 1, room)).astype(np.intp)
