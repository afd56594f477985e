"""The strip shows an applicant among quantiles of at least 50 people, and nobody else's value."""

from __future__ import annotations

import re

import numpy as np
import pages
import pandas as pd
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit import report
from lrp_audit.explaining.reference import Reference
from lrp_audit.language.messages import ENGLISH
from lrp_audit.records.record import Record, Spread
from lrp_audit.report.population_strip import MOST_ROWS, WIDTH, place, population_strip, strip_drawing
from lrp_audit.report.svg import AGAINST, FAVOUR

SPREAD = Spread(people=64, tenth=1, quarter=2, median=4, three_quarters=6, nine_tenths=9)
NUMBERS = st.floats(-1e12, 1e12)


def with_spreads(record: Record) -> Record:
    return record.model_copy(
        update={"contributions": tuple(item.model_copy(update={"spread": SPREAD}) for item in record.contributions)}
    )


def reference(values: object) -> Reference:
    return Reference("all_applicants", "members", {}, pd.DataFrame({"x": values}), 0, None, "00")


@pytest.mark.rule("G-07")
def test_quantiles_need_fifty_people_with_a_value() -> None:
    fifty = [float(i) for i in range(50)]
    found = reference([*fifty, np.nan]).quantiles("x", (0.1, 0.5))
    assert found is not None
    assert found[0] == 50
    assert list(found[1]) == pytest.approx([4.9, 24.5])
    assert reference([*fifty[:49], np.nan]).quantiles("x", (0.5,)) is None
    assert reference([True, False] * 40).quantiles("x", (0.5,)) is None
    assert reference(["a"] * 60).quantiles("x", (0.5,)) is None
    assert reference(fifty).quantiles("y", (0.5,)) is None


@given(levels=st.lists(NUMBERS, min_size=5, max_size=5).map(sorted), first=NUMBERS, second=NUMBERS)
def test_places_keep_their_order_and_stay_inside(levels: list[float], first: float, second: float) -> None:
    names = ("tenth", "quarter", "median", "three_quarters", "nine_tenths")
    spread = Spread(people=50, **dict(zip(names, levels, strict=True)))
    low, high = sorted((first, second))
    assert 0 <= place(low, spread) <= place(high, spread) <= WIDTH
    assert place(float("-1e308"), spread) <= place(levels[0], spread) <= place(float("1e308"), spread)


def test_sides_differ_in_colour_and_fill() -> None:
    against, favour = (str(strip_drawing([(SPREAD, 3.0, adverse)], "A title.")) for adverse in (True, False))
    assert f'fill="{AGAINST}"' in against
    assert FAVOUR not in against
    assert f'stroke="{FAVOUR}"' in favour
    assert AGAINST not in favour


@pytest.mark.parametrize(
    ("value", "words"), [(0, "lowest tenth"), (3, "lower half"), (4, "upper half"), (10, "highest tenth")]
)
def test_the_place_is_said_in_words(value: float, words: str) -> None:
    item = records.columns()[0].model_copy(update={"spread": SPREAD, "value": value})
    view = population_strip(records.record(contributions=(item,)), ENGLISH)
    assert view is not None
    assert [row.place for row in view.rows] == [words]
    assert view.people == 64


def test_only_numbers_with_a_spread_have_rows_and_the_strongest_come_first() -> None:
    record = with_spreads(records.record())
    view = population_strip(record, ENGLISH)
    assert view is not None
    labels = [row.label for row in view.rows]
    numbers = [item for item in record.contributions if isinstance(item.value, (int, float))]
    assert labels == [item.label for item in sorted(numbers, key=lambda item: -abs(item.relevance))]
    assert population_strip(records.record(), ENGLISH) is None
    assert population_strip(with_spreads(pages.CASES["missing"].record), ENGLISH) is None
    wide = population_strip(with_spreads(pages.CASES["wide"].record), ENGLISH)
    assert wide is not None
    assert len(wide.rows) == MOST_ROWS


def test_pages_are_valid_and_say_the_drawing_in_words() -> None:
    pdf = report.audit_pdf(with_spreads(records.record()), records.config())
    assert pages.failures(pdf, "PDF_UA_1", "PDF_A_3A") == []
    titles = [alternative for role, alternative in pages.elements(pdf) if role == "/Figure"]
    assert any(re.match("Where this applicant stands .* on 8 columns", title) for title in titles)
    assert "at least 64 people" in pages.text(pdf)
