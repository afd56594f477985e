"""The parts of all chunks as one table, read and written some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import read_table, write_batches


def merge(folder: Path, chunks: int) -> None:
    """Write decisions.parquet and relevance.parquet from the parts of every chunk.

    Raises:
        ReportError: they cannot be written.
    """
    for name in (layout.DECISIONS, layout.RELEVANCE):
        parts = [folder / layout.part_name(name, number) for number in range(chunks)]
        write_batches(folder / name, pq.read_schema(parts[0]), _groups(parts))
    pa.default_memory_pool().release_unused()


def _groups(parts: list[Path]) -> Iterator[pa.RecordBatch]:
    """The rows of all parts in batches of one size, so that their bytes do not depend on what a chunk holds."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(read_table(part))
        while sum(map(len, waiting)) >= layout.ROW_GROUP:
            joined = pa.concat_tables(waiting)  # nothing is copied here, and what waits is of the last part alone
            waiting = [joined.slice(layout.ROW_GROUP)]
            yield from _batch(joined.slice(0, layout.ROW_GROUP))
    if sum(map(len, waiting)):
        yield from _batch(pa.concat_tables(waiting))


def _batch(rows: pa.Table) -> list[pa.RecordBatch]:
    found: list[pa.RecordBatch] = rows.combine_chunks().to_batches()
    return found
