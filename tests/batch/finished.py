"""A batch folder as it lies before it is finished, made of records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import decision_rows
import pyarrow as pa
import pyarrow.parquet as pq

from lrp_audit.records.record import Record
from lrp_audit.sealing import layout
from lrp_audit.sealing.leaves import Content, leaves_of_chunk, record_content

SECRET = bytes(range(32))


def merged(folder: Path, records: Sequence[Record], **more: dict) -> pa.Table:
    """Write the tables, leaves and documents of a batch of these records; the decisions are returned."""
    decisions = decision_rows.table(records, **more)
    pq.write_table(decisions, folder / layout.DECISIONS, row_group_size=5)
    pq.write_table(relevance(decisions, records), folder / layout.RELEVANCE)
    (folder / layout.LEAVES).mkdir(exist_ok=True)
    leaves = leaves_of_chunk(contents(decisions), SECRET)
    pq.write_table(leaves, layout.chunk_file(folder, layout.LEAVES, 0))
    for row in decisions.to_pylist():
        for item in row["documents"]:
            path = folder / layout.document_name(row["folder"], item["name"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(item["name"].encode())
    return decisions


def relevance(decisions: pa.Table, records: Sequence[Record]) -> pa.Table:
    """The relevance of every record's columns; null where there is none, as for failures."""
    found = [{item.column: item.relevance for item in record.contributions} for record in records]
    found += [{} for _ in range(decisions.num_rows - len(records))]
    names = sorted({name for row in found for name in row})
    columns = {name: pa.array([row.get(name) for row in found], pa.float64()) for name in names}
    return pa.table({"row": decisions["row"], "id": decisions["id"], **columns})


def contents(decisions: pa.Table) -> Iterator[Content]:
    for row in decisions.to_pylist():
        if row["record_sha256"] is not None:
            yield record_content(row["row"], row["record_sha256"])
        for item in row["documents"]:
            yield Content("document", row["row"], layout.document_name(row["folder"], item["name"]), item["sha256"])
