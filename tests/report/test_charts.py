"""Charts say the record's numbers, by side, by fill and in words."""

from __future__ import annotations

import ctypes
import re

import pages
import pypdfium2
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st
from pypdfium2.raw import FPDF_PAGEOBJ_PATH, FPDFPageObj_GetFillColor

from lrp_audit.language.messages import ENGLISH
from lrp_audit.report.chapters import CHART_ROW, CHART_ROWS, CHART_WIDTH, chapters
from lrp_audit.report.charts import ScoreMarks, contribution_bars, score_line, symmetric_scale
from lrp_audit.report.formats import signed
from lrp_audit.report.svg import AGAINST, FAVOUR

PATH = re.compile(r'<path d="([^"]*)" fill="([^"]*)"(?: stroke="([^"]*)")?')
BAR = re.compile(r"M(\S+) (\S+)h(\S+)v(\S+)h\S+z")


def bars(svg: str) -> dict[int, tuple[float, str]]:
    """Row -> (signed length in points, colour), read back from the drawing."""
    found = {}
    for path, fill, stroke in PATH.findall(svg):
        for _, top, length, _ in BAR.findall(path):
            found[int(float(top) // CHART_ROW)] = (float(length), stroke or fill)
    return found


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=CHART_ROWS))
def test_bars_are_the_values_on_a_symmetric_scale(values: list[float]) -> None:
    scale = symmetric_scale(values)
    found = bars(contribution_bars(values, scale, "A title.", width=CHART_WIDTH, row=CHART_ROW))
    for row, value in enumerate(values):
        length, colour = found.get(row, (0.0, AGAINST if value > 0 else FAVOUR))
        assert length == pytest.approx(value / scale * CHART_WIDTH / 2, abs=0.006)
        assert colour == (AGAINST if value > 0 else FAVOUR) or value == 0


def test_in_favour_is_hollow_so_that_greys_tell_the_sides_apart() -> None:
    svg = contribution_bars([1.0, -1.0], 1.0, "A title.", width=CHART_WIDTH, row=CHART_ROW)
    fills = {stroke or fill: (fill, stroke) for path, fill, stroke in PATH.findall(svg) if BAR.search(path)}
    assert fills[AGAINST] == (AGAINST, "")
    assert fills[FAVOUR][0] != FAVOUR
    assert fills[FAVOUR][1] == FAVOUR


@pytest.mark.parametrize("rows", [records.COLUMNS, records.WIDE, records.HUGE])
def test_charts_and_their_tables_state_the_record(rows: tuple[tuple[object, ...], ...]) -> None:
    record = records.record(rows)
    charts = chapters(record, ENGLISH).charts
    families = iter(record.families)
    largest = max(abs(family.relevance) for family in record.families)
    for chart in charts:
        assert len(chart.rows) <= CHART_ROWS
        found = bars(str(chart.drawing))
        for position, row in enumerate(chart.rows):
            family = next(families)
            length = found.get(position, (0.0, ""))[0]
            assert length == pytest.approx(family.relevance / largest * CHART_WIDTH / 2, abs=0.006)
            assert float(row.contribution.replace(",", "").replace("−", "-")) == pytest.approx(
                family.relevance, abs=largest / 100
            )
            assert row.side == {"+": "against", "−": "in favour"}.get(row.contribution[0], "none")
            assert row.contribution in {signed(family.relevance, decimals) for decimals in range(10)}
        assert chart.high.lstrip("+") == chart.low.lstrip("−")
        assert f"from {chart.low} to {chart.high}" in str(chart.drawing)
    assert next(families, None) is None


@pytest.mark.parametrize("name", ["ordinary", "wide"])
def test_bars_lie_on_their_own_rows_in_print(name: str) -> None:
    families = [family for family in pages.CASES[name].record.families[:CHART_ROWS] if family.relevance > 0]
    first, last = families[0].label, families[-1].label
    with pypdfium2.PdfDocument(pages.audit(name)) as document:
        sheet = next(page for page in document if "Of against" in page.get_textpage().get_text_bounded())
        text = sheet.get_textpage()
        start = text.search("Of against", match_case=True).get_next()[0]
        rows = [text.get_charbox(text.search(label, index=start).get_next()[0]) for label in (first, last)]
        paths = (item for item in sheet.get_objects(filter=[FPDF_PAGEOBJ_PATH]) if _fill(item) == AGAINST)
        _, bottom, _, top = next(item.get_bounds() for item in paths if item.get_bounds()[3] < rows[0][3] + CHART_ROW)
    assert rows[0][1] - 3 < top - CHART_ROW * 5 / 18 < rows[0][3] + 3
    assert rows[1][1] - 3 < bottom + CHART_ROW * 5 / 18 < rows[1][3] + 3


def _fill(item: pypdfium2.PdfObject) -> str:
    channels = [ctypes.c_uint() for _ in range(4)]
    FPDFPageObj_GetFillColor(item.raw, *map(ctypes.byref, channels))
    return "#" + "".join(f"{channel.value:02x}" for channel in channels[:3])


def test_title_is_escaped() -> None:
    svg = contribution_bars([1.0], 1.0, "<script>&", width=CHART_WIDTH, row=CHART_ROW)
    assert "<title>&lt;script&gt;&amp;</title>" in svg


@given(
    applicant=st.floats(-1e6, 1e6),
    cutoff=st.floats(-1e6, 1e6),
    reference=st.none() | st.floats(-1e6, 1e6),
)
def test_score_line_keeps_order_and_stays_inside(applicant: float, cutoff: float, reference: float | None) -> None:
    svg = str(score_line(ScoreMarks(applicant, cutoff, reference), "A title.", family="Any", width=500.0))
    mark = re.search(r'<path d="M(\S+) \S+l5 5', svg)
    line = re.search(r'<path d="M(\S+) 15V33"', svg)
    assert mark is not None
    assert line is not None
    places = {applicant: float(mark[1]), cutoff: float(line[1])}
    circle = re.search(r'<circle cx="(\S+)"', svg)
    assert (circle is None) == (reference is None)
    if circle is not None and reference is not None:
        places.setdefault(reference, float(circle[1]))
    assert all(0 <= place <= 500 for place in places.values())
    ordered = [places[value] for value in sorted(places)]
    assert ordered == sorted(ordered)
    assert (AGAINST in svg) == (applicant >= cutoff)
