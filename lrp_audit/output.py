"""Files on disk: a folder per decision, every file whole or absent, no personal data in any name.

The folder's name is a keyed hash of the decision's id (G-09). A letter is written last, so that none exists without the
documents that explain it.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lrp_audit import report
from lrp_audit.config import AuditConfig
from lrp_audit.decisions import Decision, may_be_drafted
from lrp_audit.errors import ReportError
from lrp_audit.pseudonym import pseudonym
from lrp_audit.record import Record, canonical

Document = Literal["letter", "audit"]

NAME_LENGTH = 16  # hexadecimal digits: two of a million ids share a name with probability 3e-8


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file, which then is there whole or not at all; folders are made where missing.

    Raises:
        ReportError: the folder cannot be written to, or the disk is full.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise ReportError(f"{path} cannot be written: {error.strerror}.") from error
    return path


@dataclass(frozen=True)
class Written:
    """What became of one decision. `record` is the one that its documents state."""

    record: Record
    files: tuple[Path, ...]
    letter: bool  # one that may go to review; a draft is none


@dataclass(frozen=True)
class Output:
    """Writes decisions below `folder`.

    Attributes:
        documents: which to write; the record always is.
        draft: letters are written with their gaps marked, as `DRAFT-notice`, and no other letter is.
        html: an HTML twin beside every PDF.
    """

    folder: Path
    config: AuditConfig
    key: bytes
    documents: frozenset[Document]
    draft: bool = False
    html: bool = False
    _seen: Counter[str] = field(default_factory=Counter, repr=False)

    def write(self, decision: Decision) -> Written:
        """Render a decision's documents, then write them.

        Raises:
            ReportError: a document cannot be rendered or written.
        """
        record = decision.record
        folder = self.folder / self._name(record.decision.id)
        contents = {"record.json": canonical(record), **dict(self._render(record, decision))}
        if record.refusal is not None:
            _withdraw(folder)
        files = tuple(write_bytes(folder / name, content) for name, content in contents.items())
        return Written(record, files, letter="notice.pdf" in contents)

    def _name(self, identifier: str) -> str:
        """The folder of an id; a repeated id, which is an error of its own row, gets a numbered one."""
        name = pseudonym(self.key, "file", identifier)[:NAME_LENGTH]
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}-{self._seen[name]}"

    def _render(self, record: Record, decision: Decision) -> Iterator[tuple[str, bytes]]:
        config, addressee = self.config, decision.addressee
        if "audit" in self.documents:
            yield "audit.pdf", report.audit_pdf(record, config)
            if self.html:
                yield "audit.html", report.audit_html(record, config).encode()
        if "letter" in self.documents and (may_be_drafted(record) if self.draft else record.refusal is None):
            prefix = "DRAFT-" if self.draft else ""
            if self.html:
                letter = report.letter_html(record, addressee, config, draft=self.draft)
                yield f"{prefix}notice.html", letter.encode()
            yield f"{prefix}notice.pdf", report.letter_pdf(record, addressee, config, draft=self.draft)


def _withdraw(folder: Path) -> None:
    """Rename an earlier letter of a decision that is now refused, so that nobody sends it by mistake."""
    for letter in (folder / "notice.pdf", folder / "notice.html"):
        try:
            letter.replace(letter.with_name(f"WITHDRAWN-{letter.name}"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ReportError(f"{letter} cannot be renamed: {error.strerror}.") from error
