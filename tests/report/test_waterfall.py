"""The waterfall walks from the reference's margin to the applicant's, and every bar lies on the row that says it."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pages
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit import report
from lrp_audit.language.messages import ENGLISH
from lrp_audit.records.record import Conservation
from lrp_audit.report.svg import AGAINST, FAVOUR
from lrp_audit.report.waterfall import MOST_STEPS, ROW, WIDTH, steps_drawing, waterfall

BAR = re.compile(r"M(\S+) (\S+)H(\S+)v(\S+)H(\S+)z")
CHANGES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def bars(svg: str, colour: str) -> list[tuple[float, float, float]]:
    """Row, start and end of every bar of a colour."""
    found = [item for item in re.findall(r'<path d="([^"]*)" ([^>]*)/>', svg) if colour in item[1]]
    return [(float(bar[1]) // ROW, float(bar[0]), float(bar[2])) for shapes, _ in found for bar in BAR.findall(shapes)]


@given(start=st.floats(-1e3, 1e3), changes=CHANGES)
def test_every_step_starts_where_the_last_ended_and_goes_to_its_side(start: float, changes: list[float]) -> None:
    levels = [start]
    for change in changes:
        levels.append(levels[-1] + change)
    reach = max(abs(level) for level in levels) or 1.0
    svg = str(steps_drawing(levels, reach, "A title."))
    steps = sorted([*bars(svg, AGAINST), *bars(svg, FAVOUR)])
    assert [row for row, _, _ in steps] == list(range(1, len(levels)))
    for (_, begin, end), (before, after) in zip(steps, pairwise(levels), strict=True):
        assert begin == pytest.approx(WIDTH / 2 * (1 + before / reach), abs=0.01)
        assert end == pytest.approx(WIDTH / 2 * (1 + after / reach), abs=0.01)
        assert 0 <= min(begin, end) <= max(begin, end) <= WIDTH
    assert all(end >= begin for _, begin, end in bars(svg, AGAINST))
    assert all(end <= begin for _, begin, end in bars(svg, FAVOUR))


@pytest.mark.rule("CA-06")
@pytest.mark.parametrize("name", ["ordinary", "wide", "huge", "missing"])
def test_rows_add_up_from_the_reference_to_the_applicant(name: str) -> None:
    record = pages.CASES[name].record
    view = waterfall(record, ENGLISH)
    assert view is not None
    assert len(view.rows) <= MOST_STEPS + 2
    unit = 10.0 ** -(len(view.rows[0].after.split(".")[1]) if "." in view.rows[0].after else 0)
    for before, after in pairwise(view.rows):
        assert number(before.after) + number(after.change) == pytest.approx(number(after.after), abs=1.6 * unit)
    assert number(view.rows[-1].after) == pytest.approx(record.outcome.margin, abs=unit)
    changes = math.fsum(number(row.change) for row in view.rows[1:])
    assert changes == pytest.approx(record.conservation.explained, abs=unit * len(view.rows))


def test_what_reached_no_input_and_what_does_not_add_up_have_rows() -> None:
    plain = records.record()
    total = sum(item.relevance for item in plain.contributions)
    books = Conservation(explained=total + 0.75, attributed=total, sinks={"bias": 0.5}, residual=0.25, tolerance=1e-9)
    view = waterfall(plain.model_copy(update={"conservation": books}), ENGLISH)
    assert view is not None
    assert {row.label: row.change for row in view.rows[-2:]} == {"Reached no input": "+0.50", "Residual": "+0.25"}
    assert number(view.rows[-1].after) == pytest.approx(1.41)


def test_the_scale_is_symmetric_about_the_cutoff_and_printed() -> None:
    outcome = records.record().outcome.model_copy(update={"cutoff_margin": 0.5})
    view = waterfall(records.record(outcome=outcome), ENGLISH)
    assert view is not None
    assert number(view.low) + number(view.high) == pytest.approx(2 * number(view.cutoff), abs=0.011)
    title = re.search("<title>(.*)</title>", view.drawing)
    assert title is not None
    assert all(text in title[1] for text in (view.low, view.high, view.cutoff))
    text = pages.text(pages.audit("ordinary"))
    assert "From the reference to this score" in text


def test_nothing_is_drawn_where_nothing_is_explained() -> None:
    assert waterfall(pages.CASES["unscored"].record, ENGLISH) is None
    assert "From the reference to this score" not in report.audit_html(pages.CASES["unscored"].record, records.config())
