"""The source of a batch, put as typed chunks into `.source/` before anything is judged.

So a run reads its source once, whatever becomes of it later, and every chunk stands for itself: its rows, where they
stand in the source, and which of them repeat an id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lrp_audit.batch.plan import chosen
from lrp_audit.deciding.facts import read_ids
from lrp_audit.files import write_bytes
from lrp_audit.sealing import layout
from lrp_audit.settings.sections import FactsSection
from lrp_audit.tables import Stream

REPEATED = "repeated.json"
_ROWS, _KINDS = b"lrp_audit.rows", b"lrp_audit.kinds"
_HASH = np.dtype([("high", "<u8"), ("low", "<u8")])


@dataclass(frozen=True)
class Piece:
    """A chunk of the source.

    Attributes:
        frame: its rows.
        first: position of its first row among the rows that are judged.
        rows: where each stands in the source, from 0.
        repeated: positions, of all that are judged, whose id repeats an earlier one.
    """

    frame: pd.DataFrame
    first: int
    rows: tuple[int, ...]
    repeated: frozenset[int]


@dataclass(frozen=True)
class Choice:
    """Which rows are judged, and how many together; see `Plan`."""

    chunk_rows: int
    limit: int | None = None
    sample: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Extent:
    """Rows that were read, and rows of them that are judged."""

    rows: int
    decisions: int


def spool(stream: Stream, folder: Path, facts: FactsSection, choice: Choice) -> Extent:
    """Put the rows that are to be judged into chunks below `folder`.

    Raises:
        DataError: a column of `[facts]` is missing.
        ReportError: a chunk cannot be written.
    """
    size, limit = choice.chunk_rows, choice.limit
    rows = _kept(stream, size, limit)
    if choice.sample is not None:
        total = sum(len(frame) for _, frame in _kept(stream, size, limit))
        rows = _cut(_sampled(rows, chosen(total, choice.sample, choice.seed, "rows")), size)
    hashes = [np.zeros(0, _HASH)]
    read = decisions = 0
    for number, (where, frame) in enumerate(rows):
        if facts.id is not None:
            hashes.append(_hashes(read_ids(facts, frame)))
        write_bytes(layout.chunk_file(folder, layout.SOURCE, number), packed(frame, where))
        read, decisions = where[-1] + 1, decisions + len(frame)
    repeated = _repeated(np.concatenate(hashes))
    write_bytes(folder / layout.SOURCE / REPEATED, json.dumps(repeated).encode())
    pa.default_memory_pool().release_unused()  # 100 MB of a large source, which this process never needs again
    return Extent(read if choice.sample is None else total, decisions)


def read_piece(folder: Path, chunk: int, chunk_rows: int, repeated: frozenset[int]) -> Piece:
    """A chunk as it was put there."""
    return unpacked(layout.chunk_file(folder, layout.SOURCE, chunk).read_bytes(), chunk * chunk_rows, repeated)


def read_repeated(folder: Path) -> frozenset[int]:
    """The positions whose id repeats an earlier one."""
    return frozenset(json.loads((folder / layout.SOURCE / REPEATED).read_bytes()))


def unpacked(content: bytes, first: int = 0, repeated: frozenset[int] = frozenset()) -> Piece:
    """Rows that `packed` gave, with the columns as they were."""
    table = pq.read_table(BytesIO(content))
    kinds = json.loads(table.schema.metadata[_KINDS])
    frame = table.to_pandas().astype(kinds)
    rows = tuple(json.loads(table.schema.metadata[_ROWS]))
    return Piece(frame, first, rows, repeated & frozenset(range(first, first + len(rows))))


def packed(frame: pd.DataFrame, rows: Sequence[int]) -> bytes:
    """Rows as the content of a file."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    own = {_ROWS: json.dumps(list(rows)), _KINDS: json.dumps(kinds)}
    file = BytesIO()
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **own}), file, compression="zstd")
    return file.getvalue()


Rows = tuple[list[int], pd.DataFrame]  # where they stand in the source, and what they are


def _kept(stream: Stream, size: int, limit: int | None) -> Iterator[Rows]:
    start = 0
    for frame in stream.frames(size):
        kept = frame if limit is None else frame.iloc[: limit - start]
        if kept.empty:
            return
        yield list(range(start, start + len(kept))), kept
        start += len(kept)


def _sampled(pieces: Iterator[Rows], wanted: list[int]) -> Iterator[Rows]:
    """Of every piece the wanted rows."""
    positions = np.array(wanted)
    for rows, frame in pieces:
        low, high = np.searchsorted(positions, [rows[0], rows[-1] + 1])
        if low < high:
            yield positions[low:high].tolist(), frame.iloc[positions[low:high] - rows[0]]


def _cut(pieces: Iterator[Rows], size: int) -> Iterator[Rows]:
    """The same rows in pieces of one size."""
    rows: list[int] = []
    frames: list[pd.DataFrame] = []
    for some, frame in pieces:
        rows, frames = [*rows, *some], [*frames, frame]
        if len(rows) >= size:
            joined = pd.concat(frames, ignore_index=True)
            yield rows[:size], joined.iloc[:size]
            rows, frames = rows[size:], [joined.iloc[size:]]
    if rows:
        yield rows, pd.concat(frames, ignore_index=True)


def _hashes(ids: Sequence[str]) -> npt.NDArray[np.void]:
    """16 bytes for every id: a million take 16 MB, where the ids themselves would take as much as they like."""
    digests = (hashlib.blake2b(item.encode("utf-8", "surrogatepass"), digest_size=16).digest() for item in ids)
    return np.frombuffer(b"".join(digests), dtype=_HASH)


def _repeated(hashes: npt.NDArray[np.void]) -> list[int]:
    """Positions of what equals something before it."""
    order = np.argsort(hashes, order=("high", "low"), kind="stable")
    ordered = hashes[order]
    again = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    return sorted(order[again].tolist())
