"""Decisions, records and leaves of a batch side by side, row by row, in memory that does not grow with them (BA-02)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from lrp_audit.errors import ReportError
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import batches, chunk_files, leaf_tables

Named = tuple[str, str]  # a name in the batch, and SHA-256


@dataclass(frozen=True)
class Leaves:
    """The leaves of one row. `purged` of them have neither name nor salt any more."""

    record: str | None
    documents: tuple[Named, ...]
    purged: int


@dataclass(frozen=True)
class Decided:
    """What decisions.parquet says of one row."""

    record: str | None
    documents: tuple[Named, ...]


@dataclass(frozen=True)
class Row:
    """One row of the source, as far as the batch knows it. `record` is the SHA-256 of the record that is kept."""

    row: int
    decided: Decided | None
    record: str | None
    leaves: Leaves | None


def rows(folder: Path) -> Iterator[Row]:
    """Every row that anything speaks of, in order. Raises ReportError where a file is damaged or out of order."""
    for row, (decided, record, leaves) in _aligned(_decided(folder), _records(folder), _leaves(folder)):
        yield Row(row, decided, record, leaves)


def _aligned(*streams: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, list[Any]]]:
    """Streams of rising row numbers, joined; None where a stream has no such row."""
    iterators = [iter(stream) for stream in streams]
    heads = [next(stream, None) for stream in iterators]
    while any(head is not None for head in heads):
        row = min(head[0] for head in heads if head is not None)
        found = []
        for place, head in enumerate(heads):
            here = head is not None and head[0] == row
            found.append(head[1] if head is not None and here else None)
            if here:
                heads[place] = _next(iterators[place], row)
        yield row, found


def _next(stream: Iterator[tuple[int, Any]], row: int) -> tuple[int, Any] | None:
    following = next(stream, None)
    if following is not None and following[0] <= row:
        raise ReportError(f"Row {following[0]} of the batch stands behind row {row}: a table was rearranged.")
    return following


def _decided(folder: Path) -> Iterator[tuple[int, Decided]]:
    path = folder / layout.DECISIONS
    for batch in batches(path, ["row", "folder", "record_sha256", "documents"]):
        for row, name, record, documents in _values(path, batch, "row", "folder", "record_sha256", "documents"):
            named = ((layout.document_name(name, item["name"]), item["sha256"]) for item in documents or ())
            yield row, Decided(record, tuple(sorted(named)))


def _records(folder: Path) -> Iterator[tuple[int, str]]:
    for path in chunk_files(folder, layout.RECORDS):
        for batch in batches(path, ["row", "record"]):
            for row, record in _values(path, batch, "row", "record"):
                yield row, hashlib.sha256(record.encode()).hexdigest()


def _leaves(folder: Path) -> Iterator[tuple[int, Leaves]]:
    columns = ("row", "kind", "name", "sha256")
    for table in leaf_tables(folder):
        values = zip(*(table.column(name).to_pylist() for name in columns), strict=True)
        for row, group in groupby(values, key=lambda item: item[0]):
            found = [(kind, name, sha256) for _, kind, name, sha256 in group]
            record = next((sha256 for kind, name, sha256 in found if kind == "record" and name is not None), None)
            documents = sorted((name, sha256) for kind, name, sha256 in found if kind == "document" and name)
            yield row, Leaves(record, tuple(documents), sum(name is None for _, name, _ in found))


def _values(path: Path, batch: pa.RecordBatch, *names: str) -> Iterator[tuple[Any, ...]]:
    try:
        return zip(*(batch.column(name).to_pylist() for name in names), strict=True)
    except KeyError as error:
        raise ReportError(f"{path} has no column {error}: it is not as it was written.") from None
