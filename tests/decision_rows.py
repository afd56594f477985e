"""Rows of decisions.parquet, as a run books them, made of records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from lrp_audit.deciding.decision_row import DECISIONS, DOCUMENTS, decision_row
from lrp_audit.records.record import Record, digest
from lrp_audit.report.counting import Columns


def table(
    records: Sequence[Record],
    *,
    failed: dict[str, str] | None = None,
    documents: dict[int, dict[str, str]] | None = None,
) -> pa.Table:
    """One row for every record, then one for every failure by its id; documents are digests by row and name."""
    rows = [
        decision_row(record, number, digest(record.decision)[:16], digest(record))
        for number, record in enumerate(records)
    ]
    for row in rows:
        written = (documents or {}).get(row["row"], {})
        row["documents"] = [{"name": name, "sha256": sha256, "bytes": 1} for name, sha256 in written.items()]
    rows += [
        {"row": number, "id": name, "applicant": "", "folder": "0" * 16, "failure": what, "documents": []}
        for number, (name, what) in enumerate((failed or {}).items(), start=len(rows))
    ]
    return pa.Table.from_pylist(rows, schema=DECISIONS.append(DOCUMENTS))


def columns(decisions: pa.Table, size: int = 7) -> Columns:
    """The table's columns in parts of a few rows."""

    def read(names: Sequence[str]) -> Iterator[pa.Table]:
        for start in range(0, decisions.num_rows, size):
            yield decisions.select(list(names)).slice(start, size)

    return read
