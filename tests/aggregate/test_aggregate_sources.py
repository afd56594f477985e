"""Sources: a folder of records and a batch folder of the same decisions say the same, in chunks or whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from records import record

from lrp_audit.aggregate import batch_tables, sources
from lrp_audit.aggregate.analysis import read
from lrp_audit.aggregate.sources import collect, open_source
from lrp_audit.errors import DataError
from lrp_audit.records.record import Record, canonical
from lrp_audit.records.text_record import TextEvidence, TextWord

EVIDENCE = TextEvidence(
    column="note",
    label="Note",
    text="Late [name]",
    words=(TextWord(start=0, end=4, relevance=1.0), TextWord(start=5, end=11, relevance=0.5)),
)


def records_of(count: int, *, texts: bool = True) -> list[Record]:
    """Records with noise on every relevance; one in ten has no explanation."""
    first, generator = record(), np.random.default_rng(0)
    assert first.outcome is not None
    found = []
    for number in range(count):
        noisy = [
            item.model_copy(update={"relevance": float(item.relevance + generator.normal())})
            for item in first.contributions
        ]
        outcome = {"margin": float(generator.normal()), "adverse": number % 3 == 0}
        changes: dict[str, Any] = {
            "decision": first.decision.model_copy(update={"id": f"r{number:04d}"}),
            "outcome": first.outcome.model_copy(update=outcome),
            "contributions": () if number % 10 == 9 else tuple(noisy),
            "text_evidence": (EVIDENCE,) if texts else (),
        }
        found.append(Record.model_validate_json(canonical(first.model_copy(update=changes))))
    return found


def write_records(folder: Path, records: list[Record]) -> Path:
    for number, item in enumerate(records):
        place = folder / f"{number:04d}"
        place.mkdir(parents=True)
        (place / "record.json").write_bytes(canonical(item))
    return folder


def write_batch(folder: Path, records: list[Record], *, keep_records: bool = True, group: int = 37) -> Path:
    """The tables of a batch folder, in row groups of an odd size."""
    folder.mkdir(parents=True)
    columns = sorted(item.column for item in records[0].contributions)
    rows = range(len(records))
    relevance = {"row": pa.array(rows, pa.int64()), "id": [item.decision.id for item in records]} | {
        name: pa.array(
            [next((c.relevance for c in item.contributions if c.column == name), None) for item in records],
            pa.float64(),
        )
        for name in columns
    }
    outcomes = [item.outcome for item in records]
    decisions = {
        "row": pa.array(rows, pa.int64()),
        "id": [item.decision.id for item in records],
        "outcome": [None if o is None else "adverse" if o.adverse else "favourable" for o in outcomes],
        "margin": pa.array([None if o is None else o.margin for o in outcomes], pa.float64()),
    }
    pq.write_table(pa.table(relevance), folder / "relevance.parquet", row_group_size=group)
    pq.write_table(pa.table(decisions), folder / "decisions.parquet", row_group_size=2 * group + 1)
    if keep_records:
        (folder / "records").mkdir()
        for start in range(0, len(records), 100):
            part = records[start : start + 100]
            table = {
                "row": pa.array(range(start, start + len(part)), pa.int64()),
                "id": [item.decision.id for item in part],
                "record": [canonical(item).decode() for item in part],
            }
            pq.write_table(pa.table(table), folder / "records" / f"{start:05d}.parquet")
    return folder


@pytest.fixture(scope="module")
def known() -> list[Record]:
    return records_of(130)


@pytest.mark.parametrize("size", [7, 1000])
def test_records_and_batch_tables_of_the_same_decisions_say_the_same(
    known: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(sources, "_CHUNK", size)
    monkeypatch.setattr(batch_tables, "_CHUNK", size)
    found = [
        read(open_source(folder))
        for folder in (write_records(tmp_path / "records", known), write_batch(tmp_path / "batch", known))
    ]
    assert [item.decisions for item in found] == [117, 117]
    assert [item.left_out for item in found] == [13, 13]
    assert found[0].adverse == found[1].adverse
    pd.testing.assert_frame_equal(found[0].sample.relevance, found[1].sample.relevance)
    assert found[0].sample.values is not None
    assert found[1].sample.values is not None
    pd.testing.assert_frame_equal(found[0].sample.values, found[1].sample.values, check_dtype=False)
    assert (found[0].sample.score == found[1].sample.score).all()
    texts = [list(open_source(tmp_path / name).texts()) for name in ("records", "batch")]
    assert texts[0] == texts[1]
    assert texts[0][0].words == (("late", 1.0), ("[name]", 0.5))
    assert len(texts[0]) == 130


def test_a_batch_without_records_has_no_values_and_no_texts(known: list[Record], tmp_path: Path) -> None:
    source = open_source(write_batch(tmp_path / "batch", known, keep_records=False))
    assert read(source).sample.values is None
    assert list(source.texts()) == []


def test_records_of_a_model_without_texts_have_none(tmp_path: Path) -> None:
    assert list(open_source(write_batch(tmp_path / "batch", records_of(30, texts=False))).texts()) == []


def test_a_record_that_quotes_one_without_texts_keeps_its_own(known: list[Record], tmp_path: Path) -> None:
    quoting = {"product": '"text_evidence":[]', "id": 'a"text_evidence":[]'}
    few = [item.model_copy(update={"decision": item.decision.model_copy(update=quoting)}) for item in known]
    texts = [list(open_source(write_batch(tmp_path / name, one)).texts()) for name, one in (("a", known), ("b", few))]
    assert texts[0] == texts[1] != []


def test_a_purged_record_has_no_text_and_its_sample_no_values(known: list[Record], tmp_path: Path) -> None:
    folder = write_batch(tmp_path / "batch", known)
    path = folder / "records" / "00000.parquet"
    table = pq.read_table(path).to_pydict()
    table["id"][0] = table["record"][0] = None
    pq.write_table(pa.table(table), path)
    source = open_source(folder)
    assert len(list(source.texts())) == 129
    assert read(source).sample.values is None


def test_nulls_in_part_of_an_explanation_are_refused(known: list[Record], tmp_path: Path) -> None:
    folder = write_batch(tmp_path / "batch", known)
    table = pq.read_table(folder / "relevance.parquet").to_pandas()
    table.loc[3, table.columns[4]] = np.nan
    table.to_parquet(folder / "relevance.parquet")
    with pytest.raises(DataError, match="'r0003' has no finite number"):
        read(open_source(folder))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "decisions.parquet").unlink(), "decisions.parquet is missing"),
        (lambda folder: (folder / "relevance.parquet").write_bytes(b"PAR1 no"), "is damaged"),
        (lambda folder: pd.DataFrame({"row": [0]}).to_parquet(folder / "decisions.parquet"), "has no column 'outcome'"),
        (
            lambda folder: pq.write_table(
                pq.read_table(folder / "decisions.parquet").slice(0, 20), folder / "decisions.parquet"
            ),
            "has 130 rows and decisions.parquet 20",
        ),
        (
            lambda folder: pq.write_table(
                pq.read_table(folder / "decisions.parquet").take(list(range(129, -1, -1))), folder / "decisions.parquet"
            ),
            "differ in their rows",
        ),
    ],
)
def test_damaged_batch_tables_end_in_a_sentence(known: list[Record], tmp_path: Path, spoil: Any, says: str) -> None:
    folder = write_batch(tmp_path / "batch", known)
    spoil(folder)
    with pytest.raises(DataError, match=says):
        read(open_source(folder))


def test_decisions_that_nobody_explained_are_refused(known: list[Record], tmp_path: Path) -> None:
    bare = [item.model_copy(update={"contributions": ()}) for item in known[:5]]
    with pytest.raises(DataError, match="None of the 5 records"):
        read(open_source(write_records(tmp_path / "records", bare)))
    with pytest.raises(DataError, match="holds no folder"):
        open_source(tmp_path)


def test_ids_of_the_references_data_are_counted(known: list[Record], tmp_path: Path) -> None:
    source = open_source(write_records(tmp_path / "records", known))
    assert read(source, reference=pd.Index(["r0000", "r0001", "r0009", "other"])).overlapping == 2


# --- records ----------------------------------------------------------------------------------------------------------


def test_records_become_a_table() -> None:
    first = records_of(1)[0]
    table = collect([first])
    for item in first.contributions:
        assert table.relevance.loc["r0000", item.column] == item.relevance
    assert table.values is not None
    assert table.values.loc["r0000"].to_dict() == {item.column: item.value for item in first.contributions}


def test_two_records_of_one_decision_or_of_two_models_are_refused() -> None:
    first, second = records_of(2)
    with pytest.raises(DataError, match="'r0000' comes more than once"):
        collect([first, first])
    with pytest.raises(DataError, match="one model at a time"):
        collect([first, second.model_copy(update={"contributions": second.contributions[1:]})])
