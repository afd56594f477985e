"""The parts of all chunks as one table, read and written some rows at a time."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from lrp_audit.batch.finishing.rows import cut
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import read_table, write_groups


def merge(folder: Path, chunks: int) -> None:
    """Write decisions.parquet and relevance.parquet from the parts of every chunk.

    Raises:
        ReportError: they cannot be written.
    """
    for name in (layout.DECISIONS, layout.RELEVANCE):
        parts = [folder / layout.part_name(name, number) for number in range(chunks)]
        write_groups(folder / name, pq.read_schema(parts[0]), cut(map(read_table, parts), layout.ROW_GROUP))
