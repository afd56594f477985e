"""Files on disk: a folder per decision, every file whole or absent, no personal data in any name.

A letter is written last, so that none exists without the documents that explain it. What was signed, or replaced by a
correction, is never overwritten.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lrp_audit import report
from lrp_audit.deciding.decisions import Decision
from lrp_audit.deciding.printability import may_be_drafted
from lrp_audit.files import write_bytes
from lrp_audit.history import events
from lrp_audit.history.decision_folder import DecisionFolder, decision_folder, folder_name, own_act, read_addressee
from lrp_audit.history.events import Event
from lrp_audit.history.reviews import review_refusal
from lrp_audit.records.record import Addressee, Record, Refusal, canonical, digest
from lrp_audit.settings.config import AuditConfig

if TYPE_CHECKING:
    from lrp_audit.signing import Signer

Document = Literal["letter", "audit"]


@dataclass(frozen=True)
class Written:
    """What became of one decision. `record` is the one that its documents state, `refusal` why there is no letter."""

    record: Record
    files: tuple[Path, ...]
    letter: bool  # one that may go to review, or out where it has been reviewed; a draft is none
    refusal: Refusal | None


def signable(name: str) -> bool:
    """Whether a file of a decision is one that is signed; drafts are not."""
    return name.endswith(".pdf") and not name.startswith("DRAFT-")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Output:
    """Writes decisions below `folder`.

    Attributes:
        documents: which to write; the record always is, with the addressee beside it.
        draft: letters are written with their gaps marked, as `DRAFT-…`, and no other letter is.
        twins: an HTML twin beside every PDF, and a plain-text one beside letters.
        signer: signs every PDF but drafts.
        clock: the time of events, which are no part of any record.
    """

    folder: Path
    config: AuditConfig
    key: bytes
    documents: frozenset[Document]
    draft: bool = False
    twins: bool = False
    signer: Signer | None = None
    clock: Callable[[], dt.datetime] = _now
    _seen: Counter[str] = field(default_factory=Counter, repr=False)

    def write(self, decision: Decision) -> Written:
        """Render a decision's documents, then write them.

        Raises:
            ReportError: a document cannot be rendered or written, or would replace one that was signed or corrected.
            EventLogError: the decision's event log is damaged.
            SigningError: a document cannot be signed.
        """
        record = decision.record
        place = DecisionFolder(self.folder / self._name(record.decision.id))
        return self._file(place, record, decision.addressee)

    def fresh(self, filed: bytes, addressee: Addressee) -> dict[str, bytes]:
        """The files that `write` would put into the folder of a decision that has none yet, by name.

        Args:
            filed: the canonical record.
            addressee: of its letter.

        Raises:
            ReportError, SigningError: as `write` does.
        """
        files = dict(self._contents(filed, addressee, ()))
        if self.signer is None:
            return files
        signed = {name: self.signer.sign(pdf) for name, pdf in files.items() if signable(name)}
        details = ({"file": name, **item.details} for name, item in signed.items())
        sha256 = hashlib.sha256(filed).hexdigest()
        acts = [own_act("signature", sha256, self.clock(), each) for each in details]
        log = {events.NAME: events.log_of(acts)} if acts else {}
        return files | {name: item.pdf for name, item in signed.items()} | log

    def render(self, identifier: str) -> Written:
        """Render the documents of the record that stands on disk, without its model.

        Raises:
            ReportError: as `write` does; also where record or addressee are missing or damaged.
            EventLogError, SigningError: as `write` does.
        """
        place = decision_folder(self.folder, self.key, identifier)
        logged = events.read(place.log)
        found = place.standing(logged)
        due = "letter" in self.documents and self._letter_due(found.record, self._refusal(found.record, logged))
        path = found.folder / "addressee.json"
        return self._file(place, found.record, read_addressee(path, found.record, self.key) if due else Addressee())

    def _name(self, identifier: str) -> str:
        """The folder of an id; a repeated id, which is an error of its own row, gets a numbered one."""
        name = folder_name(self.key, identifier)
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}-{self._seen[name]}"

    def _file(self, place: DecisionFolder, record: Record, addressee: Addressee) -> Written:
        logged, folder = events.read(place.log), place.place(record)
        refusal = self._refusal(record, logged)
        contents = dict(self._contents(canonical(record), addressee, logged))
        place.make_room(record, logged, self.clock())
        if refusal is not None:
            place.withdraw(folder, refusal.state, self.clock())
        if record.refusal is None and not self.draft:
            place.log_correction(record, logged, self.clock())
        files = tuple(self._save(place, folder / name, content, record, logged) for name, content in contents.items())
        return Written(record, files, letter=f"{report.letter_file(self.config)}.pdf" in contents, refusal=refusal)

    def _refusal(self, record: Record, logged: Sequence[Event]) -> Refusal | None:
        return record.refusal or review_refusal(record, logged, self.config)

    def _letter_due(self, record: Record, refusal: Refusal | None) -> bool:
        return may_be_drafted(record) if self.draft else refusal is None

    def _contents(self, filed: bytes, addressee: Addressee, logged: Sequence[Event]) -> Iterator[tuple[str, bytes]]:
        """File names and contents, in the order they are written in.

        Documents are made of the record as it is filed, with numbers of 12 digits, so that they can be made again.
        """
        config, signable, record = self.config, self.signer is not None, Record.model_validate_json(filed)
        yield "record.json", filed
        if addressee != Addressee():
            yield "addressee.json", canonical(addressee)
        if "audit" in self.documents:
            yield "audit.pdf", report.audit_pdf(record, config, logged, signable=signable)
            if self.twins:
                yield "audit.html", report.audit_html(record, config, logged).encode()
        if "letter" in self.documents and self._letter_due(record, self._refusal(record, logged)):
            name = f"{'DRAFT-' if self.draft else ''}{report.letter_file(config)}"
            if self.twins:
                letter = report.letter_html(record, addressee, config, draft=self.draft)
                yield f"{name}.html", letter.encode()
                yield f"{name}.txt", report.letter_text(record, addressee, config, draft=self.draft).encode()
            pdf = report.letter_pdf(
                record,
                addressee,
                config,
                draft=self.draft,
                signable=signable and not self.draft,
                sha256=hashlib.sha256(filed).hexdigest(),
            )
            yield f"{name}.pdf", pdf

    def _save(self, place: DecisionFolder, path: Path, content: bytes, record: Record, logged: Sequence[Event]) -> Path:
        """Write a file; a document is signed on the way, and one that was signed stays until its content changes."""
        if not signable(path.name):
            return write_bytes(path, content)
        signature = place.signature(path, logged)
        if signature is not None:
            same = signature.record_sha256 == digest(record)
            if same and (self.signer is None or path.read_bytes().startswith(content)):
                return path
            place.set_aside(path)
        if self.signer is None:
            return write_bytes(path, content)
        signed = self.signer.sign(content)
        place.log_signature(path, record, signed.details, self.clock())
        return write_bytes(path, signed.pdf)
