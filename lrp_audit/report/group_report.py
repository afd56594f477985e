"""Statistics of groups (BA-09), for auditors: a report in a file of its own, which may be privileged as a self-test.

Groups of fewer than 50 decisions are suppressed when the report is made, so that neither the page nor the attached
JSON has their figures (G-07).
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import field_validator

from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.records.record import Frozen, digest
from lrp_audit.report import sections
from lrp_audit.report.formats import NOT_SUPPLIED, measure
from lrp_audit.report.sections import ATTACHED, Printed, Section, table
from lrp_audit.report.standing import Fact
from lrp_audit.settings.config import AuditConfig

FOLDER = "groups"
SMALLEST_GROUP = 50  # decisions (G-07)


class GroupLine(Frozen):
    """One group; all figures are None where it is suppressed."""

    group: str
    decisions: int | None = None
    approved: int | None = None
    ratio: float | None = None  # adverse impact ratio: its approval rate over that of the reference group
    ratio_low: float | None = None
    ratio_high: float | None = None
    score_difference: float | None = None  # mean score minus that of the reference group

    @property
    def suppressed(self) -> bool:
        return self.decisions is None


class GroupReport(Frozen):
    """BA-09. `basis` says on what ground the attribute may be used, `proxy_method` how it was guessed, if it was."""

    schema_version: Literal["1"] = "1"
    population: str
    attribute: str
    basis: str
    reference_group: str
    level: float  # of the intervals
    interval_method: str
    lines: tuple[GroupLine, ...]
    last: dt.date | None = None
    proxy_method: str | None = None
    proxy_error: float | None = None

    @field_validator("lines")
    @classmethod
    def _suppress_small_groups(cls, lines: tuple[GroupLine, ...]) -> tuple[GroupLine, ...]:
        return tuple(line if (line.decisions or 0) >= SMALLEST_GROUP else GroupLine(group=line.group) for line in lines)


def groups_pdf(report: GroupReport, config: AuditConfig) -> bytes:
    """The statistics as PDF, with their canonical JSON attached.

    Raises:
        ReportError: a font cannot be used, or the document is too long.
    """
    return sections.pdf(_printed(report, config), report, FOLDER, config, report.last)


def groups_html(report: GroupReport, config: AuditConfig) -> str:
    """The statistics as one page of HTML with their style inside."""
    return sections.html(_printed(report, config), FOLDER, config, styled=True)


def _printed(report: GroupReport, config: AuditConfig) -> Printed:
    say = for_reviewers(config)
    return Printed(say("Group statistics"), digest(report), (_method(report, say), _figures(report, say), _limits(say)))


def _method(report: GroupReport, say: Messages) -> Section:
    error = say(NOT_SUPPLIED) if report.proxy_error is None else measure(report.proxy_error, say)
    proxy = (
        say("none")
        if report.proxy_method is None
        else say("{method}; error {error}", method=report.proxy_method, error=error)
    )
    lines = (
        Fact(say("Population"), report.population),
        Fact(say("Attribute"), report.attribute),
        Fact(say("Basis of its use"), report.basis),
        Fact(say("Reference group"), report.reference_group),
        Fact(say("Intervals"), f"{say.percent(report.level)}, {report.interval_method}"),
        Fact(say("Proxy of the attribute"), proxy),
    )
    return Section(say("Scope"), (), lines)


def _figures(report: GroupReport, say: Messages) -> Section:
    head = (
        say("Group"), say("Decisions"), say("Approved"), say("Adverse impact ratio"), say("Interval"),
        say("Score difference"),
    )  # fmt: skip
    tables, notes = table(head, (_row(line, say) for line in report.lines), say, rest=ATTACHED)
    return Section(say("Figures"), notes, (), tables)


def _row(line: GroupLine, say: Messages) -> tuple[str, ...]:
    if line.decisions is None or line.approved is None:
        return (line.group, say("suppressed"), "", "", "", "")
    ends = (line.ratio_low, line.ratio_high)
    return (
        line.group,
        say.number(line.decisions, ","),
        f"{say.number(line.approved, ',')} ({say.percent(line.approved / line.decisions, 1)})",
        _figure(line.ratio, say),
        "–" if None in ends else " – ".join(_figure(end, say) for end in ends),
        _figure(line.score_difference, say),
    )


def _figure(value: float | None, say: Messages) -> str:
    """Without one, as for the reference group itself, a dash."""
    return "–" if value is None else measure(value, say)


def _limits(say: Messages) -> Section:
    return Section(
        say("Limits"),
        listed=(
            say("Groups of fewer than {count} decisions are suppressed.", count=SMALLEST_GROUP),
            say("A difference between groups is described here, and neither explained nor judged."),
            say("Whether the attribute may be used, and whether this file is privileged, counsel says."),
        ),
    )
