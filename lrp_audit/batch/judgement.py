"""The rows of a chunk, judged; a row that cannot be is booked as a failure, and takes no other with it.

A failure names the kind and the place of an error and never its words, which may quote an applicant. What goes wrong
with the machine (disk, memory, a signing token) is no row's failure, and ends the chunk.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lrp_audit.batch.source import Piece
from lrp_audit.batch.work import Work
from lrp_audit.deciding.decision_row import relevance_names
from lrp_audit.deciding.facts import read_ids
from lrp_audit.deciding.judged import DECISIONS, JudgedChunk, judge_chunk
from lrp_audit.errors import SigningError
from lrp_audit.history.decision_folder import folder_name
from lrp_audit.privacy.pseudonym import pseudonym
from lrp_audit.records.record import Addressee, canonical

KILLED = "the process that worked on it was killed"
STOPPING = (OSError, MemoryError, SigningError)  # the next row would meet them as well


@dataclass(frozen=True)
class Judgement:
    """The rows of a chunk, by their place in it.

    Attributes:
        decisions: a row each, `row` being that of the source.
        relevance: likewise.
        records: canonical JSON; None where there is none.
        addressees: to whom letters would go.
        failures: why rows could not be judged.
    """

    decisions: pa.Table
    relevance: pa.Table
    records: tuple[bytes | None, ...]
    addressees: tuple[Addressee, ...]
    failures: dict[int, str]
    _parts: tuple[_Part, ...]
    _first: int

    def filed(self, at: int) -> bytes | None:
        """The canonical record of a row, made now where `records` has none; None where it could not be judged."""
        part = next(part for part in self._parts if part.start <= at < part.stop)
        if part.judged is None:
            return None
        return self.records[at] or canonical(part.judged.decision(self._first + at).record)


@dataclass(frozen=True)
class _Part:
    """Rows of a chunk that were judged together; or one that could not be."""

    start: int
    stop: int
    judged: JudgedChunk | None
    failure: str = ""


def judge(work: Work, piece: Piece, poisoned: Set[int] = frozenset()) -> Judgement:
    """Judge a chunk.

    Args:
        work: model and settings.
        piece: the chunk.
        poisoned: places of rows that are not to be touched, since they kill the process.
    """
    parts = tuple(_parts(work, piece, poisoned))
    tables = [_tables(work, piece, part) for part in parts]
    records: list[bytes | None] = []
    addressees: list[Addressee] = []
    for part in parts:
        size, judged = part.stop - part.start, part.judged
        records += [None] * size if judged is None or judged.records is None else judged.records
        addressees += [Addressee()] * size if judged is None else judged.addressees
    return Judgement(
        decisions=_placed([decisions for decisions, _ in tables], piece),
        relevance=_placed([relevance for _, relevance in tables], piece),
        records=tuple(records),
        addressees=tuple(addressees),
        failures={part.start: part.failure for part in parts if part.judged is None},
        _parts=parts,
        _first=piece.first,
    )


def place_of(error: BaseException) -> str:
    """What a failure says of an error."""
    kind = type(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{kind.__module__}.{kind.__qualname__}{where}"


def _parts(work: Work, piece: Piece, poisoned: Set[int]) -> Iterator[_Part]:
    start = 0
    for stop in (*sorted(poisoned), len(piece.rows)):
        if start < stop:
            yield from _judged(work, piece, start, stop)
        if stop < len(piece.rows):
            yield _Part(stop, stop + 1, None, KILLED)
        start = stop + 1


def _judged(work: Work, piece: Piece, start: int, stop: int) -> Iterator[_Part]:
    """The rows together, or where that fails, by halves, until the row that fails is alone."""
    try:
        judged = judge_chunk(
            work.session,
            piece.frame.iloc[start:stop],
            first_row=piece.first + start,
            notice=work.plan.as_of,
            repeated=piece.repeated,
            records=work.plan.records,
            chunk_rows=work.plan.chunk_rows,
        )
    except STOPPING:
        raise
    except Exception as error:
        if stop - start == 1:
            yield _Part(start, stop, None, place_of(error))
            return
    else:
        yield _Part(start, stop, judged)
        return
    middle = (start + stop) // 2
    yield from _judged(work, piece, start, middle)
    yield from _judged(work, piece, middle, stop)


def _tables(work: Work, piece: Piece, part: _Part) -> tuple[pa.Table, pa.Table]:
    """Decisions and relevance of a part; of a row that could not be judged, who it is."""
    if part.judged is not None:
        return part.judged.decisions, part.judged.relevance
    key, config = work.session.key, work.session.config
    (identifier,) = read_ids(config.facts, piece.frame.iloc[part.start : part.stop], piece.first + part.start)
    who = {
        "row": piece.first + part.start,
        "id": identifier,
        "applicant": pseudonym(key, "applicant", identifier)[:16],
        "folder": folder_name(key, identifier),
        "failure": part.failure,
    }
    names = relevance_names(work.session.model.explained)
    relevance = pa.schema([("row", pa.int64()), ("id", pa.string()), *((name, pa.float64()) for name in names)])
    return pa.Table.from_pylist([who], DECISIONS), pa.Table.from_pylist([who], relevance)


def _placed(tables: list[pa.Table], piece: Piece) -> pa.Table:
    """One table of all parts, its rows numbered as in the source."""
    table = pa.concat_tables(tables).combine_chunks()
    return table.set_column(0, table.schema.field(0), pa.array(piece.rows, pa.int64()))
