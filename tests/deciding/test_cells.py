"""A column's cells are written as the contributions of its rows are, one by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lrp_audit.deciding.assembly import ColumnFacts, contribution
from lrp_audit.deciding.cells import written_cells
from lrp_audit.language.messages import messages
from lrp_audit.records.canonical import text
from lrp_audit.settings.sections import ColumnSection

CELLS = (None, True, 1, 1.0, 0, 0.0, -0.0, -7, 1234567.5, 1e-7, 1e60, float("inf"), "", "1", "%s ü\ud800")
UNITS = (None, "$", "EUR", "%", "% of months")
FINITE = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1.0])


class Rows(NamedTuple):
    """The cells of a column, and what `written_cells` asks of them."""

    cells: pd.Series
    seen: npt.NDArray[np.float64]
    missing: npt.NDArray[np.bool_]
    imputed: npt.NDArray[np.bool_]


def column(settings: ColumnSection, language: str) -> ColumnFacts:
    return ColumnFacts("column %s", "Label", "family", settings, "5%", None, messages(language, "eu-letter"))


def agree(facts: ColumnFacts, rows: Rows, relevance: float) -> None:
    for row, (before, after) in enumerate(zip(*written_cells(facts, *rows), strict=True)):
        flags = {"missing": bool(rows.missing[row]), "imputed": bool(rows.imputed[row])}
        whole = contribution(facts, rows.cells.iat[row], rows.seen[row], relevance, **flags)
        assert f"{before}{text(relevance)}{after}" == text(whole.model_dump(mode="json"))


@st.composite
def columns(draw: st.DrawFn) -> ColumnFacts:
    settings = ColumnSection(
        unit=draw(st.sampled_from(UNITS)),
        decimals=draw(st.none() | st.integers(0, 2)),
        values=draw(st.sampled_from([{}, {"1": "100% of one", "true": "so"}])),
        source=draw(st.sampled_from([None, "100%d"])),
    )
    return column(settings, draw(st.sampled_from(["en", "de", "es"])))


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    cells = draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=8))
    seen = draw(arrays.arrays(np.float64, (len(cells), draw(st.integers(0, 3))), elements=FINITE))
    missing, imputed = (draw(arrays.arrays(np.bool_, len(cells))) for _ in range(2))
    return Rows(pd.Series(cells, dtype=object), seen, missing, imputed)


@given(columns(), rows(), FINITE)
def test_cells_are_written_as_the_contributions_of_their_rows(facts, found, relevance):
    agree(facts, found, relevance)


def test_equal_cells_that_read_otherwise_are_told_apart():
    cells = pd.Series([0.0, -0.0, 0, False, 1, 1.0, True], dtype=object)
    nothing = np.zeros(len(cells), np.bool_)
    agree(column(ColumnSection(decimals=2), "en"), Rows(cells, np.zeros((len(cells), 1)), nothing, nothing), 0.5)
