"""A chunk of rows in, judged: as tables of columns, canonical records, and whole decisions to render documents of.

The unit of work of a batch. The same chunk gives the same bytes, with the same versions and processor.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from lrp_audit.deciding.decision_row import (
    DECISIONS,
    DECISIONS_VERSION,
    DOCUMENTS,
    decision_row,
    decision_table,
    relevance_names,
)
from lrp_audit.deciding.decisions import Decision, judge_rows
from lrp_audit.deciding.facts import read_facts, require_columns
from lrp_audit.deciding.session import Session
from lrp_audit.history.decision_folder import folder_name
from lrp_audit.records.record import Addressee, Record, canonical

__all__ = ["DECISIONS", "DECISIONS_VERSION", "DOCUMENTS", "JudgedChunk", "judge_chunk"]


@dataclass(frozen=True)
class JudgedChunk:
    """The decisions of N rows, in their order.

    Attributes:
        decisions: a row each; schema `DECISIONS`.
        relevance: `row`, `id`, and relevance by column of the model, `+` toward the adverse outcome, null where a row
            was not explained. A text has one column, the sum over its words.
        records: the canonical JSON of every record; None where none were asked for.
        addressees: to whom letters would go.
    """

    decisions: pa.Table
    relevance: pa.Table
    records: tuple[bytes, ...] | None
    addressees: tuple[Addressee, ...]
    _whole: tuple[Decision, ...]

    def decision(self, row: int) -> Decision:
        """The whole decision of a row of the source, to render documents of."""
        return self._whole[row - self._whole[0].row]


def judge_chunk(
    session: Session,
    frame: pd.DataFrame,
    *,
    first_row: int = 0,
    notice: dt.date | None = None,
    repeated: Collection[int] = (),
    records: bool = True,
) -> JudgedChunk:
    """Judge the rows of a chunk.

    Args:
        session: the model, settings and reference.
        frame: the chunk's rows as read.
        first_row: where the chunk starts in the source.
        notice: the date printed on notices.
        repeated: rows of the source whose id repeats that of an earlier one, as `facts.repeated_rows` finds them.
        records: whether canonical records, and their digests, are wanted.

    Raises:
        DataError: a column is missing, or of the wrong type throughout.
    """
    require_columns(session.config.facts, frame)
    facts = read_facts(session.config, frame, session.key, notice, first_row=first_row, repeated=repeated)
    decided = tuple(judge_rows(session, frame, facts, range(first_row, first_row + len(frame))))
    kept = tuple(canonical(item.record) for item in decided) if records else None
    digests = [None] * len(decided) if kept is None else [hashlib.sha256(record).hexdigest() for record in kept]
    rows = (
        decision_row(item.record, item.row, folder_name(session.key, item.record.decision.id), sha256)
        for item, sha256 in zip(decided, digests, strict=True)
    )
    return JudgedChunk(
        decisions=decision_table(rows),
        relevance=_relevance(decided, session.model.explained),
        records=kept,
        addressees=tuple(item.addressee for item in decided),
        _whole=decided,
    )


def _relevance(decided: Sequence[Decision], inputs: Sequence[str]) -> pa.Table:
    found = [_by_input(item.record) for item in decided]
    columns = [pa.array([row.get(name) for row in found], pa.float64()) for name in inputs]
    rows = pa.array([item.row for item in decided], pa.int64())
    ids = pa.array([item.record.decision.id for item in decided], pa.string())
    return pa.table([rows, ids, *columns], names=["row", "id", *relevance_names(inputs)])


def _by_input(record: Record) -> dict[str, float]:
    """Relevance of the columns of a table, and of every text as a whole."""
    texts = {text.column: math.fsum(word.relevance for word in text.words) for text in record.text_evidence}
    return {item.column: item.relevance for item in record.contributions} | texts
