"""Whether a batch is what it was: its folder, and the signature of its manifest. Needs no model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lrp_audit.commands.keys import require_extra
from lrp_audit.errors import LrpAuditError, ReportError
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.finding import Finding
from lrp_audit.sealing.hashing import hashed
from lrp_audit.sealing.manifest import Manifest, edition_file, read_manifest
from lrp_audit.sealing.proof import check
from lrp_audit.sealing.verify import same_root, verify

if TYPE_CHECKING:
    from lrp_audit.commands.signatures import Roots


def verify_batch(folder: Path, roots: Roots = (), root: str | None = None) -> Iterator[Finding]:
    """Everything that can be said about a batch by its folder.

    Args:
        folder: a sealed batch.
        roots: certificates that are trusted; with any, the manifest has to be signed.
        root: that the batch had, as somebody else kept it.

    Raises:
        SigningError: the manifest is signed, and the extra `sign` is missing.
    """
    yield from verify(folder, root=root)
    try:
        manifest = read_manifest(folder / layout.MANIFEST)
    except LrpAuditError:
        return  # was said
    for path in (*(edition_file(folder, earlier) for earlier in range(1, manifest.edition)), folder / layout.MANIFEST):
        try:
            yield from _signature(path, read_manifest(path), roots)
        except ReportError:
            continue  # was said


def verify_proof(
    path: Path, document: Path, root: str | None, manifest: Path | None, roots: Roots = ()
) -> Iterator[Finding]:
    """What can be said of a document by a proof.

    Args:
        path: the proof.
        document: what it was made for.
        root: of the batch.
        manifest: of the batch, which states its root.
        roots: certificates that are trusted; with any, the manifest has to be signed.

    Raises:
        ReportError: a file cannot be read.
        SigningError: the manifest is signed, and the extra `sign` is missing.
    """
    try:
        content = document.read_bytes()
    except OSError as error:
        raise ReportError(f"{document} cannot be read: {error.strerror}.") from None
    known = None if manifest is None else read_manifest(manifest)
    if manifest is None or known is None:
        yield from check(path, content, root)
        return
    if root is not None:
        yield same_root(known, root)
    yield from check(path, content, known.root, known.size)
    yield from _signature(manifest, known, roots)


def _signature(path: Path, manifest: Manifest, roots: Roots) -> Iterator[Finding]:
    """The signature beside a manifest."""
    signature = path.with_name(f"{path.name}.p7s")
    if manifest.signed is None:
        if signature.exists():
            yield Finding(False, f"{signature.name} was added: the manifest says that nobody signed it.")
        yield Finding(False if roots else None, f"{path.name} is not signed.")
        return
    if hashed(path.parent, signature.name).sha256 is None:
        yield Finding(False, f"{signature.name} is missing: the manifest names a signer, {manifest.signed.signer}.")
        return
    require_extra()
    from lrp_audit.commands.signatures import of_detached

    for finding in of_detached(canonical(manifest), signature.read_bytes(), manifest.signed.certificate_sha256, roots):
        yield Finding(finding.holds, f"{path.name}: {finding.sentence}")
