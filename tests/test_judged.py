"""Chunks of judged rows: tables that say what the records say, whatever stands beside a row."""

import datetime as dt
import hashlib
import math
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from lrp_audit.deciding.decision_row import relevance_names
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.facts import read_ids, repeated_rows, text_columns
from lrp_audit.deciding.judged import DECISIONS, judge_chunk
from lrp_audit.deciding.session import open_session
from lrp_audit.errors import DataError
from lrp_audit.records.record import Record, canonical
from lrp_audit.resources import samples
from lrp_audit.settings.config import load
from lrp_audit.tables import read_table

NOTICE = dt.date(2026, 11, 16)


def opened(folder, settings="audit.toml", table="synthetic_applications.csv", level=None):
    """A session over shipped samples, and their rows."""
    config = load(folder / settings)
    if level is not None:
        checks = config.checks.model_copy(update={"level": level})
        config = config.model_copy(update={"checks": checks})
    frame = read_table(folder / table, text=text_columns(config.facts))
    return open_session(config, folder, frame), frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return shutil.copytree(samples(), tmp_path_factory.mktemp("judged") / "samples")


@pytest.fixture(scope="module")
def session_and_frame(folder):
    return opened(folder)


@pytest.fixture(scope="module")
def chunk(session_and_frame):
    session, frame = session_and_frame
    repeated = repeated_rows(read_ids(session.config.facts, frame))
    assert repeated
    return judge_chunk(session, frame, notice=NOTICE, repeated=repeated)


def rows_of(chunk):
    return chunk.decisions.to_pylist(maps_as_pydicts="strict")


def test_a_row_states_what_its_record_states(chunk):
    assert chunk.decisions.schema.equals(DECISIONS, check_metadata=True)
    for row, stored in zip(rows_of(chunk), chunk.records, strict=True):
        record = Record.model_validate_json(stored)
        assert row["id"] == record.decision.id
        assert row["record_sha256"] == hashlib.sha256(stored).hexdigest()
        assert row["states"] == [item.state for item in record.refusals]
        assert row["state"] == (record.refusal.state if record.refusal else None)
        assert [item["text"] for item in row["reasons"] or ()] == [item.text for item in record.reasons]
        assert row["flags"] == len(record.flags)
        assert row["notice_due"] == record.decision.dates.notice_due
        if record.outcome is not None:
            assert row["score"] == pytest.approx(record.outcome.score, rel=1e-11)
            assert row["outcome"] == ("adverse" if record.outcome.adverse else "favourable")
        if record.conservation is not None:
            books = row["explained"] - row["attributed"] - row["absorbed"]
            assert books == pytest.approx(row["residual"], abs=1e-9)
        for check, stated in zip(row["checks"], record.checks, strict=True):
            assert check["measured"] == pytest.approx(stated.measured)


def test_relevance_adds_up_to_what_was_attributed_and_is_null_where_nothing_was_explained(chunk):
    inputs = [name for name in chunk.relevance.column_names if name not in {"row", "id"}]
    for row, relevance in zip(rows_of(chunk), chunk.relevance.to_pylist(), strict=True):
        values = [relevance[name] for name in inputs]
        if row["explained"] is None:
            assert values == [None] * len(inputs)
        else:
            assert math.fsum(values) == pytest.approx(row["attributed"], abs=1e-9)


def test_a_whole_decision_is_the_one_in_the_record(chunk):
    for row in range(len(chunk.addressees)):
        decision = chunk.decision(row)
        assert (decision.row, decision.addressee) == (row, chunk.addressees[row])
        assert canonical(decision.record) == chunk.records[row]


def test_a_chunk_judges_as_single_decisions_are_judged(session_and_frame, chunk):
    session, frame = session_and_frame
    assert [canonical(item.record) for item in decide(session, frame, notice=NOTICE)] == list(chunk.records)


def test_rows_are_counted_from_where_the_chunk_starts_in_its_source(session_and_frame):
    session, frame = session_and_frame
    chunk = judge_chunk(session, frame.iloc[:3], first_row=1000, notice=NOTICE, repeated={1001}, records=False)
    assert chunk.records is None
    assert chunk.decisions["row"].to_pylist() == [1000, 1001, 1002]
    assert [row["state"] == "INVALID_INPUT" for row in rows_of(chunk)] == [False, True, False]
    assert "repeated" in chunk.decision(1001).record.refusal.evidence
    facts = session.config.facts.model_copy(update={"id": None})
    unnamed = replace(session, config=session.config.model_copy(update={"facts": facts}))
    found = judge_chunk(unnamed, frame.iloc[:2], first_row=1000, records=False)
    assert found.decisions["id"].to_pylist() == ["row 1001", "row 1002"]


def test_a_row_is_the_same_bytes_whatever_its_neighbours_are(session_and_frame, chunk):
    session, frame = session_and_frame
    good = [row for row, item in enumerate(rows_of(chunk)) if item["explained"] is not None]
    others = frame.copy()
    kept = good[1::5]
    for row in set(range(len(frame))) - set(kept):
        others.iloc[row] = frame.iloc[good[0]]
    others["annual_income"] = others["annual_income"].astype(object)
    others.loc[[row for row in good if row not in kept], "annual_income"] = "unreadable"
    found = judge_chunk(session, others, notice=NOTICE)
    assert sum(item["state"] == "INVALID_INPUT" for item in rows_of(found)) > 5
    for row in kept:
        assert found.records[row] == chunk.records[row]
        assert found.relevance.slice(row, 1).equals(chunk.relevance.slice(row, 1))


def test_a_short_last_chunk_has_the_bytes_of_a_full_one(session_and_frame, chunk):
    session, frame = session_and_frame
    found = judge_chunk(session, frame.iloc[:7], notice=NOTICE, chunk_rows=len(frame))
    assert found.records == chunk.records[:7]
    assert found.decisions.equals(chunk.decisions.slice(0, 7))
    assert found.relevance.equals(chunk.relevance.slice(0, 7))


def test_a_text_has_one_column_of_relevance(folder):
    session, frame = opened(folder / "text", table="synthetic_narratives.csv")
    chunk = judge_chunk(session, frame.iloc[:4], notice=NOTICE)
    assert chunk.relevance.column_names == ["row", "id", *session.model.explained]
    for row, relevance in zip(rows_of(chunk), chunk.relevance.to_pylist(), strict=True):
        values = [value for name, value in relevance.items() if name not in {"row", "id"}]
        assert math.fsum(values) == pytest.approx(row["attributed"], rel=1e-5)


@pytest.mark.rule("G-02")
def test_without_checks_nothing_is_measured_and_every_denial_that_rests_on_reasons_is_refused(folder):
    session, frame = opened(folder, level="none")
    for row in rows_of(judge_chunk(session, frame, notice=NOTICE, records=False)):
        assert all(check["status"] == "not performed" for check in row["checks"])
        denied = row["outcome"] == "adverse" and row["decided_by"] == "score" and row["explained"] is not None
        assert ("UNFAITHFUL_EXPLANATION" in row["states"]) == denied


def test_a_column_of_the_model_cannot_take_the_place_of_row_or_id():
    assert relevance_names(["id", "a", "row"]) == ["input id", "a", "input row"]
    assert relevance_names(["id", "input id"]) == ["input id", "input input id"]


def test_a_missing_column_is_named(session_and_frame):
    session, frame = session_and_frame
    with pytest.raises(DataError, match="annual_income"):
        judge_chunk(session, frame.drop(columns="annual_income"))
    with pytest.raises(DataError, match=r"facts\.id"):
        judge_chunk(session, pd.DataFrame({"a": [1]}))
