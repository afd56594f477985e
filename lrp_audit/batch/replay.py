"""Re-performance: decisions drawn by lot are judged again, and their records compared field by field (BA-06).

On the versions and the processor of the run records are the same to the bit. Elsewhere numbers may differ by
`TOLERANCE`, relative to their size or to 1, and whatever else differs is a difference.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrp_audit.batch.plan import chosen
from lrp_audit.batch.recomputing import Recompute
from lrp_audit.report.batch_report import Difference, Replay
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import batches, chunk_files

TOLERANCE = 1e-9
_SHOWN = 5  # fields of one record
_WORDS = 60  # characters of a value


@dataclass(frozen=True)
class Kept:
    """A record as it is kept."""

    id: str
    row: int
    content: str


def replay(
    folder: Path, recompute: Recompute, versions: Mapping[str, str], *, count: int | None, seed: int = 0
) -> Replay:
    """Judge decisions again.

    Args:
        folder: a sealed batch that keeps records.
        recompute: judges a chunk again.
        versions: of what judges now.
        count: how many, drawn by `seed` from those that were explained; None for all.
        seed: another one draws others.

    Raises:
        LrpAuditError: records or model cannot be used.
    """
    known = _explained(folder)
    positions = range(len(known)) if count is None else chosen(len(known), count, seed, "replay")
    wanted = [known[position] for position in positions]
    by_chunk: dict[int, set[int]] = defaultdict(set)
    for chunk, row in wanted:
        by_chunk[chunk].add(row)
    differences: list[Difference] = []
    for chunk, rows in sorted(by_chunk.items()):
        found = recompute(chunk)
        for item in _records(folder, chunk):
            if item.row in rows and (what := difference(item.content, found.get(item.row), versions)):
                differences.append(Difference(id=item.id, what=what))
    return Replay(recomputed=len(wanted), matching=len(wanted) - len(differences), differences=tuple(differences))


def difference(kept: str, recomputed: bytes | None, versions: Mapping[str, str]) -> str | None:
    """What differs between a record and its recomputed form, by field; None where nothing does."""
    if recomputed is None:
        return "it was not judged again"
    if recomputed == kept.encode():
        return None
    before, now = json.loads(kept), json.loads(recomputed)
    exact = before["versions"] == dict(versions)
    if not exact:
        before, now = ({**record, "versions": None} for record in (before, now))
    found = list(_differences(before, now, "", 0.0 if exact else TOLERANCE))
    more = f"; {len(found) - _SHOWN} more fields" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more if found else None


def _differences(before: Any, now: Any, path: str, tolerance: float) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted(before.keys() | now.keys()):
            inner = f"{path}.{name}" if path else name
            yield from _differences(before.get(name), now.get(name), inner, tolerance)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for place, (first, second) in enumerate(zip(before, now, strict=True)):
            yield from _differences(first, second, f"{path}[{place}]", tolerance)
    elif not _same(before, now, tolerance):
        yield f"{path}: {_short(before)}, recomputed {_short(now)}"


def _same(before: Any, now: Any, tolerance: float) -> bool:
    if isinstance(before, float | int) and isinstance(now, float | int) and not isinstance(before, bool):
        return math.isclose(before, now, rel_tol=tolerance, abs_tol=tolerance)
    return bool(before == now)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _WORDS else f"{text[:_WORDS]}…"


def _explained(folder: Path) -> list[tuple[int, int]]:
    """Chunk and row of every decision that has a record and was explained, in order."""
    explained = {
        row
        for batch in batches(folder / layout.DECISIONS, ["row", "explained"])
        for row, value in zip(*(batch.column(name).to_pylist() for name in ("row", "explained")), strict=True)
        if value is not None
    }
    return [
        (chunk, row)
        for chunk, path in enumerate(chunk_files(folder, layout.RECORDS))
        for batch in batches(path, ["row"])
        for row in batch.column("row").to_pylist()
        if row in explained
    ]


def _records(folder: Path, chunk: int) -> Iterator[Kept]:
    for batch in batches(layout.chunk_file(folder, layout.RECORDS, chunk), ["row", "id", "record"]):
        columns = (batch.column(name).to_pylist() for name in ("id", "row", "record"))
        yield from (Kept(*values) for values in zip(*columns, strict=True))
