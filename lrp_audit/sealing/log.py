"""What happened to a batch after it was sealed: legal holds and purges, in its event log.

An event of a batch names decisions by their rows, never by their ids, and carries the root of the batch's tree.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

from lrp_audit.errors import DataError
from lrp_audit.history import events
from lrp_audit.history.events import Act, Event, EventKind
from lrp_audit.sealing import layout
from lrp_audit.sealing.manifest import read_manifest


def rows_in_words(rows: Iterable[int]) -> str:
    """Row numbers as ranges: 0-3,7."""
    ranges: list[list[int]] = []
    for row in sorted(rows):
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def rows_of(words: str) -> set[int]:
    """The row numbers that ranges stand for. Raises ValueError where they are none."""
    found: set[int] = set()
    for part in words.split(",") if words else ():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def purged_rows(logged: Sequence[Event]) -> set[int]:
    """The rows that purges deleted, or were about to when they were interrupted."""
    return {row for event in logged if event.kind == "purge" for row in rows_of(event.details["rows"])}


def held_rows(logged: Sequence[Event], recorded: Iterable[int]) -> set[int]:
    """The rows under a legal hold: those whose records say so, as later events changed that."""
    held = set(recorded)
    for event in logged:
        if event.kind == "hold":
            held |= rows_of(event.details["rows"])
        elif event.kind == "release":
            held -= rows_of(event.details["rows"])
    return held


def set_hold(folder: Path, rows: Iterable[int], *, held: bool, by: str, role: str, why: str, now: dt.datetime) -> None:
    """Log that decisions may not be deleted, or may be again.

    Raises:
        DataError: it is not said who or why.
        ReportError, EventLogError: the batch is not sealed, or its log is damaged or cannot be written.
    """
    for what, text in {"name": by, "role": role, "grounds": why}.items():
        if not text.strip() or not text.isprintable():
            raise DataError(f"A legal hold needs the {what} of whoever sets or lifts it: one line of printable text.")
    root = read_manifest(folder / layout.MANIFEST).root
    details = {"grounds": why.strip(), "rows": rows_in_words(rows)}
    kind: EventKind = "hold" if held else "release"
    time = now.replace(microsecond=0)
    events.append(
        folder / layout.EVENTS,
        [Act(kind=kind, time=time, by=by.strip(), role=role.strip(), details=details, record_sha256=root)],
    )
