"""What happened to a batch after it was sealed: legal holds and purges, in its event log.

An event of a batch names decisions by their rows, never by their ids, and carries the root of the batch's tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lrp_audit.history.events import Event


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


def purged_rows(events: Sequence[Event]) -> set[int]:
    """The rows that purges deleted, or were about to when they were interrupted."""
    return {row for event in events if event.kind == "purge" for row in rows_of(event.details["rows"])}


def held_rows(events: Sequence[Event], recorded: Iterable[int]) -> set[int]:
    """The rows under a legal hold: those whose records say so, as later events changed that."""
    held = set(recorded)
    for event in events:
        if event.kind == "hold":
            held |= rows_of(event.details["rows"])
        elif event.kind == "release":
            held -= rows_of(event.details["rows"])
    return held
