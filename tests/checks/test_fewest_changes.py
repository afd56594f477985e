"""The search for few and small changes, on margins whose every value is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrp_audit.checks.fewest_changes import UNCHANGED, Choice, Found, as_rows, fewest_changes


class Additive:
    """A margin that is a sum of what each column's value does, and may hold one interaction; notes what it is asked."""

    def __init__(self, effects: Sequence[Sequence[float]], base: float, together: float = 0.0) -> None:
        self.effects, self.base, self.together = effects, base, together
        self.asked: list[np.ndarray] = []

    def of(self, values: Sequence[int]) -> float:
        changed = [column for column, value in enumerate(values) if value != UNCHANGED]
        found = self.base + math.fsum(self.effects[column][values[column]] for column in changed)
        return found + self.together * (len(changed) > 1)

    def __call__(self, choices: np.ndarray) -> np.ndarray:
        self.asked.append(choices)
        return np.array([self.of(row) for row in choices.tolist()])


quarters = st.integers(-8, 8).map(lambda value: value / 4)  # exact in binary: sums do not round
additive = st.just(0.0)
effects = st.lists(st.lists(quarters, min_size=1, max_size=4), min_size=1, max_size=4)


@st.composite
def problems(draw, together=additive):
    given_effects = draw(effects)
    allowed = st.sampled_from([0.25, 0.5, 1.0, 2.0, math.inf])
    sizes = [np.array(draw(st.lists(allowed, min_size=len(one), max_size=len(one)))) for one in given_effects]
    return Additive(given_effects, draw(st.integers(0, 16).map(lambda value: value / 4)), draw(together)), sizes


def row(choice: Choice, sizes: Sequence[np.ndarray]) -> list[int]:
    return as_rows([choice.changes], len(sizes))[0].tolist()


def every(margin: Additive, sizes: Sequence[np.ndarray], changes: int) -> list[tuple[float, tuple[int, ...]]]:
    """Size and values of every allowed choice of so many changes with a negative margin."""
    found = []
    for columns in combinations(range(len(sizes)), changes):
        for values in product(*(np.flatnonzero(np.isfinite(sizes[column])).tolist() for column in columns)):
            choice = [UNCHANGED] * len(sizes)
            for column, value in zip(columns, values, strict=True):
                choice[column] = value
            if margin.of(choice) < 0:
                size = sum(float(sizes[column][value]) for column, value in zip(columns, values, strict=True))
                found.append((size, tuple(choice)))
    return found


def search(margin: Additive, sizes: Sequence[np.ndarray], *, most_changes: int = 3, budget: int = 1000) -> Found:
    return fewest_changes(margin, sizes, 0.0, most_changes=most_changes, most=3, budget=budget)


@given(problems(together=quarters))
@settings(max_examples=300)
def test_what_is_found_suffices_and_is_allowed(problem):
    margin, sizes = problem
    for choice in search(margin, sizes).choices:
        assert margin.of(row(choice, sizes)) < 0
        assert choice.size == sum(sizes[column][value] for column, value in choice.changes) < math.inf


@given(problems(together=quarters))
@settings(max_examples=300)
def test_a_single_change_is_found_wherever_there_is_one_and_the_smallest_is(problem):
    margin, sizes = problem
    known = every(margin, sizes, 1)
    found = search(margin, sizes).choices
    assert bool(known) == any(len(choice.columns) == 1 for choice in found)
    if known:
        assert {len(choice.columns) for choice in found} == {1}
        assert found[0].size == min(known)[0]


@given(problems())
@settings(max_examples=300)
def test_where_effects_add_up_the_fewest_changes_are_found(problem):
    margin, sizes = problem
    fewest = next((changes for changes in (1, 2, 3) if every(margin, sizes, changes)), None)
    assert {len(choice.columns) for choice in search(margin, sizes).choices} == ({fewest} if fewest else set())


@given(problems())
@settings(max_examples=300)
def test_where_effects_add_up_no_change_of_a_pair_can_be_smaller_alone(problem):
    margin, sizes = problem
    for choice in search(margin, sizes).choices:
        for column, given_value in choice.changes:
            for value in np.flatnonzero(sizes[column] < sizes[column][given_value]).tolist():
                shorter = row(choice, sizes)
                shorter[column] = value
                assert margin.of(shorter) >= 0


@given(problems(together=quarters), st.integers(1, 3))
@settings(max_examples=200)
def test_order_number_and_cost(problem, most_changes):
    margin, sizes = problem
    found = search(margin, sizes, most_changes=most_changes, budget=16)
    again = search(Additive(margin.effects, margin.base, margin.together), sizes, most_changes=most_changes, budget=16)
    assert found == again
    assert [choice.size for choice in found.choices] == sorted(choice.size for choice in found.choices)
    assert len({choice.columns for choice in found.choices}) == len(found.choices) <= 3
    assert all(len(choice.columns) <= most_changes for choice in found.choices)
    asked = [tuple(one) for batch in margin.asked for one in batch.tolist()]
    assert len(asked) == len(set(asked)) == found.tried + 1  # the given values themselves
    assert max(map(len, margin.asked)) <= 17


def test_thinned_values_are_made_finer_around_a_find():
    effects = [[-step / 1000 for step in range(1, 1001)]]
    margin, sizes = Additive(effects, base=0.5), [np.arange(1, 1001) / 1000]
    found = search(margin, sizes, budget=50)
    assert found.choices[0].changes == ((0, 500),)  # the first step below zero
    assert len(margin.asked[0]) <= 51


@pytest.mark.parametrize("columns", [0, 1, 3])
def test_nothing_is_found_where_nothing_helps(columns):
    margin, sizes = Additive([[0.0, 1.0]] * columns, base=1.0), [np.array([0.5, 1.0])] * columns
    found = search(margin, sizes)
    assert found.choices == ()
    assert found.tried == 2 * columns
