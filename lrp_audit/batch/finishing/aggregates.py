"""What the decisions of a batch rest on, and, in a file apart, how groups of people differ (BA-09)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from lrp_audit.aggregate.analysis import aggregate_report, group_report, groupings_of, read, words_of
from lrp_audit.aggregate.membership import UnusableGroupsError
from lrp_audit.aggregate.sources import open_source
from lrp_audit.aggregate.table import TooFewDecisionsError
from lrp_audit.aggregate.tables import tables_of
from lrp_audit.batch.plan import THREADS
from lrp_audit.errors import DataError
from lrp_audit.files import write_bytes, write_file
from lrp_audit.language.messages import for_reviewers
from lrp_audit.records.aggregates import SMALLEST_GROUP
from lrp_audit.report.aggregate_report import AggregateReport, Unsaid
from lrp_audit.report.group_report import groups_pdf
from lrp_audit.sealing import layout
from lrp_audit.settings.config import AuditConfig


def write_aggregates(
    folder: Path, config: AuditConfig, name: str, *, seed: int, groups: pd.DataFrame | None
) -> tuple[AggregateReport | None, tuple[str, ...]]:
    """Write the tables of aggregated relevance, and groups.pdf where there are groups.

    Linear algebra has one thread meanwhile: the last bits of a sum depend on how many share it.

    Args:
        folder: the batch.
        config: its settings.
        name: of the source.
        seed: of samples.
        groups: a column `id`, and one for each grouping.

    Returns:
        The figures for the report of the batch, and what cannot be said of these decisions, and why.

    Raises:
        ReportError: a file cannot be written.
    """
    say, unsaid = for_reviewers(config), []
    groupings = () if groups is None else groupings_of(groups)
    source, report = open_source(folder), None
    with threadpool_limits(THREADS):
        try:
            found = read(source, groupings, seed=seed)
            report = aggregate_report(found, name=name, words=words_of(source), seed=seed)
            _write_tables(report, folder)
        except TooFewDecisionsError:
            unsaid.append(
                say(
                    "There are no chapters on what the decisions rest on: fewer than {count} were explained.",
                    count=SMALLEST_GROUP,
                )
            )
        except DataError:
            unsaid.append(say("There are no chapters on what the decisions rest on; `lrp-audit aggregate` says why."))
        if groupings and report is not None:
            try:
                compared = group_report(found, groupings, name=name, seed=seed)
                write_bytes(folder / layout.GROUPS, groups_pdf(compared, config))
            except UnusableGroupsError as error:  # of the first, where none can be used
                why = Unsaid(what=groupings[0].name, why=error.why).sentence(say)
                unsaid.append(say("There are no statistics of groups: {why}", why=why))
    return report, tuple(unsaid)


def _write_tables(report: AggregateReport, folder: Path) -> None:
    for title, frame in tables_of(report).items():
        path = folder / layout.AGGREGATE / f"{title}.parquet"
        write_file(path, lambda file, frame=frame: frame.to_parquet(file, index=False))  # type: ignore[misc]
