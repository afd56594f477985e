"""Explanations as figures: bars for notebooks, and for whoever expects matplotlib."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from lrp_audit.errors import ReportError
from lrp_audit.records.record import ColumnContribution, Record
from lrp_audit.report.charts import contribution_bars, symmetric_scale
from lrp_audit.report.formats import clip, decimals_for, signed
from lrp_audit.report.svg import AGAINST, FAVOUR, HOLLOW, INK
from lrp_audit.terminal import strongest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _ROW = 220.0, 22.0  # of a notebook's bars
_CELL = "padding:0 8px;text-align:left;white-space:nowrap"


def bars_html(record: Record, caption: str, most: int) -> str:
    """A table of the strongest columns with signed bars on its rows, red and solid against, blue and hollow in favour.

    Args:
        record: the decision.
        caption: one line on it.
        most: rows.
    """
    shown = strongest(record.contributions, most)
    values = [item.relevance for item in shown]
    limit, decimals = symmetric_scale(values), decimals_for(values)
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL}">{escape(clip(item.label, 60))}</th><td style="padding:0">'
        f"{_bar(item, limit, decimals)}</td>"
        f"{_cells(signed(item.relevance, decimals), item.display, item.reference_display)}</tr>"
        for item in shown
    )
    scale = f"in favour {signed(-limit, decimals)} | against {signed(limit, decimals)}"
    head = _cells("column", scale, "relevance", "applicant", "reference", tag="th")
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _bar(item: ColumnContribution, limit: float, decimals: int) -> str:
    """A drawing for each row, since a notebook's own style decides how high rows are."""
    title = f"{item.label} {signed(item.relevance, decimals)}"
    drawing = contribution_bars([item.relevance], limit, title, width=_WIDTH, row=_ROW)
    return f'<div style="height:{_ROW:g}px;width:{_WIDTH:g}px">{drawing}</div>'


def _cells(*texts: str, tag: str = "td") -> str:
    return "".join(f'<{tag} style="{_CELL}">{escape(clip(text, 40))}</{tag}>' for text in texts)


def plot(record: Record, title: str, most: int, axes: Axes | None) -> Axes:
    """Signed bars of the strongest columns through matplotlib.

    Args:
        record: the decision.
        title: of the figure.
        most: bars.
        axes: to draw on; None makes a figure of its own, which pyplot does not keep.

    Raises:
        ReportError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise ReportError("Plots are drawn by matplotlib; type: pip install 'lrp_audit[plot]'.")
    shown = strongest(record.contributions, most)
    target = _axes(len(shown)) if axes is None else axes
    values = [item.relevance for item in shown]
    against = [value > 0 for value in values]
    bars = target.barh(
        range(len(shown)),
        values,
        color=[AGAINST if adverse else HOLLOW for adverse in against],
        edgecolor=[AGAINST if adverse else FAVOUR for adverse in against],
    )
    decimals = decimals_for(values)
    target.bar_label(bars, labels=[signed(value, decimals) for value in values], padding=3)
    names = [f"{clip(item.label, 40)} = {clip(item.display, 24)}" for item in shown]
    target.set_yticks(range(len(shown)), names, parse_math=False)  # a text with two $ is no formula
    target.invert_yaxis()
    target.axvline(0, color=INK, linewidth=0.8)
    limit = symmetric_scale(values) * 1.35  # room for the numbers
    target.set_xlim(-limit, limit)
    target.set_xlabel("relevance: − in favour, + against the applicant")
    target.set_title(title, fontsize="medium", parse_math=False, wrap=True)
    return target


def _axes(rows: int) -> Axes:
    from matplotlib.figure import Figure  # noqa: PLC0415  # comes with the extra

    figure: Any = Figure(figsize=(8, 1.2 + 0.32 * rows), layout="constrained")
    return figure.subplots()  # type: ignore[no-any-return]
