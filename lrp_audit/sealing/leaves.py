"""Leaves of a batch's tree: a salted hash for every record and document of a decision, and for every file of the batch.

Without its salt a leaf says nothing: nobody can try out what a deleted letter may have held. The salt lies beside its
leaf and not in the manifest, and goes with what it was made for; the leaf stays, and the root with it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from lrp_audit.sealing.merkle import leaf_hash

Kind = Literal["record", "document", "file"]
SALT_BYTES = 32
NO_SALT = bytes(SALT_BYTES)  # of files, which are nobody's alone

SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),  # record or document
        pa.field("row", pa.int64(), nullable=False),  # of the source, from 0
        pa.field("name", pa.string()),  # records/ROW, or the document's path in the batch; null once purged
        pa.field("sha256", pa.string()),  # of the content, in hexadecimal; null once purged
        pa.field("salt", pa.binary(SALT_BYTES)),  # null once purged
        pa.field("leaf", pa.binary(32), nullable=False),
    ]
)


@dataclass(frozen=True)
class Content:
    """What a leaf is made for. `sha256` is hexadecimal."""

    kind: Kind
    row: int
    name: str
    sha256: str


def record_content(row: int, sha256: str) -> Content:
    """The record of a row; its canonical bytes have this SHA-256."""
    return Content("record", row, f"records/{row}", sha256)


def leaf_of(content: Content, salt: bytes) -> bytes:
    """The leaf hash: SHA-256(0x00 ‖ salt ‖ kind ‖ 0 ‖ name ‖ 0 ‖ SHA-256 of the content)."""
    return leaf_hash(salt + f"{content.kind}\0{content.name}\0".encode() + bytes.fromhex(content.sha256))


def file_leaf(name: str, sha256: str) -> bytes:
    """The leaf hash of a file of the batch, whose digest the manifest states."""
    return leaf_of(Content("file", -1, name, sha256), NO_SALT)


def leaves_of_chunk(contents: Iterable[Content], secret: bytes) -> pa.Table:
    """The leaves of a chunk's records and documents, by row; a record first, its documents by name.

    Args:
        contents: in any order.
        secret: of this batch, gone with its end. The same gives the same salts, so that a run can be resumed.
    """
    ordered = sorted(contents, key=lambda item: (item.row, item.kind != "record", item.name))
    salts = [hmac.digest(secret, item.name.encode(), "sha256") for item in ordered]
    leaves = [leaf_of(item, salt) for item, salt in zip(ordered, salts, strict=True)]
    return _table(ordered, salts, leaves)


def _table(contents: Sequence[Content], salts: Sequence[bytes], leaves: Sequence[bytes]) -> pa.Table:
    columns = {
        "kind": [item.kind for item in contents],
        "row": [item.row for item in contents],
        "name": [item.name for item in contents],
        "sha256": [item.sha256 for item in contents],
        "salt": salts,
        "leaf": leaves,
    }
    return pa.table(columns, schema=SCHEMA)


def altered(table: pa.Table) -> list[int]:
    """Positions of leaves that their own salt, name and digest do not give; what was purged has none of them."""
    names = ("kind", "name", "sha256", "salt", "leaf")
    columns = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    return [place for place, values in enumerate(columns) if not _holds(*values)]


def _holds(kind: Kind, name: str | None, sha256: str | None, salt: bytes | None, leaf: bytes) -> bool:
    if name is None or sha256 is None or salt is None:
        return (name, sha256, salt) == (None, None, None)
    try:
        return leaf_of(Content(kind, -1, name, sha256), salt) == leaf
    except ValueError:  # no hexadecimal digest
        return False
