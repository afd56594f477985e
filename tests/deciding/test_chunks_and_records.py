"""A chunk is judged by short cuts, and says to the byte what whole records say, whatever settings and rows are."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
import tomlkit
from drawn_settings import Drawn, Opened, drawn, shipped
from hypothesis import HealthCheck, Phase, example, given, settings

from lrp_audit.deciding.decision_row import DECISIONS, decision_row, relevance_names
from lrp_audit.deciding.decisions import Decision, decide
from lrp_audit.deciding.facts import read_ids, repeated_rows, text_columns
from lrp_audit.deciding.judged import JudgedChunk, judge_chunk
from lrp_audit.deciding.session import Session, open_session
from lrp_audit.history.decision_folder import folder_name
from lrp_audit.records.record import Record, canonical
from lrp_audit.settings.config import load
from lrp_audit.tables import read_table

FIRST = 1000  # row of the source that chunks start at


@pytest.mark.parametrize("examples", [5, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("level", ["none", "letter"])
def test_a_chunk_says_what_whole_records_say(folder: Path, opened: Opened, level: str, examples: int) -> None:
    states: Counter[str] = Counter()

    @settings(
        max_examples=examples, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],  # a smaller example is not worth its minutes
    )  # fmt: skip
    @given(drawn(folder, level))
    @example(shipped(folder, level))
    def check(case: Drawn) -> None:
        (folder / "drawn.toml").write_text(tomlkit.dumps(case.settings))
        config = load(folder / "drawn.toml")
        session = opened(config)
        expected = list(decide(session, case.frame, notice=case.notice))
        first = 0 if config.facts.id is None else FIRST  # which ids are made of, where there are none
        repeated = {first + row for row in repeated_rows(read_ids(config.facts, case.frame))}
        for records in (True, False):
            chunk = judge_chunk(
                session, case.frame, notice=case.notice, first_row=first, repeated=repeated, records=records
            )
            agree(session, chunk, expected, first=first, records=records)
        states.update(item.state for found in expected for item in found.record.refusals)
        states["no state"] += sum(found.record.refusal is None for found in expected)

    check()
    assert states["no state"], "no decision that a letter may go out about"
    assert examples < 40 or len(states) > 8, f"too few kinds of decisions to say anything: {states}"


def test_a_chunk_of_texts_says_what_whole_records_say(folder: Path) -> None:
    config = load(folder / "text" / "audit.toml")
    frame = read_table(folder / "text" / "synthetic_narratives.csv", text=text_columns(config.facts)).iloc[:3]
    session = open_session(config, folder / "text", frame)
    chunk = judge_chunk(session, frame, first_row=FIRST)
    agree(session, chunk, list(decide(session, frame)), first=FIRST, records=True)


def agree(session: Session, chunk: JudgedChunk, expected: list[Decision], *, first: int, records: bool) -> None:
    """Everything that a chunk holds follows from the whole records."""
    written = [canonical(found.record) for found in expected]
    assert chunk.records == (tuple(written) if records else None)
    digests = [hashlib.sha256(text).hexdigest() if records else None for text in written]
    rows = [
        decision_row(found.record, first + found.row, folder_name(session.key, found.record.decision.id), digest)
        for found, digest in zip(expected, digests, strict=True)
    ]
    assert chunk.decisions.equals(pa.Table.from_pylist(rows, DECISIONS))
    if session.config.text is None:  # whose words stand in the record, and not in the table
        assert chunk.relevance.to_pylist() == [
            {"row": first + found.row, "id": found.record.decision.id, **relevance(session, found.record)}
            for found in expected
        ]
    assert chunk.addressees == tuple(found.addressee for found in expected)
    for found, text in zip(expected, written, strict=True):
        assert canonical(Record.model_validate_json(text)) == text
        again = chunk.decision(first + found.row)
        assert (again.record, again.addressee, again.row) == (found.record, found.addressee, first + found.row)


def relevance(session: Session, record: Record) -> dict[str, float | None]:
    """By input, as the record has it."""
    found = {item.column: item.relevance for item in record.contributions}
    inputs = session.model.explained
    return {shown: found.get(name) for shown, name in zip(relevance_names(inputs), inputs, strict=True)}
