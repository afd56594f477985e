"""The page of the benchmarks: what lies in benchmarks/results, as tables and plots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
HEAD = """# Benchmarks

`./run bench` measures again how fast everything is, on your machine, and `./run evidence` how near relevance comes to
Shapley values and which words decide; `./run docs` then writes this page from what lies in `benchmarks/results/`.
What a script measures and how to read its lines, `benchmarks/README.md` says. Where another tool is faster, the page
shows it. Results that are not below were not there when this page was written.
"""
Row = Mapping[str, Any]
NAME, BAR, LINE = 330, 240, 22  # widths and height in pixels


@dataclass(frozen=True)
class Chart:
    """How the rows of a result are drawn: one plot for each group, one bar for each row."""

    result: str
    title: str
    rows: str  # key of the list of rows
    groups: tuple[str, ...]
    name: str
    value: str
    unit: str


PASSES = "times a forward and backward pass"
CHARTS = (
    Chart("engine", "Relevance", "timings", ("workload",), "method", "ratio", PASSES),
    Chart("engine-cuda", "Relevance, on a CUDA device", "timings", ("workload",), "method", "ratio", PASSES),
    Chart("text", "Words", "timings", ("workload",), "method", "ratio", PASSES),
    Chart("text-cuda", "Words, on a CUDA device", "timings", ("workload",), "method", "ratio", PASSES),
    Chart("documents", "Documents", "table", ("document",), "way", "ms", "ms a document"),
    Chart("signing", "Signatures", "rows", ("document", "key"), "way", "ms", "ms a signature"),
    Chart("checks", "Checks", "rows", ("decisions",), "what", "multiple", "times the explanation"),
    Chart("batch", "Batches: the command", "runs", ("checks", "records"), "run", "judged / min", "decisions a minute"),
    Chart("batch", "Batches: notices", "notices", (), "way", "documents / s", "documents a second"),
    Chart("batch", "Batches: texts", "texts", ("texts",), "way", "texts / min", "texts a minute"),
    Chart("sealing", "Seals", "rows", ("unit",), "what", "value", "in that unit"),
    Chart("shapley_distance", "Distance from Shapley values", "rows", ("table", "network"), "method", "top_4",
          "share of the same four reasons"),
    Chart("text_faithfulness", "The words that decide", "scores", (), "method", "drop", "fall of the margin"),
)  # fmt: skip


def page(folder: Path = RESULTS) -> str:
    """The page as Markdown."""
    return HEAD + "".join(_section(chart, folder / f"{chart.result}.json") for chart in CHARTS)


def _section(chart: Chart, path: Path) -> str:
    script = f"`benchmarks/{chart.result.partition('-')[0]}.py`"
    if not path.exists():
        return f"\n## {chart.title}\n\nNo results of {script} are here.\n"
    found = json.loads(path.read_text(encoding="utf-8"))
    rows: Sequence[Row] = found[chart.rows]
    said = ", ".join(f"{name} {value}" for name, value in found["environment"].items())
    plots = "\n".join(_plots(chart, rows))
    return f"\n## {chart.title}\n\n{script}. {said}\n\n{plots}\n{_table(rows)}\n"


def _plots(chart: Chart, rows: Sequence[Row]) -> Iterator[str]:
    def group_of(row: Row) -> tuple[str, ...]:
        return tuple(str(row[key]) for key in chart.groups)

    for group, members in groupby(sorted(rows, key=group_of), group_of):
        yield f"\n**{', '.join(group) or chart.title}**, {chart.unit}\n\n{bars(chart, list(members))}\n"


def bars(chart: Chart, rows: Sequence[Row]) -> str:
    """A bar for each row, on one linear scale from zero."""
    values = [row[chart.value] or 0 for row in rows]  # None where a run was too short for a figure
    most = max(values, default=0) or 1
    shapes = []
    for position, (row, value) in enumerate(zip(rows, values, strict=True)):
        top, length = position * LINE, BAR * value / most
        shapes.append(
            f'<text x="{NAME - 8}" y="{top + 15}" text-anchor="end">{escape(str(row[chart.name]))}</text>'
            f'<rect x="{NAME}" y="{top + 4}" width="{max(length, 0):.1f}" height="{LINE - 8}" opacity="0.6"/>'
            f'<text x="{NAME + max(length, 0) + 6:.1f}" y="{top + 15}">{_figure(value)}</text>'
        )
    width, height = NAME + BAR + 70, LINE * len(rows)
    return (
        f'<svg viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img" font-size="12" '
        f'fill="currentColor" aria-label="{escape(chart.title)}">{"".join(shapes)}</svg>'
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _table(rows: Sequence[Row]) -> str:
    columns = list(rows[0]) if rows else []
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return _figure(value) if isinstance(value, float) else "" if value is None else str(value)
