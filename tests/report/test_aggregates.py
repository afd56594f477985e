"""Drawings of many decisions: every decision is counted once, on its side, and no small group is shown."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lrp_audit.records.aggregates import Place
from lrp_audit.report.aggregate_heatmap import SHADES, aggregate_heatmap
from lrp_audit.report.beeswarm import BINS, MOST_DOTS, Swarm, beeswarm, swarm_counts
from lrp_audit.report.heatmap import bin_of, style
from lrp_audit.report.scatter import scatter
from lrp_audit.resources import templates

DOT = re.compile(r"M(\S+) (\S+)a(\S+) ")
NUMBERS = st.floats(-1e6, 1e6, width=32)
TABLES = st.tuples(st.integers(1, 40), st.integers(1, 4)).flatmap(
    lambda shape: st.tuples(arrays(np.float64, shape, elements=NUMBERS), arrays(np.float64, shape, elements=NUMBERS))
)


def swarm_of(relevance: np.ndarray, values: np.ndarray, title: str = "A title.", width: float = 300.0) -> Swarm:
    columns = [f"c{j}" for j in range(relevance.shape[1])]
    return beeswarm(swarm_counts(relevance, values, columns), columns, title, width=width, row=20.0)


def dots(svg: str) -> list[tuple[float, float]]:
    return [(float(x) + float(r), float(y)) for x, y, r in DOT.findall(svg)]


@given(TABLES)
def test_dots_are_as_many_as_decisions_need_and_stay_in_their_rows(tables: tuple[np.ndarray, np.ndarray]) -> None:
    relevance, values = tables
    swarm = swarm_of(relevance, values)
    found = dots(swarm.drawing)
    rows, columns = relevance.shape
    for column in range(columns):
        own = [x for x, y in found if column * 20 <= y < (column + 1) * 20]
        assert rows / swarm.per_dot <= len(own) <= rows
        assert min(own) >= 0
        assert max(own) <= 300
    counts = swarm_counts(relevance, values, [f"c{j}" for j in range(columns)])
    assert counts.limit >= np.abs(relevance).max()
    assert np.array(counts.counts).shape == (columns, BINS, 3)
    assert (np.array(counts.counts).sum((1, 2)) == rows).all()
    assert swarm.per_dot <= max(1, -(-rows // MOST_DOTS))


def test_a_dot_lies_where_its_relevance_is_and_is_shaded_by_its_value() -> None:
    relevance, values = np.array([[-1.0], [0.0], [1.0]]), np.array([[1.0], [2.0], [3.0]])
    swarm = swarm_of(relevance, values, "<b>", 81.0)
    assert "<title>&lt;b&gt;</title>" in swarm.drawing
    low, middle, high = (
        DOT.findall(shapes) for shapes, _ in re.findall(r'<path d="(M[^"]*a[^"]*)" (fill="[^"]*")', swarm.drawing)
    )
    assert [len(low), len(middle), len(high)] == [1, 1, 1]
    assert [x for x, _ in dots(swarm.drawing)] == pytest.approx([0.5, 40.5, 80.5], abs=0.02)


def test_missing_values_are_counted_in_the_middle() -> None:
    swarm = swarm_of(np.ones((5, 2)), np.array([[np.nan, 1.0]] * 5))
    assert len(dots(swarm.drawing)) == 10


def test_a_large_table_makes_a_small_drawing() -> None:
    generator = np.random.default_rng(0)
    relevance = generator.normal(size=(20_000, 5))
    assert len(swarm_of(relevance, relevance).drawing) < 150_000


@given(arrays(np.float64, (3, 4), elements=st.floats(-10, 10)))
def test_cells_have_the_shade_of_their_bin_and_a_line_where_against(means: np.ndarray) -> None:
    svg = str(aggregate_heatmap(means, "A title.", width=80.0, row=10.0))
    limit = np.abs(means).max() or 1.0
    for shade, colour in SHADES.items():
        shapes = re.findall(rf'<path d="([^"]*)" fill="{colour}"', svg)
        wanted = [
            (family * 20.0, group * 10.0)
            for (group, family), mean in np.ndenumerate(means)
            if style(bin_of(float(mean), limit)) == shade
        ]
        assert [(float(x), float(y)) for x, y in re.findall(r"M(\S+) (\S+?)h", "".join(shapes))] == wanted
    lines = re.findall(r'<path d="([^"]*)" stroke', svg)
    shaded = sum(bin_of(float(mean), limit) > 0 for mean in means.flat)
    assert "".join(lines).count("M") == shaded


def test_shades_are_those_of_a_texts_heatmap() -> None:
    sheet = (templates() / "heatmap" / "heatmap.css").read_text()
    assert all(f".{shade} {{ background: {colour};" in sheet for shade, colour in SHADES.items())


def test_every_decision_is_a_mark_and_every_strategy_has_its_number() -> None:
    places = [Place(x=float(k), y=float(k % 7), strategy=k % 3) for k in range(60)]
    svg = str(scatter(places, "<b>", family="Document Sans"))
    assert svg.count("M") == 60 + 1  # and the frame
    assert re.findall(r">(\d)</text>", svg) == ["1", "2", "3"]
    assert "<title>&lt;b&gt;</title>" in svg
    alone = str(
        scatter([item.model_copy(update={"strategy": 0}) for item in places], "A title.", family="Document Sans")
    )
    assert "</text>" not in alone
