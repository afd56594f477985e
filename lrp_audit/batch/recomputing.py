"""Decisions of a batch judged again, a chunk at a time: from the inputs in their records, or from the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from lrp_audit.batch import source
from lrp_audit.batch.judgement import judge
from lrp_audit.batch.kept import kept_chunk
from lrp_audit.batch.plan import Plan, read_plan
from lrp_audit.batch.work import Setup, work_of
from lrp_audit.deciding.decisions import examine
from lrp_audit.deciding.facts import RowFacts, text_columns
from lrp_audit.deciding.session import Session, digest_of
from lrp_audit.errors import ConfigError, DataError
from lrp_audit.records.record import Addressee, Record, canonical
from lrp_audit.sealing.leaves import NO_SALT
from lrp_audit.tables import open_stream

Recompute = Callable[[int], Mapping[int, bytes]]  # number of a chunk -> row -> canonical record


def from_records(session: Session, folder: Path) -> Recompute:
    """Judge what the records say went into the model; the facts of a decision are taken as they stand.

    Every row keeps its place in its chunk: those that were not explained, or purged, are stood in for.

    Raises:
        ConfigError: the model reads texts, of which records hold a masked form.
    """
    if session.config.text is not None:
        raise ConfigError("Records hold texts with names masked: name the source with --data to recompute them.")
    plan = read_plan(folder)

    def recompute(number: int) -> Mapping[int, bytes]:
        chunk = kept_chunk(folder, number)
        scored = {row: record for row, record in chunk.records.items() if record.contributions}
        if not scored:
            return {}
        substitute = next(iter(scored.values()))
        records = [scored.get(row, substitute) for row in chunk.rows]
        people = [chunk.addressees.get(row, Addressee()) for row in chunk.rows]
        facts = [RowFacts(record.decision, who) for record, who in zip(records, people, strict=True)]
        found = examine(session, _frame(records), facts, size=len(records) if plan is None else plan.chunk_rows)
        places = ((place, row) for place, row in enumerate(chunk.rows) if row in scored)
        return {row: canonical(found.judged(place, row).whole().record) for place, row in places}

    return recompute


def from_source(session: Session, plan: Plan, data: Path, spool: Path) -> Recompute:
    """Judge the source itself, as the run did.

    Args:
        session: the model and settings.
        plan: of the batch.
        data: the source.
        spool: an empty folder to work in.

    Raises:
        DataError: it is not the source that the batch was made from.
    """
    if plan.source.sha256 is not None and digest_of(data) != plan.source.sha256:
        raise DataError(f"{data} is not the source of the batch: its SHA-256 is another one than plan.json names.")
    stream = open_stream(data, text=text_columns(session.config.facts))
    choice = source.Choice(plan.chunk_rows, plan.limit, plan.sample, plan.seed)
    source.spool(stream, spool, session.config.facts, choice)
    repeated = source.read_repeated(spool)
    work = work_of(Setup(config=spool, plan=plan, secret=NO_SALT, head=b""), session)

    def recompute(number: int) -> Mapping[int, bytes]:
        piece = source.read_piece(spool, number, plan.chunk_rows, repeated)
        records = judge(work, piece).records
        return {row: record for row, record in zip(piece.rows, records, strict=True) if record is not None}

    return recompute


def _frame(records: Sequence[Record]) -> pd.DataFrame:
    """The model's inputs as a table; a column is typed by its values, as in a table that is read."""
    columns: dict[str, list[object]] = {item.column: [] for item in records[0].contributions}
    for record in records:
        for item in record.contributions:
            columns[item.column].append(item.value)
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})
