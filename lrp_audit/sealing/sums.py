"""SHA256SUMS: every file of a batch for plain `sha256sum --check`, with no program of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from lrp_audit.errors import ReportError
from lrp_audit.files import write_file
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import leaf_tables
from lrp_audit.sealing.hashing import hashed
from lrp_audit.sealing.manifest import Manifest


def lines(folder: Path, manifest: Manifest) -> Iterator[bytes]:
    """The lines: the manifest and its signature, its files, and the documents that are still there."""
    yield _line(layout.MANIFEST, hashlib.sha256(canonical(manifest)).hexdigest())
    if manifest.signed is not None:
        yield _line(layout.SIGNATURE, hashed(folder, layout.SIGNATURE).sha256 or "missing")
    for file in manifest.files:
        yield _line(file.name, file.sha256)
    for table in leaf_tables(folder):
        columns = (table.column(name).to_pylist() for name in ("kind", "name", "sha256"))
        for kind, name, sha256 in zip(*columns, strict=True):
            if kind == "document" and name is not None and sha256 is not None:
                yield _line(name, sha256)


def write_sums(folder: Path, manifest: Manifest) -> None:
    """Write SHA256SUMS. Raises ReportError."""
    write_file(folder / layout.SUMS, lambda file: file.writelines(lines(folder, manifest)))


def disagreement(folder: Path, manifest: Manifest) -> str | None:
    """The first line that SHA256SUMS has otherwise, lacks or has too much; None where it has none.

    Raises:
        ReportError: it or the leaves cannot be read.
    """
    try:
        with (folder / layout.SUMS).open("rb") as file:
            for line in lines(folder, manifest):
                if file.readline() != line:
                    return line.decode().split("  ", 1)[1].strip()
            return "a line at its end" if file.readline() else None
    except OSError as error:
        raise ReportError(f"{folder / layout.SUMS} cannot be read: {error.strerror}.") from None


def _line(name: str, sha256: str) -> bytes:
    return f"{sha256}  {name}\n".encode()
