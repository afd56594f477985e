"""Counts the decisions of a batch by columns of decisions.parquet, in memory that does not grow with them."""

from __future__ import annotations

from lrp_audit.language.messages import ENGLISH, Messages
from lrp_audit.report.batch_report import BatchReport, RunFacts
from lrp_audit.report.counting.completeness import CompletenessTally
from lrp_audit.report.counting.parts import Columns
from lrp_audit.report.counting.protected import ProtectedTally
from lrp_audit.report.counting.quality import QualityTally
from lrp_audit.report.counting.reasons import ReasonsTally
from lrp_audit.report.counting.timeliness import TimelinessTally
from lrp_audit.report.counting.versions import VersionsTally

__all__ = ["Columns", "summarise"]


def summarise(columns: Columns, run: RunFacts, say: Messages = ENGLISH) -> BatchReport:
    """The report of a batch.

    Args:
        columns: of its decisions, part by part; read once, and the ids again where one is repeated.
        run: what no decision says.
        say: the language of the report.

    Raises:
        ConfigError: there is no list of forbidden phrases in a decision's language.
    """
    completeness, timeliness = CompletenessTally(), TimelinessTally(run.scope.as_of)
    versions, reasons = VersionsTally(run), ReasonsTally(run, say)
    quality, protected = QualityTally(), ProtectedTally(run)
    tallies = (completeness, timeliness, versions, reasons, quality, protected)
    for part in columns(sorted({name for tally in tallies for name in tally.columns})):
        whole = part.combine_chunks()
        for tally in tallies:
            tally.add(whole)
    return BatchReport(
        scope=run.scope.model_copy(update={"first": versions.first, "last": versions.last}),
        completeness=completeness.found(run, columns),
        timeliness=timeliness.bands(),
        late=timeliness.late(),
        versions=versions.uses(),
        reasons=reasons.found(),
        replay=run.replay,
        quality=quality.found(),
        residual=quality.residual(),
        protected=protected.found(),
        review=run.review,
        exceptions=run.exceptions,
        aggregate=run.aggregate,
        manifest=run.manifest,
    )
