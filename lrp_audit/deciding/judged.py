"""A chunk of rows in, judged: as tables of columns, canonical records, and whole decisions to render documents of.

The unit of work of a batch. The same chunk gives the same bytes, with the same versions and processor. A row's bytes
depend neither on its neighbours nor on how many they are, as long as the chunk has room for the same number of rows.

Rows are judged one after the other and leave strings and numbers behind, no objects; one approval is judged for all
that are like it (`alike`). A process that judges many chunks should call `gc.freeze()` once
it has opened its session: Python otherwise walks through all of torch and scikit-learn again and again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from lrp_audit.deciding.alike import alike
from lrp_audit.deciding.alike_reasons import AlikeReasons
from lrp_audit.deciding.alike_records import AlikeRecords
from lrp_audit.deciding.alike_rows import AlikeRows
from lrp_audit.deciding.decision_row import DECISIONS, DECISIONS_VERSION, DOCUMENTS, DecisionRows, RelevanceRows
from lrp_audit.deciding.decisions import Decision, Examined, Judged, examine
from lrp_audit.deciding.facts import read_facts, require_columns
from lrp_audit.deciding.session import Session
from lrp_audit.deciding.written import Writer
from lrp_audit.history.decision_folder import folder_name
from lrp_audit.records.record import Addressee

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
    _examined: Examined
    _first_row: int

    def decision(self, row: int) -> Decision:
        """The whole decision of a row of the source, to render documents of; made anew at every call."""
        return self._examined.judged(row - self._first_row, row).whole()


def judge_chunk(
    session: Session,
    frame: pd.DataFrame,
    *,
    first_row: int = 0,
    notice: dt.date | None = None,
    repeated: Collection[int] = (),
    records: bool = True,
    chunk_rows: int | None = None,
) -> JudgedChunk:
    """Judge the rows of a chunk.

    Args:
        session: the model, settings and reference.
        frame: the chunk's rows as read.
        first_row: where the chunk starts in the source.
        notice: the date printed on notices.
        repeated: rows of the source whose id repeats that of an earlier one, as `facts.repeated_rows` finds them.
        records: whether canonical records, and their digests, are wanted.
        chunk_rows: rows of a full chunk, which the last one of a source is filled up to; default: as many as there are.

    Raises:
        DataError: a column is missing, or of the wrong type throughout.
    """
    require_columns(session.config.facts, frame)
    facts = read_facts(session.config, frame, session.key, notice, first_row=first_row, repeated=repeated)
    examined = examine(session, frame, facts, size=chunk_rows or len(frame))
    spared = alike(examined)
    judged_rows = np.setdiff1d(np.arange(len(frame)), [] if spared is None else spared.rows)
    likes = frozenset(() if spared is None else spared.judged.tolist())
    rows, relevance, writer = DecisionRows(), RelevanceRows(session.model.explained), Writer()
    written, models = dict[int, bytes](), dict[int, Judged]()
    for place in judged_rows.tolist():
        judged = examined.judged(place, first_row + place)
        if place in likes:
            models[place] = judged
        if records:
            written[place] = writer.written(judged)
        rows.add(judged.outline, judged.row, folder_name(session.key, judged.outline.decision.id), None)
        relevance.add(judged.row, judged.outline.decision.id, judged.columns)
    decisions, by_input = rows.table(), relevance.table()
    if spared is not None:
        reasons = AlikeReasons(spared.explained, spared.rows, session.config)
        decisions, by_input = AlikeRows(spared, reasons, facts, session.key, first_row).completed(
            judged_rows, decisions, by_input
        )
        if records:
            others = AlikeRecords(spared, reasons, models, session.config, facts, writer)
            written |= zip(spared.rows.tolist(), others.written(), strict=True)
    kept = tuple(written[place] for place in range(len(written)))
    if records:
        decisions = _with_digests(decisions, kept)
    return JudgedChunk(
        decisions=decisions,
        relevance=by_input,
        records=kept if records else None,
        addressees=tuple(item.addressee for item in facts),
        _examined=examined,
        _first_row=first_row,
    )


def _with_digests(decisions: pa.Table, records: Sequence[bytes]) -> pa.Table:
    place = decisions.schema.get_field_index("record_sha256")
    digests = [hashlib.sha256(text).hexdigest() for text in records]
    return decisions.set_column(place, decisions.schema.field(place), pa.array(digests, pa.string()))
