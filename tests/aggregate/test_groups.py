"""Groups and proxies: what is planted is found, its absence is not reported, and small groups stay hidden."""

import math

import numpy as np
import pandas as pd
import pytest
from planted_decisions import additive, groups, tabled
from sklearn.metrics import roc_auc_score

from lrp_audit.aggregate.gather import gather
from lrp_audit.aggregate.groups import adjust, compare, usable, welch
from lrp_audit.aggregate.membership import Grouping, crossed, grouping
from lrp_audit.aggregate.proxies import out_of_fold_auc, screen
from lrp_audit.aggregate.stream import Moments
from lrp_audit.aggregate.table import ExplainedTable
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import GroupOutcome

REPEATS = 200


def _split(table: ExplainedTable, seed: int = 0) -> Grouping:
    labels = np.random.default_rng(1000 + seed).choice(["m", "w"], len(table))
    return grouping(groups(table, labels), "group")


def _compare(table: ExplainedTable, by: Grouping, **settings):
    return compare(gather([table], [by]), by, **settings)


def _screen(table: ExplainedTable, by: Grouping, **settings):
    return screen(table, by, usable(gather([table], [by]), by.name), **settings)


def _moments(rows: np.ndarray) -> Moments:
    found = Moments(rows.shape[1])
    found.add(rows)
    return found


def _proxied(n: int = 800) -> tuple[ExplainedTable, np.ndarray]:
    """The second input is 1.5 higher for women, and nothing else differs."""
    generator = np.random.default_rng(5)
    women = generator.random(n) < 0.4
    values = generator.normal(size=(n, 4))
    values[:, 1] += 1.5 * women
    return tabled(values * [1.0, 0.8, 0.6, 0.0], values), np.where(women, "w", "m")


# --- differences ------------------------------------------------------------------------------------------------------


def test_a_planted_difference_is_found_with_its_size_and_carries_the_gap() -> None:
    table, labels = _proxied()
    found = _compare(table, grouping(groups(table, labels), "group"))
    assert found.reference == "m"
    first, *others = found.differences
    assert first.column == "f1"
    assert first.lower < 0.8 * 1.5 < first.upper
    assert first.adjusted_p < 1e-6
    assert all(item.adjusted_p is None or item.adjusted_p > 0.01 for item in others)
    assert sum(item.share for item in found.differences) == pytest.approx(1)
    assert {item.column: item.p for item in others}["f3"] is None  # a constant tells nothing


def test_no_difference_is_reported_where_there_is_none() -> None:
    """Rate over 1000 random groupings of an additive model with any adjusted p below 0.05: nominal 0.05."""
    alarms = 0
    for seed in range(1000):
        table = np.random.default_rng(seed).normal(size=(200, 4))
        women = np.random.default_rng(5000 + seed).random(200) < 0.5
        alarms += (adjust(welch(_moments(table[women]), _moments(table[~women])), "benjamini-hochberg") < 0.05).any()
    assert alarms / 1000 <= 0.07


def test_intervals_cover_a_difference_of_nothing() -> None:
    covered = 0
    for seed in range(50):
        table = additive(200, seed)
        found = _compare(table, _split(table, seed), resamples=199)
        covered += sum(item.lower <= 0 <= item.upper for item in found.differences)
    assert 0.9 <= covered / (4 * 50) <= 0.99


def test_rates_and_ratio_are_those_of_the_table() -> None:
    table = additive(200)
    labels = np.repeat(["a", "b"], [120, 80])
    adverse = pd.Series([*[False] * 90, *[True] * 30, *[False] * 30, *[True] * 50], index=table.relevance.index)
    table = ExplainedTable(table.relevance, adverse, table.score, table.values)
    rows = _compare(table, grouping(groups(table, labels), "group"), resamples=20).outcomes
    (found,) = (item for item in rows if item.group == "b")
    assert (found.approved, found.approval_rate) == (30, 30 / 80)
    assert found.approval_ratio == pytest.approx((30 / 80) / (90 / 120))
    low, high = found.ratio_lower, found.ratio_upper
    half = 1.959964 * math.sqrt(1 / 30 - 1 / 80 + 1 / 90 - 1 / 120)  # Katz et al. 1978
    assert (low, high) == pytest.approx((0.5 * math.exp(-half), 0.5 * math.exp(half)))


def test_a_reference_group_without_approvals_has_no_ratio() -> None:
    table = additive(200)
    table = ExplainedTable(table.relevance, table.adverse | True, table.score, table.values)
    assert all(item.approval_ratio is None for item in _compare(table, _split(table), resamples=20).outcomes)


def test_small_groups_are_named_and_nothing_else_is_said() -> None:
    table = additive(300)
    labels = np.repeat(["a", "b", "c"], [140, 120, 40])
    found = _compare(table, grouping(groups(table, labels), "group"), resamples=20)
    (hidden,) = (item for item in found.outcomes if item.group == "c")
    assert hidden == GroupOutcome(group="c")
    assert {item.group for item in found.differences} == {"b"}


def test_cells_cross_and_unknown_members_are_counted() -> None:
    table = additive(400)
    frame = pd.DataFrame(
        {"id": table.relevance.index[::-1], "sex": ["m", "w"] * 200, "age": ["old", "old", "young", "young"] * 100}
    )
    frame.loc[:2, "age"] = None
    cells = crossed(grouping(frame, "sex"), grouping(frame, "age"))
    found = _compare(table, cells, resamples=20)
    assert {item.group for item in found.outcomes} == {"m × old", "m × young", "w × old", "w × young"}
    assert found.unknown == 3
    assert cells.labels["d399"] is None or pd.isna(cells.labels["d399"])
    assert cells.labels["d0"] == "w × young"


def test_corrections_order_the_same_p_values_differently() -> None:
    p = np.array([0.01, 0.04, math.nan, 0.03])
    assert adjust(p, "holm")[[0, 1, 3]].tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert adjust(p, "benjamini-hochberg")[[0, 1, 3]].tolist() == pytest.approx([0.03, 0.04, 0.04])
    assert math.isnan(adjust(p, "holm")[2])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"group": "a"}, "every decision in one group"),
        ({"group": [*["a"] * 199, "b"]}, "has 1 groups of 50"),
        ({"id": "d1"}, "more than once"),
        ({"id": [f"x{k}" for k in range(200)]}, "No decision has a group"),
        ({"f0": 1}, "is an input of the model"),
        ({}, "has no column 'region'"),
    ],
)
def test_group_columns_that_cannot_be_used_are_refused(change: dict[str, object], says: str) -> None:
    table = additive(200)
    frame = groups(table, np.repeat(["a", "b"], 100)).assign(**change)
    column = "f0" if "f0" in change else "group" if change else "region"
    with pytest.raises(DataError, match=says):
        _compare(table, grouping(frame, column))


def test_an_unknown_reference_group_is_refused() -> None:
    table = additive(200)
    with pytest.raises(DataError, match="'x' is not a group of 50"):
        _compare(table, _split(table), reference="x")


# --- proxies ----------------------------------------------------------------------------------------------------------


def test_a_planted_proxy_is_found_by_value_and_by_relevance_and_nothing_else_is() -> None:
    table, labels = _proxied()
    found = _screen(table, grouping(groups(table, labels), "group"), permutations=99)
    named = [(item.column, item.read) for item in found.proxies if item.familywise_p < 0.05]
    assert named == [("f1", "relevance"), ("f1", "value")]
    assert found.proxies[0].auc == pytest.approx(0.856, abs=0.04)  # Φ(1.5 / √2)


def test_a_proxy_that_the_model_does_not_use_shows_in_its_values_alone() -> None:
    table, labels = _proxied()
    assert table.values is not None
    values = table.values.assign(f3=np.where(labels == "w", "red", "blue"))
    table = ExplainedTable(table.relevance, table.adverse, table.score, values)
    found = _screen(table, grouping(groups(table, labels), "group"), permutations=99)
    auc = {(item.column, item.read): item.auc for item in found.proxies}
    assert auc["f3", "value"] == 1
    assert auc["f3", "relevance"] == 0.5


@pytest.mark.slow
def test_no_proxy_is_reported_where_there_is_none() -> None:
    """Rate over 200 repeats: at most 1 in 10 names any column at 0.05."""
    alarms = 0
    for seed in range(REPEATS):
        table = additive(200, seed)
        alarms += any(item.familywise_p < 0.05 for item in _screen(table, _split(table, seed), permutations=39).proxies)
    assert alarms / REPEATS <= 0.10


def test_auc_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    codes, folds = generator.integers(0, 6, 300), generator.integers(0, 3, 300)
    member = generator.random(300) < 0.2 + 0.1 * codes
    expected = []
    for fold in range(3):
        held, shares = folds == fold, np.empty(6)
        for code in range(6):
            shares[code] = member[~held & (codes == code)].mean()
        expected.append(roc_auc_score(member[held], shares[codes[held]]))
    assert out_of_fold_auc(codes, folds, member[None])[0] == pytest.approx(np.mean(expected))
