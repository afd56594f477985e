"""A small batch as a run leaves it before it is sealed, made without a model; all people in it are made up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import records

from lrp_audit.history.decision_folder import addressee_digest, folder_name
from lrp_audit.records.record import Addressee, Record, Refusal, canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import write_table
from lrp_audit.sealing.leaves import Content, leaves_of_chunk, record_content

KEY = b"k" * 32
SECRET = b"s" * 32
CHUNK_ROWS = 3
REFUSED = Refusal(state="NOT_ADVERSE", rule="G-01", evidence="It was approved.", next_step="Nothing.")

DECISIONS = pa.schema(
    [
        pa.field("row", pa.int64()),
        pa.field("id", pa.string()),
        pa.field("folder", pa.string()),
        pa.field("state", pa.string()),
        pa.field("record_sha256", pa.string()),
        pa.field("failure", pa.string()),
        pa.field(
            "documents",
            pa.list_(
                pa.struct(
                    [pa.field("name", pa.string()), pa.field("sha256", pa.string()), pa.field("bytes", pa.int64())]
                )
            ),
        ),
    ]
)


def addressee(row: int) -> Addressee:
    return Addressee(name=f"Person {row}", address=(f"{row} Main Street",))


def record(row: int) -> Record:
    """Every third one was approved, and gets no letter."""
    facts = records.decision(id=f"A-{row:05d}", addressee_sha256=addressee_digest(KEY, addressee(row)))
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
    write_table(folder / layout.DECISIONS, pa.Table.from_pylist(table, DECISIONS))
    ids = [item.decision.id for item in made]
    relevance = {"row": list(range(rows)), "id": ids, "income": [0.5 * row for row in range(rows)]}
    write_table(folder / layout.RELEVANCE, pa.table(relevance))
    plan = {"schema_version": "1", "rows": rows, "chunk_rows": CHUNK_ROWS, "records": kept}
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
    return {
        "row": row,
        "id": item.decision.id,
        "folder": folder_name(KEY, item.decision.id),
        "state": None if item.refusal is None else item.refusal.state,
        "record_sha256": hashlib.sha256(canonical(item)).hexdigest() if kept else None,
        "failure": None,
        "documents": [{"name": name, "sha256": sha256, "bytes": size} for name, sha256, size in documents],
    }
