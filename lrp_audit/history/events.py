"""The event log of a decision or a batch: what was done to it, one line of JSON each, chained by hashes (CA-14).

Every line holds the SHA-256 of the line before it, so that a changed, removed, inserted or moved line shows. A log cut
short behind a whole line is still a chain: to see that too, keep its `head` elsewhere (`lrp-audit verify` prints it).
An event is no record: its time comes from the caller, who may look at the clock.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, PlainSerializer, ValidationError

from lrp_audit.errors import EventLogError
from lrp_audit.records.record import Frozen, canonical

NAME = "events.jsonl"
START = "0" * 64  # the hash before the first line

EventKind = Literal["review", "correction", "signature", "withdrawal", "hold", "release", "purge"]
Time = Annotated[AwareDatetime, PlainSerializer(lambda time: time.astimezone(dt.UTC).isoformat())]


class Act(Frozen):
    """What was done to the documents of one record, by whom, and when."""

    kind: EventKind
    time: Time
    by: str
    role: str
    details: dict[str, str]
    record_sha256: str  # in the log of a batch: the root of its tree


class Event(Act):
    """An act as one line of a log."""

    previous: str  # SHA-256 of the line before
    sequence: int  # from 1


@dataclass(frozen=True)
class Log:
    """The sound beginning of a log, and what is wrong with the line after it, if anything."""

    events: tuple[Event, ...]
    problem: str | None = None

    @property
    def head(self) -> str:
        """The SHA-256 of the last line: whoever keeps it can tell whether anything was changed or cut off since."""
        return self.head_at(len(self.events))

    def head_at(self, count: int) -> str:
        """What `head` was behind the first `count` events."""
        return _line_hash(self.events[count - 1]) if count else START


def check(path: Path) -> Log:
    """A log as far as it is sound. A file that does not exist is an empty log.

    Raises:
        EventLogError: the file cannot be read.
    """
    try:
        return _parse(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return Log(())
    except OSError as error:
        raise EventLogError(f"{path} cannot be read: {error.strerror}.") from error


def read(path: Path) -> tuple[Event, ...]:
    """All events of a log, oldest first; none where there is no file.

    Raises:
        EventLogError: the file cannot be read, or its chain is broken.
    """
    log = check(path)
    _require_sound(log, path)
    return log.events


def append(path: Path, acts: Sequence[Act]) -> tuple[Event, ...]:
    """Write acts behind a log's last line, all or none, and wait until they are on the disk.

    Raises:
        EventLogError: the log's chain is broken, or the file cannot be written.
    """
    if not acts:
        return ()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path) as descriptor:
            content = path.read_bytes()
            log = _parse(content)
            _require_sound(log, path)
            events = tuple(_chained(log, acts))
            _write(descriptor, b"".join(map(_line, events)), length=len(content))
    except OSError as error:
        raise EventLogError(f"{path} cannot be written: {error.strerror}.") from error
    return events


def log_of(acts: Sequence[Act]) -> bytes:
    """The content of a log that starts with these acts."""
    return b"".join(map(_line, _chained(Log(()), acts)))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open for appending, with nobody else appending to it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, lines: bytes, *, length: int) -> None:
    """Append, or leave the file as long as it was."""
    try:
        while lines:
            lines = lines[os.write(descriptor, lines) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, length)
        raise


def _chained(log: Log, acts: Sequence[Act]) -> Iterator[Event]:
    previous = log.head
    for sequence, act in enumerate(acts, start=len(log.events) + 1):
        event = Event(previous=previous, sequence=sequence, **dict(act))
        yield event
        previous = _line_hash(event)


def _parse(content: bytes) -> Log:
    events: list[Event] = []
    previous = START
    *lines, torn = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        event = _event(line)
        if event is None:
            return Log(tuple(events), f"line {number} was changed: it is no event as it was written")
        if event.previous != previous or event.sequence != number:
            return Log(tuple(events), f"line {number} does not continue the one before: lines were changed or moved")
        events.append(event)
        previous = hashlib.sha256(line).hexdigest()
    if torn:
        return Log(tuple(events), f"line {len(lines) + 1} is torn: the write was interrupted, and it is no event")
    return Log(tuple(events))


def _event(line: bytes) -> Event | None:
    try:
        event = Event.model_validate_json(line)
        return event if canonical(event) == line else None
    except (ValidationError, ValueError, RecursionError):
        return None


def _line(event: Event) -> bytes:
    return canonical(event) + b"\n"


def _line_hash(event: Event) -> str:
    return hashlib.sha256(canonical(event)).hexdigest()


def _require_sound(log: Log, path: Path) -> None:
    if log.problem is not None:
        raise EventLogError(
            f"{path}: {log.problem}. Nothing is written on a broken log: put a sound copy of it back, or, if its "
            "last line is torn, remove that line."
        )
