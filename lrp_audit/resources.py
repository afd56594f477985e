"""Where the package's own files lie: templates, print CSS, legal texts and samples."""

from __future__ import annotations

from pathlib import Path

from lrp_audit.errors import ReportError


def templates() -> Path:
    """Folder of the shipped templates. Raises ReportError where the installation lacks it."""
    return _folder("templates")


def samples() -> Path:
    """Folder of the shipped synthetic samples. Raises ReportError where the installation lacks it."""
    return _folder("data_samples")


def _folder(name: str) -> Path:
    """Inside the package of an installed wheel, beside it in a source checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise ReportError(
        f"The folder '{name}' of lrp_audit is in neither '{package}' nor '{package.parent}': install the package again."
    )
