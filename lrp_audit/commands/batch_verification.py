"""Whether a batch is what it was: its folder, and the signature of its manifest. Needs no model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lrp_audit.commands.keys import require_extra
from lrp_audit.errors import LrpAuditError
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.finding import Finding
from lrp_audit.sealing.hashing import hashed
from lrp_audit.sealing.manifest import Manifest, read_manifest
from lrp_audit.sealing.verify import verify

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
    yield from _signature(folder, manifest, roots)


def _signature(folder: Path, manifest: Manifest, roots: Roots) -> Iterator[Finding]:
    path = folder / layout.SIGNATURE
    if manifest.signed is None:
        if path.exists():
            yield Finding(False, f"{layout.SIGNATURE} was added: the manifest says that nobody signed it.")
        yield Finding(False if roots else None, f"{layout.MANIFEST} is not signed.")
        return
    if hashed(folder, layout.SIGNATURE).sha256 is None:
        yield Finding(False, f"{layout.SIGNATURE} is missing: the manifest names a signer, {manifest.signed.signer}.")
        return
    require_extra()
    from lrp_audit.commands.signatures import of_detached

    for finding in of_detached(canonical(manifest), path.read_bytes(), manifest.signed.certificate_sha256, roots):
        yield Finding(finding.holds, f"{layout.MANIFEST}: {finding.sentence}")
