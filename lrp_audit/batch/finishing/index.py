"""index.html, and the scripts with its rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrp_audit.batch.finishing.rows import NEEDED, cut, listed
from lrp_audit.files import write_bytes
from lrp_audit.report.batch_report import BatchReport
from lrp_audit.report.counting import Columns
from lrp_audit.report.index_page import ROWS, index_html, rows_script
from lrp_audit.sealing import layout
from lrp_audit.settings.config import AuditConfig

LINKED = (layout.REPORT, layout.GROUPS, layout.WORKLIST, layout.TABLE, layout.README)  # where they exist


def write_index(columns: Columns, report: BatchReport, config: AuditConfig, folder: Path, files: Sequence[str]) -> None:
    """Write the page last, so that none is there without its rows; rows of an earlier writing that are too many go.

    Raises:
        ReportError: a file cannot be written, or there is no catalogue of the reviewers' language.
    """
    page = index_html(report, config, files)
    number = -1
    for number, part in enumerate(cut((listed(part) for part in columns(NEEDED)), ROWS)):
        write_bytes(folder / layout.INDEX_ROWS / f"{number:05d}.js", rows_script(part))
    for path in (folder / layout.INDEX_ROWS).glob("*.js"):
        if int(path.stem) > number:
            path.unlink()
    write_bytes(folder / layout.INDEX, page.encode())
