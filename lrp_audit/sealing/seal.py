"""Sealing: the manifest over everything that a run wrote, its signature, SHA256SUMS, and the end of the working files.

Killed anywhere and called again, it ends with the same manifest. Once there is one, nothing is sealed again: what
changed since is for `verify` to find.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lrp_audit.errors import ReportError
from lrp_audit.files import sync_folder, write_bytes
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout, merkle
from lrp_audit.sealing.contents import batches, leaf_tables, remove_unfinished, sealed_names
from lrp_audit.sealing.hashing import digests, hashed
from lrp_audit.sealing.leaves import file_leaf
from lrp_audit.sealing.manifest import Counts, Manifest, SealedFile, SignedBy, read_manifest
from lrp_audit.sealing.sums import write_sums


class ManifestSigner(Protocol):
    """A key that is open."""

    @property
    def signs_as(self) -> SignedBy:
        """What a manifest says of who signs it."""

    def sign_detached(self, content: bytes) -> bytes:
        """A detached CMS signature. Raises SigningError."""


@dataclass(frozen=True)
class Tree:
    """The tree over a batch's records, documents and files: its root, its leaves, and those of them by kind."""

    root: str
    size: int
    kinds: Counter[str]


def seal(folder: Path, *, previous_root: str | None = None, signer: ManifestSigner | None = None) -> Manifest:
    """Seal a batch whose files are all written.

    Args:
        folder: the batch.
        previous_root: of the batch that this one continues.
        signer: signs the manifest.

    Raises:
        ReportError: something is missing, cannot be read or cannot be written.
        SigningError: the key does not sign.
    """
    path = folder / layout.MANIFEST
    remove_unfinished(folder)
    if path.exists():
        manifest = read_manifest(path)
    else:
        manifest = _made(folder, previous_root, signer)
        write_bytes(path, canonical(manifest))
    publish(folder, manifest, signer)
    _remove_working_files(folder)
    return manifest


def publish(folder: Path, manifest: Manifest, signer: ManifestSigner | None) -> None:
    """Write what lies beside a manifest: its signature, where it names a signer and there is none yet, and SHA256SUMS.

    Raises:
        ReportError: a file cannot be written.
        SigningError: the manifest names a signer and this is another or none, or the key does not sign.
    """
    signature = folder / layout.SIGNATURE
    if manifest.signed is not None and not signature.exists():
        if signer is None or signer.signs_as != manifest.signed:
            raise ReportError(
                f"{folder / layout.MANIFEST} is to be signed by {manifest.signed.signer}: run again with that key and "
                "--sign."
            )
        write_bytes(signature, signer.sign_detached(canonical(manifest)))
    write_sums(folder, manifest)


def tree_of(folder: Path, files: Collection[SealedFile] = ()) -> Tree:
    """The leaves in `leaves/` and, last, those of `files`. Raises ReportError where a file is not as it was written."""
    kinds: Counter[str] = Counter()

    def leaves() -> Iterator[bytes]:
        for table in leaf_tables(folder):
            kinds.update(table.column("kind").to_pylist())
            yield from table.column("leaf").to_pylist()
        for file in files:
            yield file_leaf(file.name, file.sha256)

    root = merkle.root(leaves()).hex()
    return Tree(root, kinds.total() + len(files), kinds)


def sealed_files(folder: Path) -> tuple[SealedFile, ...]:
    """The files that the manifest lists, as they are now. Raises ReportError where one cannot be read."""
    return tuple(_readable(folder))


def _readable(folder: Path) -> Iterator[SealedFile]:
    names = (name for name in sealed_names(folder) if name.partition("/")[0] not in layout.WORKING)
    for file in digests(folder, names):
        if file.sha256 is None:
            raise ReportError(f"{folder / file.name} cannot be sealed: it is no file that can be read.")
        yield SealedFile(name=file.name, sha256=file.sha256, bytes=file.bytes)


def _made(folder: Path, previous_root: str | None, signer: ManifestSigner | None) -> Manifest:
    plan = hashed(folder, layout.PLAN).sha256
    if plan is None:
        raise ReportError(f"{folder} holds no {layout.PLAN}, so it is no batch.")
    files = sealed_files(folder)
    tree = tree_of(folder, files)
    return Manifest(
        plan_sha256=plan,
        previous_root=previous_root,
        root=tree.root,
        size=tree.size,
        files=files,
        counts=_counts(folder, tree.kinds),
        signed=None if signer is None else signer.signs_as,
    )


def _counts(folder: Path, kinds: Counter[str]) -> Counts:
    decisions = ready = failed = 0
    refused: Counter[str] = Counter()
    for batch in batches(folder / layout.DECISIONS, ["state", "failure"]):
        rows = zip(batch.column("state").to_pylist(), batch.column("failure").to_pylist(), strict=True)
        for state, failure in rows:
            decisions += 1
            if failure is not None:
                failed += 1
            elif state is None:
                ready += 1
            else:
                refused[state] += 1
    return Counts(
        decisions=decisions,
        ready=ready,
        refused=dict(sorted(refused.items())),
        failed=failed,
        records=kinds["record"],
        documents=kinds["document"],
    )


def _remove_working_files(folder: Path) -> None:
    """The secret first: with it gone, no salt can be made anew."""
    try:
        (folder / layout.SECRET).unlink(missing_ok=True)
        sync_folder(folder)
        for name in layout.WORKING:
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
    except OSError as error:
        raise ReportError(f"{error.filename or folder} cannot be removed: {error.strerror}.") from error
