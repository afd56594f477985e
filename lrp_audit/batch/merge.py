"""The parts of all chunks as one table, read and written some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import write_batches


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
        waiting.append(pq.read_table(part))
        if sum(map(len, waiting)) >= layout.ROW_GROUP:
            joined = pa.concat_tables(waiting).combine_chunks()
            whole = len(joined) // layout.ROW_GROUP * layout.ROW_GROUP
            yield from joined.slice(0, whole).to_batches(max_chunksize=layout.ROW_GROUP)
            waiting = [joined.slice(whole)]
    if sum(map(len, waiting)):
        yield from pa.concat_tables(waiting).combine_chunks().to_batches(max_chunksize=layout.ROW_GROUP)
