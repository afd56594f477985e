"""The tree over records and documents, as the batch report states it (BA-12)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lrp_audit.batch.finishing.rows import cut
from lrp_audit.report.batch_report import MOST_LISTED, Manifest, ManifestLine
from lrp_audit.report.counting import Columns
from lrp_audit.sealing.contents import leaf_tables
from lrp_audit.sealing.manifest import Manifest as Sealed
from lrp_audit.sealing.seal import tree_of


def manifest_of(folder: Path, columns: Columns, signer: str | None) -> Manifest:
    """Root, size and first documents of the tree that the manifest of the batch goes on with.

    Raises:
        ReportError: leaves cannot be read.
    """
    tree = tree_of(folder)
    documents = list(islice(_documents(folder), MOST_LISTED))
    ids = _ids(columns, {row for row, _, _ in documents})
    return Manifest(
        algorithm=Sealed.model_fields["algorithm"].default,
        root=tree.root,
        leaves=tree.size,
        lines=tuple(ManifestLine(id=ids[row], document=name, leaf=leaf) for row, name, leaf in documents),
        signer=signer,
    )


def _documents(folder: Path) -> Iterator[tuple[int, str, str]]:
    """Row, file name and leaf of every letter and audit."""
    for table in leaf_tables(folder):
        for leaf in table.select(["kind", "row", "name", "leaf"]).to_pylist():
            if leaf["kind"] == "document" and (leaf["name"] or "").endswith(".pdf"):
                yield leaf["row"], leaf["name"].rpartition("/")[2], leaf["leaf"].hex()


def _ids(columns: Columns, rows: set[int]) -> dict[int, str]:
    """The ids of some rows of the source, which are the first ones of the batch."""
    found: dict[int, str] = {}
    for part in cut(columns(["row", "id"]), MOST_LISTED):
        if len(found) == len(rows):
            break
        pairs = zip(part["row"].to_pylist(), part["id"].to_pylist(), strict=True)
        found |= {row: name for row, name in pairs if row in rows}
    return found
