"""The lists hold every decision once, in order, and nothing that a spreadsheet would calculate."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

import decision_rows
import pyarrow as pa
import pytest
import records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrp_audit.batch.finishing.lists import write_lists
from lrp_audit.records.record import Record, Refusal
from lrp_audit.sealing import layout

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.sampled_from(["=1+1", "@SUM(A1)", "-2+3", '=HYPERLINK("http://x")', '"', '",=1', "\r=1", "\n", ";", "'", ""]),
)
STATES = st.sampled_from([None, "NOT_ADVERSE", "UNFAITHFUL_EXPLANATION", "INVALID_INPUT"])
DUE = st.one_of(st.none(), st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 9)))


def read(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content, newline=""), strict=True))


def plain(cell: str) -> str:
    """The text of a cell, less the apostrophe of a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def decided(name: str, state: str | None, due: dt.date | None, flagged: bool, next_step: str) -> Record:
    dates = records.decision().dates.model_copy(update={"notice_due": due})
    refusals = () if state is None else (Refusal(state=state, rule="G-02", evidence="e", next_step=next_step),)
    facts = records.decision(id=name, dates=dates)
    return records.record(decision=facts, refusals=refusals, flags=("Look at it.",) if flagged else ())


DECIDED = st.builds(decided, TEXTS, STATES, DUE, st.booleans(), TEXTS)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DECIDED, max_size=8), st.dictionaries(TEXTS, TEXTS, max_size=2), st.integers(1, 5))
def test_lists_say_what_the_decisions_are_and_no_formula(
    tmp_path: Path, batch: list[Record], failed: dict[str, str], size: int
) -> None:
    table = decision_rows.table(batch, failed=failed)
    write_lists(decision_rows.columns(table, size), tmp_path)
    rows = table.to_pylist()
    listed = read(tmp_path / layout.TABLE)
    assert [plain(line["id"]) for line in listed] == [row["id"] for row in rows]
    assert [int(line["row"]) for line in listed] == list(range(len(rows)))
    for line, row in zip(listed, rows, strict=True):
        assert line["state"] == (row["state"] or "")
        assert plain(line["next_step"]) == (row["next_step"] or "")
        assert plain(line["failure"]) == (row["failure"] or "")
        assert bool(line["reasons"]) == (row["state"] is None and row["failure"] is None)
    worked = read(tmp_path / layout.WORKLIST)
    asking = [
        row for row in rows if row["failure"] is not None or row["flags"] or row["state"] not in (None, "NOT_ADVERSE")
    ]
    asking.sort(key=lambda row: (row["notice_due"] or dt.date.max, row["row"]))
    assert [int(line["row"]) for line in worked] == [row["row"] for row in asking]
    for line in (*listed, *worked):
        assert not any(cell.startswith(FORMULA) for cell in line.values())


@pytest.mark.parametrize("name", ["notice.pdf", "letter.pdf"])
def test_documents_are_linked_where_they_lie(tmp_path: Path, name: str) -> None:
    written = {1: {"audit.pdf": records.HASH, name: records.HASH, "record.json": records.HASH}}
    table = decision_rows.table([records.record()] * 3, documents=written)
    write_lists(decision_rows.columns(table, 2), tmp_path)
    folder = table.column("folder")[1].as_py()
    line = read(tmp_path / layout.TABLE)[1]
    assert line["letter"] == layout.document_name(folder, name)
    assert line["audit"] == layout.document_name(folder, "audit.pdf")
    assert [row["letter"] for row in read(tmp_path / layout.TABLE)][::2] == ["", ""]


def test_pandas_reads_the_lists(tmp_path: Path) -> None:
    import pandas as pd

    write_lists(decision_rows.columns(decision_rows.table([records.record()] * 3)), tmp_path)
    frame = pd.read_csv(tmp_path / layout.TABLE)
    assert list(frame["id"]) == ["2026-004711"] * 3
    assert pa.Table.from_pandas(frame).num_rows == 3
