"""Values of a column that a person could have had instead: observed in the population, not rare, and round.

Names and codes are those that at least one person in a hundred has. Numbers are these too where few values make up the
column (terms of 12, 24 and 36 months); else they are round ones between its 1 % and 99 % quantiles, finer for small
amounts than for large ones, so that nobody else's exact amount is ever proposed (G-07).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.errors import ConfigError
from lrp_audit.language.display import code, plain
from lrp_audit.settings.sections import ColumnSection
from lrp_audit.settings.toml_errors import dotted

TAIL = 0.01  # values beyond these quantiles, and names that fewer have, are not proposed
FEWEST_PEOPLE = 5  # behind a name or a listed value, in a small population
COVERED = 0.9  # of the people have a listed value, or the column is one of amounts
COARSEST, FINEST = 40, 400  # steps from end to end
MOST_STEPS = 10_000  # of a step that audit.toml sets

Value = str | float | int | bool
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Plausible:
    """The values of one column, and how far they are from each other.

    Attributes:
        values: numbers in ascending order, names by falling frequency.
        span: from the 1 % to the 99 % quantile; None for names, which have no distance.
    """

    column: str
    values: tuple[Value, ...]
    span: float | None
    settings: ColumnSection

    def only(self, positions: Sequence[int]) -> Plausible:
        """The values at some positions."""
        return replace(self, values=tuple(self.values[position] for position in positions))

    def sizes(self, given: object) -> FloatArray:
        """How large a change from the given value to each value is (Gower 1971).

        The distance over the span; 1 between names, or where nothing is given; infinite for the value itself and where
        `vary` forbids the direction.
        """
        value, vary = plain(given), self.settings.vary
        if value is None:
            return np.full(len(self.values), 1.0 if vary == "any" else math.inf)
        if self.span is None:
            sizes = np.ones(len(self.values))
        else:
            value = float(value)
            sizes = np.abs(self._listed - value) / self.span
        forbidden = {"any": operator.eq, "up": operator.le, "down": operator.ge}[vary](self._listed, value)
        sizes[np.asarray(forbidden, dtype=bool)] = math.inf
        return sizes

    @cached_property
    def _listed(self) -> npt.NDArray[Any]:
        """The values, numbers as float64."""
        if self.span is not None:
            return np.array(self.values, dtype=np.float64)
        found = np.empty(len(self.values), dtype=object)
        found[:] = self.values
        return found


def plausible(name: str, population: pd.Series[Any], settings: ColumnSection, *, listed: bool) -> Plausible:
    """The values that a column could take.

    Args:
        name: of the column.
        population: its cells among all applicants; missing ones are never proposed.
        settings: labels of codes and limits of the search.
        listed: the model looks its values up in a list, so that only listed ones mean anything to it.

    Raises:
        ConfigError: a limit is for numbers, and the column holds names.
    """
    given = population.dropna()
    numeric = pd.api.types.is_numeric_dtype(given) and not pd.api.types.is_bool_dtype(given)
    _check_limits(name, settings, numeric=numeric, listed=listed)
    counts = given.value_counts()
    common = counts[counts >= max(FEWEST_PEOPLE, TAIL * len(given))]
    if not numeric:
        ordered = sorted(common.items(), key=lambda item: (-item[1], str(item[0])))
        names = [plain(value) for value, _ in ordered if _is_named(value, settings) and plain(value) == value]
        return Plausible(name, tuple(value for value in names if value is not None), None, settings)
    low, high = (float(value) for value in given.astype(float).quantile([TAIL, 1 - TAIL]))
    if listed or settings.values or (settings.step is None and common.sum() >= COVERED * len(given)):
        numbers = [value for value in sorted(common.index.tolist()) if _is_named(value, settings)]
    else:
        whole = bool((given % 1 == 0).all())
        numbers = list(_amounts(name, low, high, settings, whole=whole))
        numbers = [int(value) for value in numbers] if whole and given.dtype.kind in "iu" else numbers
    bounded = tuple(value for value in numbers if _within(value, settings))
    span = None if settings.values or high <= low else high - low
    return Plausible(name, bounded, span, settings)


def _check_limits(name: str, settings: ColumnSection, *, numeric: bool, listed: bool) -> None:
    limits = ("step",) if numeric and listed else () if numeric else ("vary", "step", "minimum", "maximum")
    for limit in limits:
        if limit in settings.model_fields_set:
            key = dotted(("columns", name, limit))
            raise ConfigError(f"{key} is for amounts, and the model knows the column by a list of values; remove it.")


def _is_named(value: object, settings: ColumnSection) -> bool:
    """A code without a label, where others have one, says nothing to a person."""
    shown = plain(value)
    return shown is not None and (not settings.values or code(shown) in settings.values)


def _within(value: float, settings: ColumnSection) -> bool:
    low = -math.inf if settings.minimum is None else settings.minimum
    high = math.inf if settings.maximum is None else settings.maximum
    return low <= value <= high


def _amounts(name: str, low: float, high: float, settings: ColumnSection, *, whole: bool) -> Iterator[float]:
    """Round numbers from low to high."""
    if settings.step is not None:
        if (high - low) / settings.step > MOST_STEPS:
            key = dotted(("columns", name, "step"))
            raise ConfigError(f"{key} = {settings.step:g} is too small for values from {low:g} to {high:g}.")
        first, last = math.ceil(low / settings.step - 1e-9), math.floor(high / settings.step + 1e-9)
        yield from (_clean(place * settings.step) for place in range(first, last + 1))
    elif high > low:
        smallest = 1.0 if whole else 0.0 if settings.decimals is None else 10.0**-settings.decimals
        finest = max(smallest, _round_step((high - low) / FINEST))
        coarsest = max(smallest, _round_step((high - low) / COARSEST))
        below = [-value for value in _rising(max(0.0, -high), -low, finest, coarsest) if value > 0]
        yield from reversed(below)
        yield from _rising(max(0.0, low), high, finest, coarsest)


def _rising(low: float, high: float, finest: float, coarsest: float) -> Iterator[float]:
    """Round numbers of one sign: steps are a twentieth to a tenth of the number, within limits."""
    value = low
    while value <= high:
        step = min(max(finest, _round_step(value / 10)), coarsest)
        rounded = _clean(math.ceil(value / step - 1e-9) * step)
        if rounded <= high:
            yield rounded
        value = rounded + step


def _round_step(size: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above `size`."""
    if size <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(size) + 1e-9)
    return _clean(next(factor for factor in (5, 2, 1) if factor * power <= size * (1 + 1e-9)) * power)


def _clean(value: float) -> float:
    return float(f"{value:.12g}")
