"""A small batch as a run leaves it before it is sealed, made without a model; all people in it are made up."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import records

from lrp_audit.deciding.decision_row import DECISIONS, DOCUMENTS, decision_row
from lrp_audit.history.decision_folder import addressee_digest, folder_name
from lrp_audit.records.record import Addressee, Record, Refusal, Retention, canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import write_table
from lrp_audit.sealing.leaves import Content, leaves_of_chunk, record_content

KEY = b"k" * 32
SECRET = b"s" * 32
CHUNK_ROWS = 3
FIRST = dt.date(2028, 12, 1)  # last day that row 0 is kept
BASES = ("12 CFR 1002.12(b)(1)", "Policy R-12")
REFUSED = Refusal(state="NOT_ADVERSE", rule="G-01", evidence="It was approved.", next_step="Nothing.")


def addressee(row: int) -> Addressee:
    return Addressee(name=f"Person {row}", address=(f"{row} Main Street",))


def record(row: int) -> Record:
    """Every third one was approved, and gets no letter; they are kept a day longer each, and row 1 is held."""
    kept = Retention(retain_until=FIRST + dt.timedelta(row), basis=BASES[row % 2], legal_hold=row == 1)
    if row == 6:
        kept = Retention()
    who = addressee_digest(KEY, addressee(row))
    facts = records.decision(id=f"A-{row:05d}", addressee_sha256=who, retention=kept)
    return records.record(decision=facts, refusals=(REFUSED,) if row % 3 == 2 else ())


def write(folder: Path, rows: int = 7, *, kept: bool = True) -> Path:
    """All that a run writes before it is sealed.

    Args:
        folder: where.
        rows: decisions.
        kept: records are kept.
    """
    folder.mkdir(parents=True)
    made = [record(row) for row in range(rows)]
    documents = [_documents(folder, row, item) for row, item in enumerate(made)]
    for chunk, start in enumerate(range(0, rows, CHUNK_ROWS)):
        some = range(start, min(start + CHUNK_ROWS, rows))
        _write_chunk(folder, chunk, some, made, documents, kept=kept)
    table = [_decision(row, item, documents[row], kept=kept) for row, item in enumerate(made)]
    write_table(folder / layout.DECISIONS, pa.Table.from_pylist(table, DECISIONS.append(DOCUMENTS)))
    ids = [item.decision.id for item in made]
    relevance = {"row": list(range(rows)), "id": ids, "income": [0.5 * row for row in range(rows)]}
    write_table(folder / layout.RELEVANCE, pa.table(relevance))
    plan = {"schema_version": "1", "rows": rows, "decisions": rows, "chunk_rows": CHUNK_ROWS, "records": kept}
    (folder / layout.PLAN).write_text(json.dumps(plan))
    (folder / layout.SETTINGS).write_text("[model]\n")
    (folder / layout.REPORT).write_bytes(b"%PDF-1.7 report")
    (folder / layout.README).write_text("Read this.\n")
    (folder / layout.LOG).write_text("{}\n")
    (folder / layout.SECRET).write_bytes(SECRET)
    for name in (layout.SOURCE, layout.CHUNKS, layout.PARTS):
        (folder / name).mkdir()
        (folder / name / "00000.x").write_bytes(b"x")
    return folder


Document = tuple[str, str, int]  # name in the decision's folder, SHA-256, bytes


def _documents(folder: Path, row: int, item: Record) -> list[Document]:
    name = folder_name(KEY, item.decision.id)
    place = layout.shard(folder, name) / name
    place.mkdir(parents=True)
    contents = {"addressee.json": canonical(addressee(row)), "record.json": canonical(item)}
    if item.refusal is None:
        contents["notice.pdf"] = b"%%PDF-1.7 notice %d" % row
    for file, content in contents.items():
        (place / file).write_bytes(content)
    return [(file, hashlib.sha256(content).hexdigest(), len(content)) for file, content in sorted(contents.items())]


def _write_chunk(
    folder: Path,
    chunk: int,
    rows: Sequence[int],
    made: Sequence[Record],
    documents: Sequence[Sequence[Document]],
    *,
    kept: bool,
) -> None:
    ids = [made[row].decision.id for row in rows]
    contents = []
    for row in rows:
        name = folder_name(KEY, made[row].decision.id)
        if kept:
            contents.append(record_content(row, hashlib.sha256(canonical(made[row])).hexdigest()))
        contents += [
            Content("document", row, layout.document_name(name, file), sha256) for file, sha256, _ in documents[row]
        ]
    write_table(layout.chunk_file(folder, layout.LEAVES, chunk), leaves_of_chunk(contents, SECRET))
    texts = [canonical(made[row]).decode() for row in rows]
    people = [addressee(row).model_dump_json() for row in rows]
    if kept:
        table = pa.table({"row": list(rows), "id": ids, "record": texts})
        write_table(layout.chunk_file(folder, layout.RECORDS, chunk), table)
    table = pa.table({"row": list(rows), "id": ids, "addressee": people})
    write_table(layout.chunk_file(folder, layout.ADDRESSEES, chunk), table)


def _decision(row: int, item: Record, documents: Sequence[Document], *, kept: bool) -> dict[str, object]:
    digest = hashlib.sha256(canonical(item)).hexdigest() if kept else None
    named = [{"name": name, "sha256": sha256, "bytes": size} for name, sha256, size in documents]
    return {**decision_row(item, row, folder_name(KEY, item.decision.id), digest), "documents": named}
