"""Whether a document is what it was: signature, time stamp, record and event log. Needs the extra `sign`, no model.

What is found is stated one by one. Nothing here says that a document meets a law.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from asn1crypto import x509
from pydantic import ValidationError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from lrp_audit.commands.signatures import stated, validated
from lrp_audit.errors import ReportError
from lrp_audit.history import events
from lrp_audit.history.reviews import latest
from lrp_audit.records.record import Record, canonical
from lrp_audit.sealing.finding import Finding


def verify(path: Path, roots: Sequence[x509.Certificate] = ()) -> tuple[Finding, ...]:
    """Everything that can be said about a document by its file and what lies beside it.

    Args:
        path: a PDF that lrp-audit wrote.
        roots: certificates that are trusted; without any, who signed is stated and not vouched for.

    Raises:
        ReportError: the file cannot be read.
    """
    content = _content(path)
    try:
        return tuple(_findings(path, content, roots))
    except Exception as error:  # a damaged PDF can break its reader in any way
        return (Finding(False, f"{path.name} cannot be read as a PDF: {error or type(error).__name__}."),)


def _findings(path: Path, content: bytes, roots: Sequence[x509.Certificate]) -> Iterator[Finding]:
    reader = PdfFileReader(io.BytesIO(content))
    signatures = list(reader.embedded_signatures)
    if not signatures:
        yield Finding(False if roots else None, "It is not signed.")
    for signature in signatures:
        yield from _signature(signature, roots)
    digest = _identifier(reader)
    yield from _record(reader, path, digest)
    yield from _log(path, hashlib.sha256(content).hexdigest(), digest, signed=bool(signatures))


def _signature(signature: Any, roots: Sequence[x509.Certificate]) -> Iterator[Finding]:
    def validate(signer: ValidationContext, stamp: ValidationContext) -> PdfSignatureStatus:
        return validate_pdf_signature(signature, signer, ts_validation_context=stamp)

    status = validated(validate, roots)
    yield from stated(status, roots)
    if status.intact and status.valid and status.coverage != SignatureCoverageLevel.ENTIRE_FILE:
        yield Finding(False, "Something was added to the file behind the signature.")


def _identifier(reader: PdfFileReader) -> str:
    """The digest of its record, which every document has as its PDF identifier."""
    identifier = reader.trailer["/ID"][0]
    content = getattr(identifier, "original_bytes", identifier)
    return bytes(content).decode("ascii", "replace")


def _record(reader: PdfFileReader, path: Path, digest: str) -> Iterator[Finding]:
    attached = _attached(reader)
    if attached is not None:
        yield _attached_record(attached, digest)
    beside = path.with_name("record.json")
    if beside.is_file():
        same = hashlib.sha256(beside.read_bytes()).hexdigest() == digest
        stands = "is the one that it states" if same else "is another one, or was changed"
        yield Finding(same, f"The record beside it, record.json, {stands}.")
    elif attached is None:
        yield Finding(None, f"Its record, SHA-256 {digest}, is not beside it.")


def _attached_record(content: bytes, digest: str) -> Finding:
    if hashlib.sha256(content).hexdigest() != digest:
        return Finding(False, "The attached record is not the one that the document was made from.")
    try:
        sound = canonical(Record.model_validate_json(content)) == content
    except (ValidationError, ValueError):
        sound = False
    return Finding(sound, f"The attached record is {'' if sound else 'no '}canonical JSON, SHA-256 {digest}.")


def _attached(reader: PdfFileReader) -> bytes | None:
    for file in reader.root.get("/AF", ()):
        specification = file.get_object()
        if str(specification["/UF"]) == "record.json":
            return bytes(specification["/EF"]["/F"].data)
    return None


def _log(path: Path, sha256: str, digest: str, *, signed: bool) -> Iterator[Finding]:
    """What the event log in the decision's folder says; a correction lies one folder below it."""
    log = next(
        (folder / events.NAME for folder in path.resolve().parents[:2] if (folder / events.NAME).is_file()), None
    )
    if log is None:
        return
    found = events.check(log)
    if found.problem is not None:
        yield Finding(False, f"The event log is broken: {found.problem}.")
        return
    yield Finding(True, f"The event log is a whole chain of {len(found.events)}, and ends in {found.head}.")
    of_record = [event for event in found.events if event.record_sha256 == digest]
    signatures = [event for event in of_record if event.kind == "signature"]
    logged = any(event.details.get("sha256") == sha256 for event in signatures)
    if signed:
        yield Finding(logged, f"The event log {'holds' if logged else 'does not hold'} this signature.")
    elif any(event.details.get("file", "").rpartition("/")[2] == path.name for event in signatures):
        yield Finding(False, "The event log says that this document was signed, and this file is not.")
    review = latest(found.events, digest)
    if review is not None:
        verdict, date = review.details.get("verdict"), review.time.date()
        yield Finding(None, f"Its record was reviewed on {date} by {review.by} ({review.role}): {verdict}.")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from error
