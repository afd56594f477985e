"""What a sealed batch keeps of its decisions: records and addressees, by row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow.compute as pc
from pydantic import ValidationError

from lrp_audit.deciding.decisions import Decision
from lrp_audit.errors import ReportError
from lrp_audit.history.decision_folder import addressee_digest
from lrp_audit.records.record import Addressee, Frozen, Record, canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import chunk_files, leaf_tables, read_table

Kept = TypeVar("Kept", bound=Frozen)


@dataclass(frozen=True)
class KeptChunk:
    """A chunk as it is kept. `rows` are all that were judged in it, also those of which nothing is left."""

    rows: tuple[int, ...]
    records: dict[int, Record]
    addressees: dict[int, Addressee]


def kept_chunk(folder: Path, chunk: int) -> KeptChunk:
    """The records of a chunk, with those whom letters would go to. Raises ReportError where they are damaged."""
    leaves = next(table for number, table in enumerate(leaf_tables(folder)) if number == chunk)
    rows = pc.unique(leaves.filter(pc.equal(leaves.column("kind"), "record")).column("row")).to_pylist()
    records = _kept(layout.chunk_file(folder, layout.RECORDS, chunk), "record", Record)
    path = layout.chunk_file(folder, layout.ADDRESSEES, chunk)
    return KeptChunk(tuple(rows), records, _kept(path, "addressee", Addressee) if path.exists() else {})


def chunk_of(folder: Path, row: int) -> int:
    """The number of the chunk that keeps a row's record.

    Raises:
        ReportError: none does: the batch keeps no records, or they are damaged.
    """
    for number, path in enumerate(chunk_files(folder, layout.RECORDS)):
        if pc.index(read_table(path, ["row"]).column("row"), row).as_py() >= 0:
            return number
    raise ReportError(f"{folder} keeps no record of row {row}: the batch was run with --no-records, or it failed.")


def kept_decision(folder: Path, row: int, key: bytes) -> Decision:
    """A decision with the addressee of its letter, as it was judged.

    Args:
        folder: the batch.
        row: of the source.
        key: the secret that the addressee's digest in the record was made with.

    Raises:
        ReportError: its record is not kept, or one of them is not what it was.
    """
    chunk = kept_chunk(folder, chunk_of(folder, row))
    record, addressee = chunk.records[row], chunk.addressees.get(row, Addressee())
    expected = record.decision.addressee_sha256
    if expected is not None and addressee_digest(key, addressee) != expected:
        raise ReportError(f"The addressee that is kept of row {row} is not the one that its record was made with.")
    return Decision(record, addressee, row)


def _kept(path: Path, column: str, kind: type[Kept]) -> dict[int, Kept]:
    table = read_table(path, ["row", column])
    pairs = zip(table.column("row").to_pylist(), table.column(column).to_pylist(), strict=True)
    try:
        return {row: _sound(kind, text) for row, text in pairs}
    except (ValidationError, ValueError):
        raise ReportError(f"{path} does not hold what was written there; see `lrp-audit verify`.") from None


def _sound(kind: type[Kept], text: str) -> Kept:
    found = kind.model_validate_json(text)
    if kind is Record and canonical(found) != text.encode():
        raise ValueError("changed")
    return found
