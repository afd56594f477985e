"""Where decisions are read from: a folder of documents with their records, or a batch folder with its tables.

Both are read in chunks, and say what the others of this room need: relevance by chunk, values of a sample, words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from lrp_audit.aggregate.batch_tables import BatchFolder
from lrp_audit.aggregate.table import ExplainedTable
from lrp_audit.aggregate.words import ReadText, read_text
from lrp_audit.errors import DataError
from lrp_audit.history.decision_folder import DecisionFolder
from lrp_audit.history.events import read as read_events
from lrp_audit.records.record import Record
from lrp_audit.sealing.layout import RELEVANCE

_CHUNK = 500  # records in memory at once


class Source(Protocol):
    """Decisions that can be read again and again."""

    @property
    def parts(self) -> int:
        """How many tables iterating gives, at most."""

    def __iter__(self) -> Iterator[ExplainedTable]: ...

    def completed(self, sample: ExplainedTable) -> ExplainedTable:
        """The sample with its values, where they are known."""

    def texts(self) -> Iterator[ReadText]: ...


def open_source(folder: Path) -> Source:
    """The decisions of a folder.

    Raises:
        DataError: it holds neither a record nor the tables of a batch.
    """
    if (folder / RELEVANCE).exists():
        return BatchFolder(folder)
    return RecordFolder(folder)


class RecordFolder:
    """The record that stands of every decision in a folder of documents.

    Iterating raises ReportError or EventLogError where a record or log is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(path.parent for path in folder.glob("*/record.json"))
        if not self._paths:
            raise DataError(
                f"{folder} holds no folder with a record.json, nor a relevance.parquet; name one that "
                "`lrp-audit audit` or `lrp-audit batch` wrote."
            )

    @property
    def parts(self) -> int:
        return -(-len(self._paths) // _CHUNK)

    def __iter__(self) -> Iterator[ExplainedTable]:
        columns: list[str] | None = None
        left_out = 0
        remaining = self._records()
        while records := list(islice(remaining, _CHUNK)):
            explained = [record for record in records if record.outcome is not None and record.contributions]
            left_out += len(records) - len(explained)
            if explained:
                columns = columns or _columns(explained[0])
                yield collect(explained, columns, left_out)
                left_out = 0
        if columns is None:
            raise DataError(f"None of the {left_out} records holds an explanation; explain decisions first.")

    def completed(self, sample: ExplainedTable) -> ExplainedTable:
        return sample

    def texts(self) -> Iterator[ReadText]:
        for record in self._records():
            if record.outcome is not None and record.text_evidence:
                yield read_text([item.model_dump() for item in record.text_evidence], adverse=record.outcome.adverse)

    def _records(self) -> Iterator[Record]:
        for path in self._paths:
            decision = DecisionFolder(path)
            yield decision.standing(read_events(decision.log)).record


def collect(records: Iterable[Record], columns: list[str] | None = None, left_out: int = 0) -> ExplainedTable:
    """One table of explained records.

    Texts are not kept as values: they would be as many as decisions, and personal.

    Args:
        records: one or more, each with an explanation.
        columns: that all must have; those of the first one if None.
        left_out: decisions before these that were not explained.

    Raises:
        DataError: two records have one id, or one has other columns.
    """
    explained = list(records)
    columns = columns or _columns(explained[0])
    rows = [_row(record, columns) for record in explained]
    ids = pd.Index([record.decision.id for record in explained], name="id")
    relevance, values = (pd.DataFrame([row[part] for row in rows], index=ids, columns=columns) for part in (0, 1))
    outcomes = [record.outcome for record in explained if record.outcome is not None]
    return ExplainedTable(
        relevance=relevance.astype("float64"),
        adverse=pd.Series([item.adverse for item in outcomes], index=ids, dtype=bool),
        score=pd.Series([item.margin for item in outcomes], index=ids, dtype="float64"),
        values=values.drop(columns=sorted({item.column for item in explained[0].text_evidence} & {*columns})),
        left_out=left_out,
    )


def _columns(record: Record) -> list[str]:
    return sorted(item.column for item in record.contributions)


def _row(record: Record, columns: list[str]) -> tuple[list[float], list[Any]]:
    found = {item.column: item for item in record.contributions}
    if odd := sorted(found.keys() ^ set(columns)):
        raise DataError(
            f"Decision {record.decision.id!r} differs from the first one in the column {odd[0]!r}; aggregate the "
            "decisions of one model at a time."
        )
    return [found[name].relevance for name in columns], [found[name].value for name in columns]
