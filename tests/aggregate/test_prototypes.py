"""Prototypes and value profiles: the moments of the whole from its parts, and what is planted stands out."""

import numpy as np
import pandas as pd
import pytest
from planted_decisions import WEIGHTS, additive, tabled
from records import record

from lrp_audit.aggregate.prototypes import prototypes, word_profiles
from lrp_audit.aggregate.stream import Stream
from lrp_audit.aggregate.table import ExplainedTable, chunks, collect
from lrp_audit.aggregate.value_profiles import value_profiles
from lrp_audit.errors import DataError
from lrp_audit.records.text_record import TextEvidence, TextWord


def test_parts_have_the_moments_and_nearly_the_quantiles_of_the_whole() -> None:
    table = additive(3000)
    parts = [table.only(np.arange(3000) % 7 == part) for part in range(7)]
    found = prototypes(parts).table().set_index("column")
    whole = table.relevance
    assert np.allclose(found["mean"], whole.mean()[found.index], atol=1e-12)
    assert np.allclose(found["standard_deviation"], whole.std(ddof=0)[found.index], rtol=1e-10)
    assert np.allclose(found["strength"], whole.abs().mean()[found.index], rtol=1e-10)
    for name, rank in (("tenth", 0.1), ("median", 0.5), ("nine_tenths", 0.9)):
        ranks = (whole[found.index] < found[name]).mean()
        assert np.abs(ranks - rank).max() < 0.01


def test_the_stronger_weight_comes_first() -> None:
    assert [item.name for item in prototypes([additive(500)]).profiles] == [f"f{j}" for j in range(len(WEIGHTS))]


def test_memory_of_a_stream_does_not_grow() -> None:
    sizes = []
    stream, generator = Stream(), np.random.default_rng(0)
    for _ in range(2):
        for _ in range(50):
            stream.add(generator.normal(size=1000))
        sizes.append(stream._digest.get_serialized_size_bytes())
    assert sizes[1] < 1.3 * sizes[0] < 20_000


def test_a_planted_outlier_is_the_most_unusual_and_the_mean_the_most_typical() -> None:
    table = additive(300)
    rows = table.array.copy()
    rows[17] = 20.0
    rows[42] = np.delete(rows, 42, axis=0).mean(0)
    found = prototypes([tabled(rows, rows)])
    assert found.unusual[0].id == "d17"
    assert found.typical[0].id == "d42"
    assert set(found.standing_table()["kind"]) == {"typical", "unusual"}


def test_value_profiles_follow_an_additive_model() -> None:
    cells = value_profiles([additive(1000), additive(1000, 1, prefix="e")]).table()
    means = cells[cells["column"] == "f1"]["mean"]
    assert means.is_monotonic_increasing
    assert int(cells[cells["column"] == "f1"]["count"].sum()) == 2000


def test_rare_and_missing_values_have_cells_of_their_own_and_few_decisions_none() -> None:
    table = additive(400)
    assert table.values is not None
    words = pd.Series(np.repeat(["a", "b", None, "rare"], [200, 130, 60, 10]), index=table.relevance.index)
    given = table.values.assign(f0=words)
    marked = ExplainedTable(table.relevance, table.adverse, table.score, given)
    cells = value_profiles([marked]).table()
    cells = cells[cells["column"] == "f0"].set_index("value")
    assert dict(cells["suppressed"]) == {"a": False, "b": False, "rare": True, "(missing)": False}
    assert cells.loc["(missing)", "count"] == 60
    assert np.isnan(cells.loc["rare", "mean"])


def test_what_cannot_be_aggregated_is_said() -> None:
    with pytest.raises(DataError, match="50 decisions or more, and there are 20"):
        prototypes([additive(20)])
    narrow = additive(60).array[:, :3]
    with pytest.raises(DataError, match="differ in the column 'f3'"):
        prototypes([additive(60), tabled(narrow, narrow)])
    with pytest.raises(TypeError, match="read twice"):
        prototypes(iter([additive(60)]))
    with pytest.raises(DataError, match="no explained decisions"):
        additive(60).only(np.zeros(60, dtype=bool))
    rows = additive(60).array.copy()
    rows[3, 1] = np.nan
    with pytest.raises(DataError, match="Decision 'd3' has no finite number for 'f1'"):
        tabled(rows, rows)


# --- records ----------------------------------------------------------------------------------------------------------


def _records(n: int) -> list:
    first = record()
    return [first.model_copy(update={"decision": first.decision.model_copy(update={"id": f"r{k}"})}) for k in range(n)]


def test_records_become_a_table_and_unexplained_ones_are_counted() -> None:
    records = _records(3)
    records[1] = records[1].model_copy(update={"contributions": (), "families": ()})
    table = collect(records)
    assert list(table.relevance.index) == ["r0", "r2"]
    assert table.left_out == 1
    for item in records[0].contributions:
        assert table.relevance.loc["r0", item.column] == item.relevance
    families = table.by_family().relevance.loc["r0"]
    assert families.to_dict() == pytest.approx({item.family: item.relevance for item in records[0].families})
    assert [len(part) for part in chunks(iter(_records(5)), 2)] == [2, 2, 1]


def test_two_records_of_one_decision_or_of_two_models_are_refused() -> None:
    with pytest.raises(DataError, match="'r0' comes more than once"):
        collect([*_records(1), *_records(1)])
    first, second = _records(2)
    with pytest.raises(DataError, match="one model at a time"):
        collect([first, second.model_copy(update={"contributions": second.contributions[1:]})])
    with pytest.raises(DataError, match="None of the 1 records"):
        collect([first.model_copy(update={"contributions": ()})])


def test_a_planted_word_is_the_strongest_and_the_words_of_few_are_left_out() -> None:
    evidence = [
        TextEvidence(
            column="note",
            label="Note",
            text=f"Late rent {name}",
            words=(
                TextWord(start=0, end=4, relevance=1.0),
                TextWord(start=5, end=9, relevance=0.1),
                TextWord(start=10, end=10 + len(name), relevance=3.0),
            ),
        )
        for name in ("Ada", "Bob", "Cyd")
    ]
    records = [
        item.model_copy(update={"text_evidence": (text,)}) for item, text in zip(_records(3), evidence, strict=True)
    ]
    found = word_profiles(records, least=3)
    assert [item.name for item in found.profiles] == ["late", "rent"]
    assert found.table()["count"].tolist() == [3, 3]
    with pytest.raises(DataError, match="no words to profile"):
        word_profiles(_records(1))
