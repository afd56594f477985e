"""Prototypes and value profiles: the moments of the whole from its parts, and what is planted stands out."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from planted_decisions import WEIGHTS, additive, tabled

from lrp_audit.aggregate.gather import gather
from lrp_audit.aggregate.prototypes import prototypes
from lrp_audit.aggregate.sample import Sampler
from lrp_audit.aggregate.table import ExplainedTable
from lrp_audit.aggregate.value_profiles import value_profiles
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import SMALLEST_GROUP


def _summaries(table_parts: list[ExplainedTable], outcome: str = "all") -> pd.DataFrame:
    found = prototypes(gather(table_parts)).of(outcome)
    return pd.DataFrame([{"column": item.column, **item.summary.model_dump()} for item in found]).set_index("column")


def _thirds(table: ExplainedTable, count: int) -> list[ExplainedTable]:
    return [table.only(np.arange(len(table)) % count == part) for part in range(count)]


def test_parts_have_the_moments_and_nearly_the_quantiles_of_the_whole() -> None:
    table = additive(3000)
    for outcome, rows in (("all", table.adverse | True), ("adverse", table.adverse), ("favourable", ~table.adverse)):
        found, whole = _summaries(_thirds(table, 7), outcome), table.relevance[rows]
        assert np.allclose(found["mean"], whole.mean()[found.index], atol=1e-12)
        assert np.allclose(found["standard_deviation"], whole.std(ddof=0)[found.index], rtol=1e-10)
        assert np.allclose(found["strength"], whole.abs().mean()[found.index], rtol=1e-10)
        for name, rank in (("tenth", 0.1), ("median", 0.5), ("nine_tenths", 0.9)):
            ranks = (whole[found.index] < found[name]).mean()
            assert np.abs(ranks - rank).max() < 0.01


def test_the_stronger_weight_comes_first() -> None:
    found = prototypes(gather([additive(500)])).of("all")
    assert [item.column for item in found] == [f"f{j}" for j in range(len(WEIGHTS))]


@pytest.mark.rule("G-07")
def test_an_outcome_of_few_people_has_no_profiles() -> None:
    table = additive(300)
    few = pd.Series(np.arange(300) < SMALLEST_GROUP - 1, index=table.relevance.index)
    found = prototypes(gather([ExplainedTable(table.relevance, few, table.score)]))
    assert found.of("adverse") == ()
    assert found.adverse == SMALLEST_GROUP - 1
    assert found.of("favourable")[0].summary.count == 251


def test_memory_does_not_grow_with_decisions() -> None:
    peaks = []
    for count in (100, 400):
        tracemalloc.start()
        gather((additive(500, seed, prefix=f"{seed}-") for seed in range(count)), size=500)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_a_planted_outlier_is_the_most_unusual_and_the_mean_the_most_typical_however_the_rows_are_cut() -> None:
    rows = additive(300).array.copy()
    rows[17] = 20.0
    rows[42] = np.delete(rows, 42, axis=0).mean(0)
    for count in (1, 4):
        found = prototypes(gather(_thirds(tabled(rows, rows), count)))
        assert found.unusual[0].id == "d17"
        assert found.typical[0].id == "d42"


def test_a_sample_does_not_depend_on_order_or_chunks_and_is_fair() -> None:
    table = additive(4000)
    samples = []
    for part in (_thirds(table, 1), _thirds(table, 9), [table.only(np.arange(3999, -1, -1))]):
        sampler = Sampler(size=500, seed=3)
        for piece in part:
            sampler.add(piece)
        samples.append([*sampler.table().ids])
    assert samples[0] == samples[1] == samples[2]
    assert len(samples[0]) == 500
    assert abs(np.mean([int(name[1:]) for name in samples[0]]) - 2000) < 4 * 4000 / np.sqrt(12 * 500)
    other = Sampler(size=500, seed=4)
    other.add(table)
    assert 20 < len({*samples[0]} & {*other.table().ids}) < 120


def test_value_profiles_follow_an_additive_model() -> None:
    cells = [cell for cell in value_profiles(additive(2000)) if cell.column == "f1"]
    means = [cell.summary.mean for cell in cells if cell.summary is not None]
    assert len(means) == 10
    assert means == sorted(means)
    assert sum(cell.summary.count for cell in cells if cell.summary is not None) == 2000


def test_rare_and_missing_values_have_cells_of_their_own_and_few_decisions_none() -> None:
    table = additive(400)
    assert table.values is not None
    words = pd.Series(np.repeat(["a", "b", None, "rare"], [200, 130, 60, 10]), index=table.relevance.index)
    marked = ExplainedTable(table.relevance, table.adverse, table.score, table.values.assign(f0=words))
    cells = {item.cell.value or item.cell.kind: item.summary for item in value_profiles(marked) if item.column == "f0"}
    assert {name: found is None for name, found in cells.items()} == {
        "a": False, "b": False, "rare": True, "missing": False,
    }  # fmt: skip
    assert cells["missing"] is not None
    assert cells["missing"].count == 60


def test_frequent_words_have_cells_and_the_others_one() -> None:
    table = additive(600)
    words = pd.Series(np.repeat(["a", "b", "c", "d"], [200, 160, 140, 100]), index=table.relevance.index)
    marked = ExplainedTable(table.relevance, table.adverse, table.score, pd.DataFrame({"f0": words}))
    found = value_profiles(marked, most=2)
    counts = {item.cell.value or item.cell.kind: item.summary.count for item in found if item.summary is not None}
    assert counts == {"a": 200, "b": 160, "other": 240}


def test_bins_of_few_decisions_are_wide_enough_to_be_shown() -> None:
    found = [item for item in value_profiles(additive(200)) if item.column == "f0"]
    assert len(found) == 3
    assert all(item.summary is not None for item in found)
    assert (found[0].cell.low, found[-1].cell.high) == (None, None)
    assert found[0].cell.high == found[1].cell.low


def test_too_few_decisions_and_other_columns_are_refused() -> None:
    with pytest.raises(DataError, match="50 decisions or more, and there are 49"):
        prototypes(gather([additive(49)]))
    other = additive(50, prefix="e")
    renamed = ExplainedTable(other.relevance.rename(columns={"f3": "f9"}), other.adverse, other.score)
    with pytest.raises(DataError, match="differ in the column 'f3'"):
        gather([additive(50), renamed])
    with pytest.raises(DataError, match="no explained decisions"):
        gather([])
    with pytest.raises(DataError, match="have no values"):
        value_profiles(renamed)


def test_an_id_that_comes_in_two_chunks_is_refused() -> None:
    with pytest.raises(DataError, match="'d7' comes more than once"):
        gather([additive(60), additive(60, 1).only(np.array([7, 8]))])


def test_relevance_that_is_no_number_is_refused_and_named() -> None:
    rows = additive(60).array.copy()
    rows[3, 1] = np.nan
    with pytest.raises(DataError, match="Decision 'd3' has no finite number for 'f1'"):
        tabled(rows, rows)
