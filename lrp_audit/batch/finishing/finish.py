"""From the tables of a batch to what people read: the report, the lists, the page and the README.

Everything here follows from decisions.parquet, relevance.parquet, the leaves and what the run says of itself: made
again it is the same, to the byte.
"""

from __future__ import annotations

from pathlib import Path

from lrp_audit.batch.finishing.index import write_index
from lrp_audit.batch.finishing.lists import write_lists
from lrp_audit.batch.finishing.rows import columns_of
from lrp_audit.batch.finishing.tree import manifest_of
from lrp_audit.files import write_bytes
from lrp_audit.language.messages import for_reviewers
from lrp_audit.report.batch import batch_pdf
from lrp_audit.report.batch_report import BatchReport, RunFacts
from lrp_audit.report.counting import summarise
from lrp_audit.report.readme import readme
from lrp_audit.sealing import layout
from lrp_audit.settings.config import AuditConfig

_SEALED_LATER = (layout.MANIFEST, layout.SUMS)
_LINKED = (layout.REPORT, layout.GROUPS, layout.WORKLIST, layout.TABLE, layout.README)


def finish(folder: Path, config: AuditConfig, run: RunFacts) -> BatchReport:
    """Write all that people read of a batch whose tables are merged; to be called before it is sealed.

    Args:
        folder: the batch.
        config: its settings.
        run: what the run says of itself.

    Raises:
        ReportError: a file cannot be read or written, or a font cannot be used.
    """
    columns = columns_of(folder / layout.DECISIONS)
    facts = run.model_copy(update={"manifest": manifest_of(folder, columns, run.signer)})
    report = summarise(columns, facts, for_reviewers(config))
    write_bytes(folder / layout.REPORT, batch_pdf(report, config))
    write_lists(columns, folder)
    _write_guides(folder, config, report)
    return report


def _write_guides(folder: Path, config: AuditConfig, report: BatchReport) -> None:
    """The page and the README, which name the files that there are."""
    columns = columns_of(folder / layout.DECISIONS)
    present = {path.name for path in folder.iterdir()} | {layout.README, layout.INDEX, layout.INDEX_ROWS}
    signature = () if report.manifest is None or report.manifest.signer is None else (layout.SIGNATURE,)
    write_index(columns, report, config, folder, [name for name in _LINKED if name in present])
    text = readme(report, config, {*present, *_SEALED_LATER, *signature})
    write_bytes(folder / layout.README, text.encode())
