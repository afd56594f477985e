"""Statistics of groups (BA-09), for auditors: a report in a file of its own, which may be privileged as a self-test.

Groups of fewer than 50 decisions are suppressed when they are counted, so that neither the page nor the attached JSON
has their figures (G-07).
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.records.aggregates import SMALLEST_GROUP, GroupComparison, GroupOutcome, ProxyScreen
from lrp_audit.records.record import Frozen, digest
from lrp_audit.report import sections
from lrp_audit.report.aggregate import labels_of
from lrp_audit.report.aggregate_chapters import Labels
from lrp_audit.report.aggregate_report import Unsaid
from lrp_audit.report.charts import contribution_bars, symmetric_scale
from lrp_audit.report.formats import NOT_SUPPLIED, clip, decimals_for, measure, signed
from lrp_audit.report.sections import ATTACHED, Chart, Printed, Section, table
from lrp_audit.report.standing import Fact
from lrp_audit.settings.config import AuditConfig

FOLDER = "groups"
_WIDTH, _ROW = 210.0, 15.0  # points, as in base/report.css
_MOST = 12  # inputs of a chart, and proxies of a table on paper
_SIGNIFICANT = 0.05


class AttributeStatistics(Frozen):
    """One attribute: its groups, and the inputs that tell them. `proxy_method` is how it was guessed, if it was."""

    comparison: GroupComparison
    screen: ProxyScreen | None = None
    basis: str | None = None  # on what ground it may be used
    proxy_method: str | None = None
    proxy_error: float | None = None


class GroupReport(Frozen):
    """BA-09."""

    schema_version: Literal["1"] = "1"
    population: str
    decisions: int
    attributes: tuple[AttributeStatistics, ...]
    last: dt.date | None = None
    unsaid: tuple[Unsaid, ...] = ()


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
    say, labels = for_reviewers(config), labels_of(config)
    chapters = [section for item in report.attributes for section in _attribute(item, labels, say)]
    return Printed(say("Group statistics"), digest(report), (_scope(report, say), *chapters, _limits(report, say)))


def _scope(report: GroupReport, say: Messages) -> Section:
    lines = (
        Fact(say("Population"), report.population),
        Fact(say("Decisions"), say.number(report.decisions, ",")),
        Fact(say("Attributes"), "; ".join(item.comparison.name for item in report.attributes)),
    )
    return Section(say("Scope"), (), lines)


def _attribute(item: AttributeStatistics, labels: Labels, say: Messages) -> tuple[Section, ...]:
    found = item.comparison
    parts = [_figures(item, say), _reasons(found, labels, say)]
    if item.screen is not None:
        parts.append(_proxies(item.screen, labels, say))
    return tuple(parts)


def _figures(item: AttributeStatistics, say: Messages) -> Section:
    found = item.comparison
    error = say(NOT_SUPPLIED) if item.proxy_error is None else measure(item.proxy_error, say)
    proxy = (
        say("none")
        if item.proxy_method is None
        else say("{method}; error {error}", method=item.proxy_method, error=error)
    )
    lines = (
        Fact(say("Attribute"), found.name),
        Fact(say("Basis of its use"), item.basis or say(NOT_SUPPLIED)),
        Fact(say("Reference group"), found.reference),
        Fact(say("Decisions without a group"), say.number(found.unknown, ",")),
        Fact(say("Intervals"), f"{say.percent(found.level)}, {say('Katz, log ratio')}"),
        Fact(say("Proxy of the attribute"), proxy),
    )
    head = (
        say("Group"), say("Decisions"), say("Approved"), say("Adverse impact ratio"), say("Interval"),
        say("Score difference"),
    )  # fmt: skip
    tables, notes = table(head, (_row(line, found.reference, say) for line in found.outcomes), say, rest=ATTACHED)
    note = say("The score difference is standardised: in pooled standard deviations of the margin.")
    return Section(say("Outcomes by {attribute}", attribute=found.name), (note, *notes), lines, tables)


def _row(line: GroupOutcome, reference: str, say: Messages) -> tuple[str, ...]:
    if line.decisions is None or line.approved is None:
        return (line.group, say("suppressed"), "", "", "", "")
    ends = (line.ratio_lower, line.ratio_upper)
    approved = f"{say.number(line.approved, ',')} ({say.percent(line.approved / line.decisions, 1)})"
    if line.group == reference:
        return (line.group, say.number(line.decisions, ","), approved, "–", "–", "–")
    return (
        line.group,
        say.number(line.decisions, ","),
        approved,
        _figure(line.approval_ratio, say),
        "–" if None in ends else " – ".join(_figure(end, say) for end in ends),
        _figure(line.standardised_difference, say),
    )


def _reasons(found: GroupComparison, labels: Labels, say: Messages) -> Section:
    """Which inputs carry the difference of every group."""
    charts = []
    shown = {group: [item for item in found.differences if item.group == group][:_MOST] for group in _others(found)}
    scale = symmetric_scale([item.difference for items in shown.values() for item in items])
    decimals = decimals_for([scale])
    for group, items in shown.items():
        title = say(
            "Difference of mean relevance between {group} and {reference}.", group=group, reference=found.reference
        )
        drawing = contribution_bars([item.difference for item in items], scale, title, width=_WIDTH, row=_ROW)
        rows = tuple(
            (
                clip(labels.get(item.column, item.column), 60),
                signed(item.difference, decimals, say),
                "–" if item.lower is None else signed(item.lower, decimals, say),
                "–" if item.upper is None else signed(item.upper, decimals, say),
                "–" if item.adjusted_p is None else _p(item.adjusted_p, say),
            )
            for item in items
        )
        ends = tuple(signed(end, decimals, say) for end in (-scale, 0.0, scale))
        head = (clip(group, 40), say("Difference"), say("from"), say("to"), "p")
        charts.append(Chart("bars", drawing, head, rows, ends))
    notes = (
        say(
            "Mean relevance of every input in the group, less that in the reference group; plus counts against the "
            "group more. The differences of all inputs add up to that of the explained margins.",
        ),
        say("Intervals are drawn from {count} sampled decisions; p-values are corrected for being many.",
            count=say.number(found.sampled, ",")),
    )  # fmt: skip
    return Section(
        say("What carries the differences by {attribute}", attribute=found.name), notes, charts=tuple(charts)
    )


def _proxies(found: ProxyScreen, labels: Labels, say: Messages) -> Section:
    telling = [item for item in found.proxies if item.familywise_p < _SIGNIFICANT]
    shown = found.proxies[: max(_MOST, len(telling))]
    reads = {"value": say("value"), "relevance": say("relevance")}
    tables, notes = table(
        (say("Input"), say("Read"), say("Group"), say("AUC"), say("By chance"), say("Adjusted p")),
        (
            (
                clip(labels.get(item.column, item.column), 60), reads[item.read], item.group,
                say.number(item.auc, ".3f"), say.number(item.null_mean, ".3f"), _p(item.familywise_p, say),
            )
            for item in shown
        ),
        say,
        rest=ATTACHED,
    )  # fmt: skip
    note = say(
        "How well one input alone tells the group of a decision that the screen has not seen: 0.5 not at all, 1 "
        "always. Inputs that tell it although no group matters are found with a chance of 5 % over the whole table.",
    )
    lines = (
        Fact(say("Decisions"), say.number(found.decisions, ",")),
        Fact(say("Inputs that tell a group"), say.number(len({item.column for item in telling}), ","), bool(telling)),
    )
    return Section(say("Proxies of {attribute}", attribute=found.name), (note, *notes), lines, tables)


def _others(found: GroupComparison) -> list[str]:
    return [item.group for item in found.outcomes if item.decisions is not None and item.group != found.reference]


def _figure(value: float | None, say: Messages) -> str:
    """Without one, as for the reference group itself, a dash."""
    return "–" if value is None else measure(value, say)


def _p(p: float, say: Messages) -> str:
    return f"< {say.number(0.001, '.3f')}" if p < 0.001 else say.number(p, ".3f")


def _limits(report: GroupReport, say: Messages) -> Section:
    return Section(
        say("Limits"),
        listed=(
            *(item.sentence(say) for item in report.unsaid),
            say("Groups of fewer than {count} decisions are suppressed.", count=SMALLEST_GROUP),
            say("A difference between groups is described here, and neither explained nor judged."),
            say("Whether the attribute may be used, and whether this file is privileged, counsel says."),
        ),
    )
