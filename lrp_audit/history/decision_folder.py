"""The folder of one decision, as it lies on disk.

    record.json  addressee.json  audit.pdf  notice.pdf  events.jsonl
    3f09c2…/     the same for a correction, or for a record that was reviewed and then made anew; named by its digest

Its name is a keyed hash of the decision's id (G-09). The event log is one for all its records. Nothing that the log
speaks of is overwritten.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from lrp_audit.errors import ReportError
from lrp_audit.history import events
from lrp_audit.history.events import Act, Event, EventKind
from lrp_audit.privacy.pseudonym import pseudonym
from lrp_audit.records.record import Addressee, Correction, Record, canonical, digest

NAME_LENGTH = 16  # hexadecimal digits: two of a million ids share a name with probability 3e-8
_SHORTEST = 8  # digits of a digest that a user may name a record by
_LETTERS = tuple(f"{name}.{kind}" for name in ("notice", "letter") for kind in ("pdf", "html", "txt"))
_OF_RECORD = ("record.json", "audit.pdf", "audit.html")


@dataclass(frozen=True)
class Filed:
    """A record on disk, and the folder that its documents lie in."""

    folder: Path
    record: Record
    sha256: str

    @property
    def notice(self) -> dt.date | None:
        return self.record.decision.dates.notice

    @property
    def has_letter(self) -> bool:
        """Whether a letter was written, even if it was withdrawn; a draft is none."""
        found = (path.name for kind in ("notice", "letter") for path in self.folder.glob(f"*{kind}*.pdf"))
        return any(not name.startswith("DRAFT-") for name in found)


@dataclass(frozen=True)
class DecisionFolder:
    path: Path

    @property
    def log(self) -> Path:
        return self.path / events.NAME

    def place(self, record: Record) -> Path:
        """Where a record's documents lie; those of a correction apart, since nothing is overwritten."""
        return self.path if record.decision.corrects is None else self.path / digest(record)[:NAME_LENGTH]

    def filed(self) -> tuple[Filed, ...]:
        """Every record on disk, the first one first. Raises ReportError where one is damaged."""
        return tuple(self._filed())

    def _filed(self) -> Iterator[Filed]:
        for path in (self.path / "record.json", *sorted(self.path.glob(f"{'?' * NAME_LENGTH}/record.json"))):
            if path.is_file():
                record = read_record(path)
                yield Filed(path.parent, record, digest(record))

    def standing(self, logged: Sequence[Event]) -> Filed:
        """The record that stands: the newest correction of the log, else the first record.

        Raises:
            ReportError: it is not on disk, or damaged.
        """
        corrections = [event.record_sha256 for event in logged if event.kind == "correction"]
        for item in self.filed():
            stands = item.sha256 == corrections[-1] if corrections else item.folder == self.path
            if stands:
                return item
        raise ReportError(f"{self.path} holds no record.json to go by; run `lrp-audit audit` for this decision first.")

    def find(self, which: str) -> Correction:
        """A correction of the letter that its date (YYYY-MM-DD), or digits of its record's SHA-256, stand for.

        Raises:
            ReportError: there is none or more than one, or one is damaged.
        """
        known = [
            Correction(record_sha256=item.sha256, notice=item.notice)
            for item in self.filed()
            if item.has_letter and item.notice is not None
        ]
        digits = which.lower() if len(which) >= _SHORTEST else None
        named = [
            item
            for item in known
            if which == str(item.notice) or (digits is not None and item.record_sha256.startswith(digits))
        ]
        if len(named) == 1:
            return named[0]
        listed = ", ".join(f"{item.notice} ({item.record_sha256[:NAME_LENGTH]})" for item in named or known) or "none"
        raise ReportError(
            f"--corrects {which[:80]!r} stands for {len(named) or 'no'} letters of this decision; name one by its date "
            f"or the first digits of its record's SHA-256. There are: {listed}."
        )

    def make_room(self, record: Record, logged: Sequence[Event], now: dt.datetime) -> None:
        """Keep what lies where a record is about to be written, if the log speaks of it.

        A reviewed record moves with its audit into a folder of its own, and so does its letter, withdrawn.

        Raises:
            ReportError: a letter was signed or corrected there, and this is another; or files cannot be moved.
        """
        folder = self.place(record)
        existing = digest_on_disk(folder / "record.json")
        if existing is None or existing == digest(record):
            return
        signed = {event.record_sha256 for event in logged if event.kind == "signature" and is_letter(event)}
        if existing in signed | {event.details.get("replaces") for event in logged}:
            raise ReportError(
                f"The letter in {folder} was signed or corrected and stays as it is; a changed letter is a correction: "
                "name the letter that it replaces with --id and --corrects DATE."
            )
        if existing in {event.record_sha256 for event in logged}:
            own = folder / existing[:NAME_LENGTH]
            self.withdraw(folder, "SUPERSEDED", now, into=own)
            for name in _OF_RECORD:
                _move(folder / name, own / name)

    def withdraw(self, folder: Path, why: str, now: dt.datetime, *, into: Path | None = None) -> None:
        """Rename a letter that may not go out, so that nobody sends it by mistake, and log that.

        Args:
            folder: where the letter lies.
            why: a refusal state, or SUPERSEDED by another record.
            now: the time of the event.
            into: where the renamed letter goes; default: it stays in the folder.

        Raises:
            ReportError, EventLogError: the letter cannot be renamed, or the log not be written.
        """
        for letter in (folder / name for name in _LETTERS):
            content = letter.read_bytes() if letter.is_file() else None
            if content is None:
                continue
            kept = _unused((into or folder) / f"WITHDRAWN-{letter.name}")
            of = digest_on_disk(folder / "record.json") or events.START
            self.append("withdrawal", of, now, file=self._name(kept), sha256=_sha256(content), reason=why)
            _move(letter, kept)

    def set_aside(self, path: Path) -> None:
        """Rename a signed document that a newer one takes the place of."""
        _move(path, _unused(path.with_name(f"EARLIER-{path.name}")))

    def signature(self, path: Path, logged: Sequence[Event]) -> Event | None:
        """The event that signed the file at `path`, if it is the file that was signed."""
        if not path.is_file():
            return None
        found = _sha256(path.read_bytes())
        signatures = (event for event in logged if event.kind == "signature")
        return next((event for event in signatures if event.details.get("sha256") == found), None)

    def append(self, kind: EventKind, record_sha256: str, now: dt.datetime, **details: str) -> None:
        """Log what the program did. Raises EventLogError."""
        events.append(self.log, [own_act(kind, record_sha256, now, details)])

    def log_signature(self, path: Path, record: Record, details: Mapping[str, str], now: dt.datetime) -> None:
        self.append("signature", digest(record), now, file=self._name(path), **details)

    def log_correction(self, record: Record, logged: Sequence[Event], now: dt.datetime) -> None:
        """Log a correction once."""
        corrects, sha256 = record.decision.corrects, digest(record)
        known = {event.record_sha256 for event in logged if event.kind == "correction"}
        if corrects is not None and sha256 not in known:
            self.append("correction", sha256, now, replaces=corrects.record_sha256, notice=str(corrects.notice))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()


def own_act(kind: EventKind, record_sha256: str, now: dt.datetime, details: Mapping[str, str]) -> Act:
    """What the program did; a person's acts are made by `reviews`."""
    time = now.replace(microsecond=0)
    return Act(kind=kind, time=time, record_sha256=record_sha256, details=dict(details), by="lrp-audit", role="")


def decision_folder(out: Path, key: bytes, identifier: str) -> DecisionFolder:
    """The folder of a decision's id below `out`."""
    return DecisionFolder(out / folder_name(key, identifier))


def folder_name(key: bytes, identifier: str) -> str:
    return pseudonym(key, "file", identifier)[:NAME_LENGTH]


def read_record(path: Path) -> Record:
    """The canonical record in a file. Raises ReportError where it cannot be read, or is not as it was written."""
    content = _content(path)
    try:
        record = Record.model_validate_json(content)
    except (ValidationError, ValueError):
        raise ReportError(
            f"{path} is no record as lrp-audit writes it; restore it, or run the decision again."
        ) from None
    if canonical(record) != content:
        raise ReportError(f"{path} was changed since it was written; restore it, or run the decision again.")
    return record


def read_addressee(path: Path, record: Record, key: bytes) -> Addressee:
    """The applicant's name and address, kept apart from the record, which holds their keyed digest.

    Raises:
        ReportError: they are not there, or not those that the record was made with.
    """
    if not path.exists():
        raise ReportError(
            f"{path} is missing, so the applicant's name and address are not known (purged?) and no letter can be "
            "rendered from the record; `lrp-audit letter` with the data writes it again."
        )
    try:
        addressee = Addressee.model_validate_json(_content(path))
    except (ValidationError, ValueError):
        raise ReportError(f"{path} holds no name and address as lrp-audit writes them.") from None
    if addressee_digest(key, addressee) != record.decision.addressee_sha256:
        raise ReportError(f"{path} was changed: it is not the addressee that the record was made with.")
    return addressee


def addressee_digest(key: bytes, addressee: Addressee) -> str:
    """The keyed digest in the record: who lacks the key cannot try out names."""
    return pseudonym(key, "addressee", addressee.model_dump_json())


def is_letter(event: Event) -> bool:
    """Whether an event is about the file of a letter."""
    return event.details.get("file", "").endswith(("notice.pdf", "letter.pdf"))


def digest_on_disk(path: Path) -> str | None:
    """The SHA-256 of a file, which is a record's digest; None where there is none."""
    return _sha256(_content(path)) if path.exists() else None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _unused(path: Path) -> Path:
    """The path, numbered where a file has it already."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found


def _move(source: Path, target: Path) -> None:
    if not source.exists():
        return
    try:
        target.parent.mkdir(exist_ok=True)
        source.replace(target)
    except OSError as error:
        raise ReportError(f"{source} cannot be renamed: {error.strerror}.") from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from error
