"""Figures of an explanation in notebooks, and through matplotlib for whoever has it."""

from __future__ import annotations

import io
from typing import Any

import pytest
import records
import tinyhtml5

from lrp_audit import figures
from lrp_audit.deciding.decisions import Decision
from lrp_audit.errors import ReportError
from lrp_audit.explanation import SHOWN, Explanation
from lrp_audit.records.record import Record
from lrp_audit.report.svg import AGAINST, FAVOUR


def explanation(record: Record) -> Explanation:
    return Explanation(Decision(record, records.addressee(), 0), records.config())


def test_a_notebook_shows_bars_on_the_rows_of_their_table() -> None:
    record = records.record()
    html = explanation(record)._repr_html_()
    rows = tinyhtml5.parse(html).findall(".//{http://www.w3.org/1999/xhtml}tbody/{http://www.w3.org/1999/xhtml}tr")
    labels = [row[0].text for row in rows]
    assert labels == [item.label for item in record.contributions]
    assert html.count("<svg") == len(labels)
    assert AGAINST in html
    assert FAVOUR in html
    assert "in favour −0.710 | against +0.710" in html


def test_a_notebook_shows_the_strongest_and_text_as_text() -> None:
    html = explanation(records.record(records.WIDE))._repr_html_()
    assert html.count("<tr") == SHOWN + 1
    hostile = tuple(item.model_copy(update={"label": "<script>", "display": "<b>"}) for item in records.columns())
    html = explanation(records.record(contributions=hostile))._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html


def test_a_decision_without_contributions_is_still_shown() -> None:
    assert "<table>" in explanation(records.record(contributions=(), outcome=None))._repr_html_()


def test_matplotlib_draws_signed_bars_on_a_symmetric_scale() -> None:
    pytest.importorskip("matplotlib")
    record = records.record()
    axes = explanation(record).plot(top=4)
    shown = figures.strongest(record.contributions, 4)
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([item.relevance for item in shown])
    low, high = axes.get_xlim()
    assert low == -high
    assert axes.yaxis_inverted()
    assert explanation(record).plot(axes) is axes


@pytest.mark.parametrize("text", ["$x$ and $", "$\\frac{1}{", "a_b^c"])
def test_text_is_never_a_formula(text: str) -> None:
    pytest.importorskip("matplotlib")
    items = tuple(item.model_copy(update={"label": text, "display": text}) for item in records.columns())
    record = records.record(contributions=items, decision=records.decision(id=text))
    axes = explanation(record).plot()
    axes.figure.savefig(io.BytesIO(), format="svg")
    assert text in axes.get_yticklabels()[0].get_text()


def test_without_matplotlib_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> Any:
        return None

    monkeypatch.setattr(figures, "find_spec", missing)
    with pytest.raises(ReportError, match=r"pip install 'lrp_audit\[plot\]'"):
        explanation(records.record()).plot()
