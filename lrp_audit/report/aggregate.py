"""The report on what many decisions rest on, for auditors: PDF/A-3a + PDF/UA-1, or HTML. It attaches its figures."""

from __future__ import annotations

from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.records.record import digest
from lrp_audit.report import sections
from lrp_audit.report.aggregate_chapters import (
    Labels,
    drift_section,
    prototype_sections,
    strategy_section,
    value_section,
    word_sections,
)
from lrp_audit.report.aggregate_report import AggregateReport
from lrp_audit.report.formats import NOT_SUPPLIED
from lrp_audit.report.sections import Printed, Section
from lrp_audit.report.standing import Fact
from lrp_audit.settings.config import AuditConfig

FOLDER = "aggregate"


def aggregate_pdf(report: AggregateReport, config: AuditConfig) -> bytes:
    """The report as PDF, with its canonical JSON attached.

    Raises:
        ReportError: a font cannot be used, or the document is too long.
    """
    return sections.pdf(_printed(report, config), report, FOLDER, config, None)


def aggregate_html(report: AggregateReport, config: AuditConfig) -> str:
    """The report as one page of HTML with its style inside."""
    return sections.html(_printed(report, config), FOLDER, config, styled=True)


def aggregate_sections(report: AggregateReport, config: AuditConfig) -> tuple[Section, ...]:
    """The chapters, for this report or another one."""
    say = for_reviewers(config)
    labels = labels_of(config)
    order = [item.column for item in report.prototypes.of("all")]
    return (
        *prototype_sections(report.prototypes, report.swarm, labels, say),
        *([value_section(report.values, order, labels, say)] if report.values else []),
        *([] if report.strategies is None else [strategy_section(report.strategies, labels, say)]),
        *([] if report.words is None else word_sections(report.words, say)),
        *([] if report.drift is None else [drift_section(report.drift, labels, say)]),
    )


def labels_of(config: AuditConfig) -> Labels:
    """What the settings call the columns."""
    return {name: section.label for name, section in config.columns.items() if section.label is not None}


def _printed(report: AggregateReport, config: AuditConfig) -> Printed:
    say = for_reviewers(config)
    chapters = (_scope(report, say), *aggregate_sections(report, config), _limits(report, say))
    return Printed(say("What many decisions rest on"), digest(report), chapters)


def _scope(report: AggregateReport, say: Messages) -> Section:
    found = report.prototypes
    overlapping = report.overlapping
    lines = (
        Fact(say("Source"), report.source),
        *([] if report.compared is None else [Fact(say("Compared with"), report.compared)]),
        Fact(say("Explained decisions"), say.number(found.decisions, ",")),
        Fact(say("With the adverse outcome"), say.number(found.adverse, ",")),
        Fact(say("Not explained"), say.number(report.left_out, ",")),
        Fact(say("Random sample, and its seed"), f"{say.number(report.sampled, ',')}; {report.seed}"),
        Fact(
            say("Decisions that are in the data of the reference"),
            say(NOT_SUPPLIED) if overlapping is None else say.number(overlapping, ","),
            bool(overlapping),
        ),
    )
    notes = (
        say(
            "Relevance is what an input added to the margin of the adverse outcome, compared with the reference; plus "
            "counts against the applicant."
        ),
    )
    return Section(say("Scope"), notes, lines)


def aggregate_limits(report: AggregateReport, say: Messages) -> tuple[str, ...]:
    """What there is no chapter of, and what the chapters do not say."""
    return (
        *(item.sentence(say) for item in report.unsaid),
        say("Means, spreads and counts are of all decisions, and their quantiles of a sketch. Values, strategies, "
            "drawings, intervals and stability indices are of the random sample."),
        say("Groups of fewer than {count} decisions are suppressed.", count=50),
        say("What decisions have in common is described here, and neither explained nor judged."),
    )  # fmt: skip


def _limits(report: AggregateReport, say: Messages) -> Section:
    return Section(say("Limits"), listed=aggregate_limits(report, say))
