"""Rows of decisions.parquet made of records one by one: slow, and plain enough to compare the fast way with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from lrp_audit.records.record import Record, digest
from lrp_audit.report.counting import Columns

TEXT, NUMBER, DATE, TRUTH = pa.string(), pa.float64(), pa.date32(), pa.bool_()
REASON = pa.struct(
    {
        "rank": pa.int32(), "family": TEXT, "text": TEXT, "text_key": TEXT, "relevance": NUMBER, "direction": TEXT,
        "code": TEXT,
    }
)  # fmt: skip
CHECK = pa.struct({"id": TEXT, "title": TEXT, "status": TEXT, "flag": TRUTH, "measured": pa.map_(TEXT, NUMBER)})
DOCUMENT = pa.struct({"name": TEXT, "sha256": TEXT, "bytes": pa.int64()})
SCHEMA = pa.schema(
    {
        "row": pa.int64(), "id": TEXT, "folder": TEXT, "product": TEXT, "outcome": TEXT, "state": TEXT,
        "states": pa.list_(TEXT), "next_step": TEXT, "decision_date": DATE, "notice_date": DATE, "notice_due": DATE,
        "notice_sent": DATE, "counteroffer_date": DATE, "reasons": pa.list_(REASON), "covered": NUMBER,
        "residual": NUMBER, "checks": pa.list_(CHECK), "flags": pa.int32(), "model_version": TEXT,
        "weights_sha256": TEXT, "reference_sha256": TEXT, "texts_version": TEXT, "config_sha256": TEXT,
        "language": TEXT, "record_sha256": TEXT, "failure": TEXT, "documents": pa.list_(DOCUMENT),
    }
)  # fmt: skip


def table(
    records: Sequence[Record],
    *,
    failed: dict[str, str] | None = None,
    documents: dict[int, dict[str, str]] | None = None,
) -> pa.Table:
    """One row for every record, then one for every failure by its id; documents are digests by row and name."""
    rows = [row(number, record) for number, record in enumerate(records)]
    for number, files in (documents or {}).items():
        rows[number]["documents"] = [{"name": name, "sha256": sha, "bytes": 1} for name, sha in files.items()]
    rows += [{"row": len(rows) + number, "id": name, "failure": what, "states": [], "reasons": [], "checks": [],
              "flags": 0, "documents": []} for number, (name, what) in enumerate((failed or {}).items())]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def row(number: int, record: Record) -> dict[str, Any]:
    dates, outcome, refusal = record.decision.dates, record.outcome, record.refusal
    return {
        "row": number,
        "id": record.decision.id,
        "folder": digest(record.decision)[:16],
        "product": record.decision.product,
        "outcome": None if outcome is None else "adverse" if outcome.adverse else "favourable",
        "state": None if refusal is None else refusal.state,
        "states": [item.state for item in record.refusals],
        "next_step": None if refusal is None else refusal.next_step,
        "decision_date": dates.decision,
        "notice_date": dates.notice,
        "notice_due": dates.notice_due,
        "notice_sent": dates.notice_sent,
        "counteroffer_date": record.decision.counteroffer.made,
        "reasons": [item.model_dump(include={*REASON.names}) for item in record.reasons],
        "covered": record.ranking.covered,
        "residual": None if record.conservation is None else record.conservation.residual,
        "checks": [
            {
                **item.model_dump(include={"id", "title", "status", "flag"}),
                "measured": [(k, float(v)) for k, v in item.measured.items() if not isinstance(v, str)],
            }
            for item in record.checks
        ],
        "flags": len(record.flags),
        "model_version": record.model.version,
        "weights_sha256": record.model.weights_sha256,
        "reference_sha256": None if record.reference is None else record.reference.sha256,
        "texts_version": record.texts.version,
        "config_sha256": record.config_sha256,
        "language": record.texts.language,
        "record_sha256": digest(record),
        "failure": None,
        "documents": [],
    }


def columns(decisions: pa.Table, size: int = 7) -> Columns:
    """The table's columns in parts of a few rows."""

    def read(names: Sequence[str]) -> Iterator[pa.Table]:
        for start in range(0, decisions.num_rows, size):
            yield decisions.select(list(names)).slice(start, size)

    return read
