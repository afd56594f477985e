"""manifest.json: what a sealed batch consists of, and the root of its tree (BA-12).

It holds no digest of what is one person's alone: those stand in `leaves/`, beside their salts, and go with them. A
purge writes the next edition, over the same tree; earlier editions stay in `manifests/`, chained by their digests.
`manifest.schema.json` is its JSON Schema.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from lrp_audit.errors import ReportError
from lrp_audit.records.record import Frozen, canonical
from lrp_audit.sealing import layout

SCHEMA = Path(__file__).with_name("manifest.schema.json")
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name or not name.isprintable():
        raise ValueError("a file's name is its path below the folder")
    return name


class SealedFile(Frozen):
    """A file that is nobody's alone."""

    name: Annotated[str, AfterValidator(_inside)]
    sha256: Digest
    bytes: int


class Counts(Frozen):
    """BA-02, of the whole run: ready + the refused + the failed = decisions."""

    decisions: int
    ready: int
    refused: dict[str, int]  # by first refusal state
    failed: int  # what went wrong stands in decisions.parquet
    records: int
    documents: int  # files in folders of decisions


class SignedBy(Frozen):
    """Who signs this manifest, in `manifest.json.p7s` (CMS, detached)."""

    signer: str
    certificate_sha256: Digest
    time_stamp: str | None = None  # address of the server that confirms the time


class LogHead(Frozen):
    """How far `events.jsonl` went: who cuts it shorter is found out."""

    events: int = 0
    sha256: str = "0" * 64  # of its last line


class Manifest(Frozen):
    """A sealed batch. The tree: leaves of records and documents by row, then of the first edition's files by name."""

    schema_version: Literal["1"] = "1"
    edition: int = Field(1, ge=1)
    replaces: Digest | None = None  # SHA-256 of the edition before
    plan_sha256: Digest
    previous_root: Digest | None = None  # of the batch before, which this one continues
    algorithm: Literal["RFC 9162 Merkle tree, SHA-256"] = "RFC 9162 Merkle tree, SHA-256"
    root: Digest
    size: int  # leaves of the tree
    files: tuple[SealedFile, ...]  # by name
    counts: Counts
    purged: int = 0  # decisions that are gone
    log: LogHead = LogHead()
    signed: SignedBy | None = None


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file.

    Raises:
        ReportError: it is not there, cannot be read, or is not as it was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}. A batch has one when its run is done.") from None
    try:
        manifest = Manifest.model_validate_json(content)
        sound = canonical(manifest) == content
    except (ValidationError, ValueError, RecursionError):
        sound = False
    if not sound:
        raise ReportError(f"{path} was changed since it was written: it is no manifest of a batch.")
    return manifest


def editions(folder: Path, manifest: Manifest) -> tuple[Manifest, ...]:
    """All editions, the first one first and the given one last.

    Raises:
        ReportError: one is missing or was changed, or is of another tree.
    """
    found = [manifest]
    while found[0].edition > 1:
        later, path = found[0], edition_file(folder, found[0].edition - 1)
        earlier = read_manifest(path)
        if hashlib.sha256(canonical(earlier)).hexdigest() != later.replaces or earlier.edition != later.edition - 1:
            raise ReportError(f"{path} is not the manifest that edition {later.edition} replaced.")
        if (earlier.root, earlier.size, earlier.plan_sha256) != (later.root, later.size, later.plan_sha256):
            raise ReportError(
                f"{path} is of another tree than edition {later.edition}, which says that it replaced it."
            )
        found.insert(0, earlier)
    if found[0].replaces is not None:
        raise ReportError(f"{folder / layout.MANIFEST}: the first edition says that it replaced another one.")
    return tuple(found)


def edition_file(folder: Path, edition: int) -> Path:
    """Where an edition is kept that a later one replaced."""
    return folder / layout.EDITIONS / f"{edition}.json"


def root_of(folder: Path) -> str:
    """The root of a sealed batch, for the batch that continues it. Raises ReportError where there is none."""
    return read_manifest(folder / layout.MANIFEST).root
