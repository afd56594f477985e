"""A decision of a batch by its id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from lrp_audit.errors import DataError
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import batches


@dataclass(frozen=True)
class Place:
    """Where a decision stands: its row in the source, its folder, and the names of the files in that."""

    row: int
    folder: str
    documents: tuple[str, ...]

    def document(self, name: str) -> str:
        """The name in the batch of one of its files, given with or without its ending.

        Raises:
            DataError: it has no such file, or several.
        """
        found = [file for file in self.documents if name in {file, file.rpartition(".")[0]}]
        if len(found) == 1:
            return layout.document_name(self.folder, found[0])
        listed = ", ".join(found or self.documents) or "none"
        raise DataError(f"The decision has {len(found) or 'no'} documents called {name!r}; there are: {listed}.")


def find(folder: Path, identifier: str) -> Place:
    """The decision with an id; the first one where the source repeats it.

    Raises:
        DataError: the batch has no such decision, or it was purged.
        ReportError: decisions.parquet cannot be read.
    """
    for batch in batches(folder / layout.DECISIONS, ["row", "id", "folder", "documents"]):
        at = pc.index(batch.column("id"), identifier).as_py()
        if at >= 0:
            found = {name: batch.column(name)[at].as_py() for name in ("row", "folder", "documents")}
            documents = tuple(item["name"] for item in found["documents"] or ())
            return Place(found["row"], found["folder"], documents)
    raise DataError(f"{folder} holds no decision with id {identifier!r}; ids are compared as they are written.")
