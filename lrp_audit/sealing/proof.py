"""Proofs that one document or record is part of a sealed batch, for whoever has that document and nothing else.

A proof holds the salt of its own leaf and hashes of other leaves, which say nothing of what they were made for (G-07).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from lrp_audit.errors import DataError, ReportError
from lrp_audit.records.record import Frozen, canonical
from lrp_audit.sealing import layout, merkle
from lrp_audit.sealing.contents import leaf_tables
from lrp_audit.sealing.find import Place
from lrp_audit.sealing.finding import Finding
from lrp_audit.sealing.leaves import Content, file_leaf, leaf_of
from lrp_audit.sealing.manifest import Digest, editions, read_manifest

RECORD = "record"


class Proof(Frozen):
    """RFC 9162, section 2.1.3: the way from a leaf to the root."""

    schema_version: Literal["1"] = "1"
    algorithm: Literal["RFC 9162 Merkle tree, SHA-256"] = "RFC 9162 Merkle tree, SHA-256"
    kind: Literal["record", "document"]
    name: str  # in the batch
    sha256: Digest  # of the document
    salt: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    index: int = Field(ge=0)  # of the leaf
    size: int = Field(ge=1)  # of the tree
    path: tuple[Digest, ...]
    root: Digest

    @property
    def leads_to_root(self) -> bool:
        leaf = leaf_of(Content(self.kind, -1, self.name, self.sha256), bytes.fromhex(self.salt))
        path = [bytes.fromhex(item) for item in self.path]
        return merkle.includes(bytes.fromhex(self.root), self.size, self.index, leaf, path)


def prove(folder: Path, place: Place, document: str) -> Proof:
    """The proof of one document of a decision, or of its record.

    Args:
        folder: a sealed batch.
        place: the decision.
        document: the name of one of its files, or `record`.

    Raises:
        DataError: there is no such document.
        ReportError: the batch is not sealed, or not as it was sealed.
    """
    manifest = read_manifest(folder / layout.MANIFEST)
    first = editions(folder, manifest)[0]
    name = f"records/{place.row}" if document == RECORD else place.document(document)
    leaves: list[bytes] = []
    found = None
    for table in leaf_tables(folder):
        names = table.column("name").to_pylist()
        if name in names:
            at = names.index(name)
            found = len(leaves) + at, {each: table.column(each)[at].as_py() for each in ("kind", "sha256", "salt")}
        leaves += table.column("leaf").to_pylist()
    if found is None:
        raise DataError("The batch keeps no records, so there is no leaf of this one; prove a document instead.")
    leaves += [file_leaf(file.name, file.sha256) for file in first.files]
    index, leaf = found
    proof = Proof(
        kind=leaf["kind"],
        name=name,
        sha256=leaf["sha256"],
        salt=leaf["salt"].hex(),
        index=index,
        size=len(leaves),
        path=tuple(item.hex() for item in merkle.inclusion(leaves, index)),
        root=manifest.root,
    )
    if not proof.leads_to_root:
        raise ReportError(f"{folder} is not as it was sealed, so nothing in it can be proven: see `lrp-audit verify`.")
    return proof


def check(path: Path, document: bytes, root: str | None, size: int | None = None) -> Iterator[Finding]:
    """What a proof says of a document.

    Args:
        path: the proof.
        document: the content of the document.
        root: of the batch, from somebody who is trusted with it.
        size: of its tree, where that is known too.
    """
    try:
        proof = _read(path)
    except ReportError as error:
        yield Finding(False, str(error))
        return
    same = hashlib.sha256(document).hexdigest() == proof.sha256
    yield Finding(same, f"The document is {'' if same else 'not '}the one that the proof was made for ({proof.name}).")
    leads = proof.leads_to_root
    yield Finding(leads, f"The proof {'leads' if leads else 'does not lead'} to the root {proof.root}.")
    if root is None:
        yield Finding(None, "Whether that is the root of a batch was not checked: give --manifest FILE or --root HEX.")
    else:
        known = proof.root == root.lower() and size in {None, proof.size}
        yield Finding(known, f"That is {'' if known else 'not '}the root of the batch.")


def _read(path: Path) -> Proof:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        proof = Proof.model_validate_json(content)
        sound = canonical(proof) == content
    except (ValidationError, ValueError, RecursionError):
        sound = False
    if not sound:
        raise ReportError(f"{path} is no proof as `lrp-audit prove` writes it, or was changed.")
    return proof
