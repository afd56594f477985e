"""The fewest and smallest changes that bring a margin below a limit, among listed values of some columns.

Single changes are tried one by one, all of them. Where none suffices, two and then three are changed together, and only
a part can be tried: the columns whose best single change lowers the margin most, at those best values; where that
suffices, combinations of the values that lower the margin by themselves, evenly thinned; then each change in turn is
made as small as the others allow. So one change is found wherever there is one, and the smallest is; two or three may
be missed, above all where values help together that do no good alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np
import numpy.typing as npt

SETS = 4  # of columns, whose combinations of values are tried
ROUNDS = 2  # of making changes smaller, one after the other
DIGITS = 9  # of margins that are ranked; the rest is rounding, and not what an order may rest on
UNCHANGED = -1

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Margin = Callable[[IntArray], FloatArray]
"""Margins (R,) of R rows of choices (R, C): for every column which of its values is tried, or `UNCHANGED`."""


@dataclass(frozen=True)
class Choice:
    """Values that suffice together: for every column the position of its value, or `UNCHANGED`."""

    values: tuple[int, ...]
    size: float  # sum of the sizes of its changes

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that change."""
        return tuple(column for column, value in enumerate(self.values) if value != UNCHANGED)


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
    shortened = [search.shortened(choice) for choice in _smallest(found)[:most]]
    return Found(_smallest(shortened), search.tried)


def _smallest(found: Iterable[Choice]) -> tuple[Choice, ...]:
    """The smallest choice of each set of columns, of those with the fewest changes, in order; ties by position."""
    ordered = sorted(found, key=lambda choice: (len(choice.columns), choice.size, choice.values))
    first = {choice.columns: choice for choice in reversed(ordered)}
    return tuple(choice for choice in ordered if choice is first[choice.columns] and _as_few(choice, ordered[0]))


def _as_few(one: Choice, other: Choice) -> bool:
    return len(one.columns) == len(other.columns)


class _Search:
    """One search: what has been tried, and what each column can do alone."""

    def __init__(self, margin: Margin, sizes: Sequence[FloatArray], limit: float, budget: int, columns: int) -> None:
        self.margin, self.sizes, self.limit, self.budget, self.columns = margin, sizes, limit, budget, columns
        self.known: dict[tuple[int, ...], float] = {}
        self.unchanged = (UNCHANGED,) * len(sizes)
        self.allowed = [_by_size(size) for size in sizes]
        self.helpful: list[list[int]] = [[] for _ in sizes]  # values that lower the margin alone, by size of change
        self.reach: dict[int, tuple[float, int]] = {}  # column -> its lowest margin alone, and the value that gives it

    @property
    def tried(self) -> int:
        """How many choices have been tried, the given values not among them."""
        return len(self.known.keys() - {self.unchanged})

    def suffice(self, choices: Sequence[tuple[int, ...]]) -> list[Choice]:
        """Those of the choices whose margin is below the limit."""
        self._ask(choices)
        return [Choice(values, self._size(values)) for values in choices if self.known[values] < self.limit]

    def alone(self) -> list[Choice]:
        """Every single change that suffices."""
        room = max(2, self.budget // max(1, len(self.sizes)))
        values = [_thinned(allowed, room) for allowed in self.allowed]
        single = [[self._with({column: value}) for value in values[column]] for column in range(len(values))]
        found = self.suffice([self.unchanged, *chain.from_iterable(single)])
        base = self._rank(self.unchanged)
        for column, choices in enumerate(single):
            self.helpful[column] = [choice[column] for choice in choices if self._rank(choice) < base]
            if self.helpful[column]:
                self.reach[column] = min((self._rank(choice), choice[column]) for choice in choices)
        return found

    def together(self, changes: int) -> list[Choice]:
        """Combinations of so many changes that suffice, as far as they are tried."""
        columns = sorted(sorted(self.reach, key=lambda column: (self.reach[column][0], column))[: self.columns])
        sets = [
            self._with({column: self.reach[column][1] for column in chosen})
            for chosen in combinations(columns, changes)
        ]
        furthest = sorted(self.suffice(sets), key=lambda choice: (self._rank(choice.values), choice.values))[:SETS]
        room = int((self.budget / max(1, len(furthest))) ** (1 / changes))
        tried = [
            self._with(dict(zip(choice.columns, values, strict=True)))
            for choice in furthest
            for values in product(*(_thinned(self.helpful[column], room) for column in choice.columns))
        ]
        return furthest + self.suffice(tried)

    def shortened(self, choice: Choice) -> Choice:
        """The choice with each change, in turn and the largest first, as small as the others allow."""
        for _ in range(ROUNDS):
            before = choice
            for column in sorted(
                choice.columns, key=lambda column: (-self.sizes[column][before.values[column]], column)
            ):
                choice = self._smaller(choice, column)
            if choice == before:
                break
        return choice

    def _smaller(self, choice: Choice, column: int) -> Choice:
        size = self.sizes[column][choice.values[column]]
        values = [UNCHANGED, *(value for value in self.allowed[column] if self.sizes[column][value] < size)]
        tried = [(*choice.values[:column], value, *choice.values[column + 1 :]) for value in values]
        return next(iter(self.suffice(tried)), choice)

    def _ask(self, choices: Iterable[tuple[int, ...]]) -> None:
        new = [choice for choice in dict.fromkeys(choices) if choice not in self.known]
        if new:
            found = self.margin(np.array(new, dtype=np.intp))
            self.known.update(zip(new, map(float, found), strict=True))

    def _with(self, changed: Mapping[int, int]) -> tuple[int, ...]:
        return tuple(changed.get(column, UNCHANGED) for column in range(len(self.sizes)))

    def _size(self, choice: tuple[int, ...]) -> float:
        return float(sum(self.sizes[column][value] for column, value in enumerate(choice) if value != UNCHANGED))

    def _rank(self, choice: tuple[int, ...]) -> float:
        """A margin without its last bits, which depend on what else is computed with it."""
        return float(f"{self.known[choice]:.{DIGITS}e}")


def _by_size(sizes: FloatArray) -> list[int]:
    """Positions of the allowed values, the smallest change first; ties in their order."""
    return [int(value) for value in np.argsort(sizes, kind="stable") if np.isfinite(sizes[value])]


def _thinned(values: Sequence[int], room: int) -> list[int]:
    """At most `room` of the values, evenly from first to last."""
    if len(values) <= room:
        return list(values)
    return [values[round(place)] for place in np.linspace(0, len(values) - 1, max(2, room)).tolist()]
