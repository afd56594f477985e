"""Decisions in a plane, where near ones rest on the same inputs. Every strategy has a mark of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from lrp_audit.records.aggregates import Place
from lrp_audit.report.svg import AGAINST, FAVOUR, INK, RULE, opening, path, pt

WIDTH, HEIGHT = 400.0, 300.0
_EDGE = 12.0  # that no mark crosses
_STYLES = (  # colour is a second cue: shapes take turns too
    f'fill="{AGAINST}"', 'fill="#8a929c"', f'fill="{FAVOUR}"', f'fill="#fff" stroke="{INK}" stroke-width=".6"',
)  # fmt: skip


def scatter(places: Sequence[Place], title: str, *, family: str) -> Markup:
    """Every decision as a mark, and the number of every strategy, from 1, at its middle; no numbers where all are one.

    Args:
        places: the decisions.
        title: the sentence that says what the drawing shows.
        family: font family of the numbers, since SVG text does not inherit the page's.
    """
    points = np.array([(place.x, place.y) for place in places])
    low, span = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-12)
    spread = (points - low) / span * (WIDTH - 2 * _EDGE, HEIGHT - 2 * _EDGE) + _EDGE
    numbers = np.array([place.strategy for place in places])
    kinds = sorted({place.strategy for place in places})
    marks, names = "", ""
    for kind in kinds:
        own = spread[numbers == kind]
        shape = "".join(_mark(x, y, kind) for x, y in own.tolist())
        marks += path(shape, _STYLES[kind % len(_STYLES)] if len(kinds) > 1 else _STYLES[1])
        x, y = np.median(own, axis=0).tolist()
        if len(kinds) > 1:
            names += (
                f'<circle cx="{pt(x)}" cy="{pt(y)}" r="8" fill="#fff" stroke="{INK}" stroke-width=".8"/>'
                f'<text x="{pt(x)}" y="{pt(y + 3.5)}" text-anchor="middle">{kind + 1}</text>'
            )
    frame = f'<path d="M0 0H{pt(WIDTH)}V{pt(HEIGHT)}H0z" fill="none" stroke="{RULE}" stroke-width=".8"/>'
    font = f' font-family="{escape(family)}" font-size="10" font-weight="600" fill="{INK}"'
    return Markup(opening(title, WIDTH, HEIGHT, font) + frame + marks + names + "</svg>")


def _mark(x: float, y: float, kind: int) -> str:
    """A circle, diamond or triangle of about the same area."""
    if kind % 3 == 0:
        return f"M{pt(x - 2)} {pt(y)}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z"
    if kind % 3 == 1:
        return f"M{pt(x)} {pt(y - 2.4)}l2.4 2.4l-2.4 2.4l-2.4 -2.4z"
    return f"M{pt(x)} {pt(y - 2.6)}l2.6 4.4h-5.2z"
