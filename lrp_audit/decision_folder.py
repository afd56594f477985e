"""The folder of one decision, as it lies on disk.

    record.json  addressee.json  audit.pdf  notice.pdf  events.jsonl
    3f09c2…/     the same for a correction, named by the digest of its record, so that nothing is overwritten

Its name is a keyed hash of the decision's id (G-09). The event log is one for all its records.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from lrp_audit import events
from lrp_audit.errors import ReportError
from lrp_audit.events import Event
from lrp_audit.pseudonym import pseudonym
from lrp_audit.record import Addressee, Record, canonical, digest

NAME_LENGTH = 16  # hexadecimal digits: two of a million ids share a name with probability 3e-8
_SHORTEST = 8  # digits of a digest that a user may name a record by


@dataclass(frozen=True)
class Filed:
    """A record on disk, and the folder that its documents lie in."""

    folder: Path
    record: Record
    sha256: str

    @property
    def notice(self) -> dt.date | None:
        return self.record.decision.dates.notice


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

    def find(self, which: str) -> Filed:
        """The record that a date of its notice (YYYY-MM-DD), or eight or more digits of its SHA-256, stand for.

        Raises:
            ReportError: there is none or more than one, or one is damaged.
        """
        known = [item for item in self.filed() if item.notice is not None]
        names = which.lower()
        named = [item for item in known if names in {str(item.notice), item.sha256[: max(len(names), _SHORTEST)]}]
        if len(named) == 1:
            return named[0]
        listed = ", ".join(f"{item.notice} ({item.sha256[:NAME_LENGTH]})" for item in named or known) or "none"
        raise ReportError(
            f"--corrects {which[:80]!r} stands for {len(named) or 'no'} letters of this decision; name one by its date "
            f"or the first digits of its record's SHA-256. There are: {listed}."
        )


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


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from error
