"""Where the package's own files lie: templates, print CSS and legal texts."""

from __future__ import annotations

from pathlib import Path

from lrp_audit.errors import ReportError


def templates() -> Path:
    """Folder of the shipped templates: inside the package of an installed wheel, beside it in a source checkout.

    Raises ReportError where the installation lacks it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "templates", package.parent / "templates"):
        if (folder / "texts").is_dir():
            return folder
    raise ReportError(
        f"The folder 'templates' of lrp_audit is in neither '{package}' nor '{package.parent}': install the package again."
    )
