"""Putting the package's templates where a user can edit them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from lrp_audit.errors import ReportError
from lrp_audit.resources import templates

# Document -> the folders that it is made of; all but its own are shared.
DOCUMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "us-notice": ("us-notice", "base"),
    "eu-letter": ("eu-letter", "base"),
    "uk-letter": ("uk-letter", "base"),
    "audit": ("audit", "base", "heatmap"),
})  # fmt: skip


def copy(document: str, folder: Path) -> tuple[Path, ...]:
    """Copy a document's templates and sheets below a folder. Shared files that are there already stay as they are.

    Raises:
        ReportError: there is no such document, the folder holds one already, or it cannot be written to.
    """
    if document not in DOCUMENTS:
        raise ReportError(f"There is no document '{document}'; there are {', '.join(DOCUMENTS)}.")
    if (folder / document).exists():
        raise ReportError(f"{folder / document} exists already, and is not overwritten; copy to another folder.")
    written = []
    for part in DOCUMENTS[document]:
        for source in sorted((templates() / part).iterdir()):
            target = folder / part / source.name
            if source.suffix in {".html", ".css"} and not target.exists():
                written.append(_write(target, source.read_bytes()))
    return tuple(written)


def _write(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}.") from error
    return path
