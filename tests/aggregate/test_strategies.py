"""Strategies: what is planted is found, and its absence is not reported."""

import numpy as np
import pytest
from planted_decisions import additive, tabled

from lrp_audit.aggregate.strategies import strategies
from lrp_audit.aggregate.table import ExplainedTable
from lrp_audit.errors import DataError

PLANTED = 36  # of 1200: 3 %


def _clever_hans(seed: int = 0) -> ExplainedTable:
    """In 3 % of the decisions all rests on the last input, which counts little elsewhere."""
    rows = additive(1200, seed).array.copy()
    rows[:PLANTED, :3] *= 0.2
    rows[:PLANTED, 3] += 4
    return tabled(rows, rows)


def test_a_planted_strategy_is_found_named_and_flagged() -> None:
    found = strategies(_clever_hans())
    assert len(found.strategies) == 2
    hans, rest = found.strategies
    assert hans.suspicious
    assert not rest.suspicious
    assert hans.marks[0].column == "f3"
    assert hans.name.startswith("f3 +")
    assert abs(hans.decisions - PLANTED) <= 4
    assert hans.adverse_rate == 1
    assert {int(id_[1:]) < PLANTED for id_ in hans.examples} == {True}
    assert sum(item.decisions for item in found.strategies) == 1200


def test_two_equal_strategies_are_found_and_not_suspected() -> None:
    rows = additive(400).array.copy() * 0.3
    rows[:200, 0] += 3
    rows[200:, 1] += 3
    found = strategies(tabled(rows, rows))
    assert [item.decisions for item in found.strategies] == [200, 200]
    assert not any(item.suspicious for item in found.strategies)


@pytest.mark.slow
def test_no_strategy_is_reported_where_there_is_none() -> None:
    """Rate over 200 repeats of an additive model: nominal 0.05, at most 1 in 10."""
    alarms = sum(bool(strategies(additive(100, seed), seed=seed).strategies) for seed in range(200))
    assert alarms / 200 <= 0.10


def test_too_few_or_equal_decisions_are_refused() -> None:
    with pytest.raises(DataError, match="50 decisions or more, and there are 49"):
        strategies(additive(49))
    with pytest.raises(DataError, match="same relevance"):
        strategies(tabled(np.ones((60, 2)), np.ones((60, 2))))
