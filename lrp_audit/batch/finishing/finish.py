"""From the tables of a batch to what people read: the report, the lists, the page and the README.

Everything here follows from decisions.parquet, relevance.parquet, records, leaves and the plan: made again it is the
same, to the byte.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lrp_audit.batch.finishing.aggregates import write_aggregates
from lrp_audit.batch.finishing.facts import facts_of
from lrp_audit.batch.finishing.index import LINKED, write_index
from lrp_audit.batch.finishing.lists import write_lists
from lrp_audit.batch.finishing.rows import columns_of
from lrp_audit.batch.finishing.tree import manifest_of
from lrp_audit.batch.plan import Plan
from lrp_audit.files import write_bytes
from lrp_audit.language.messages import for_reviewers
from lrp_audit.report.batch import batch_pdf
from lrp_audit.report.batch_report import BatchReport
from lrp_audit.report.counting import Columns, summarise
from lrp_audit.report.readme import readme
from lrp_audit.sealing import layout
from lrp_audit.settings.config import AuditConfig

_SEALED_LATER = (layout.MANIFEST, layout.SUMS)


def finish(
    folder: Path, plan: Plan, config: AuditConfig, *, signer: str | None = None, groups: pd.DataFrame | None = None
) -> BatchReport:
    """Write all that people read of a batch whose tables are merged; to be called before it is sealed.

    Args:
        folder: the batch.
        plan: of its run.
        config: its settings.
        signer: who signs the manifest; None where nobody does.
        groups: a column `id`, and one for each grouping; they get a file of their own.

    Raises:
        ReportError: a file cannot be read or written, or a font cannot be used.
    """
    columns = columns_of(folder / layout.DECISIONS)
    rest, unsaid = write_aggregates(folder, config, plan.source.name, seed=plan.seed, groups=groups)
    known = facts_of(plan, config)
    facts = known.model_copy(
        update={
            "exceptions": (*known.exceptions, *unsaid),
            "aggregate": rest,
            "manifest": manifest_of(folder, columns, signer),
        }
    )
    report = summarise(columns, facts, for_reviewers(config))
    write_bytes(folder / layout.REPORT, batch_pdf(report, config))
    write_lists(columns, folder)
    _write_guides(folder, columns, config, report)
    return report


def _write_guides(folder: Path, columns: Columns, config: AuditConfig, report: BatchReport) -> None:
    """The page and the README, which name the files that there are, or will be once the batch is sealed."""
    signed = report.manifest is not None and report.manifest.signer is not None
    later = (*_SEALED_LATER, layout.SIGNATURE) if signed else _SEALED_LATER
    present = {path.name for path in folder.iterdir()} | {layout.README, layout.INDEX, layout.INDEX_ROWS, *later}
    write_index(columns, report, config, folder, [name for name in LINKED if name in present])
    write_bytes(folder / layout.README, readme(report, config, present).encode())
