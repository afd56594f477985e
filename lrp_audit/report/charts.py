"""Charts as small SVG drawings of a record's numbers.

`+` is toward the adverse outcome: to the right, red and solid. In favour is to the left, blue and hollow, so that a
copy in greys says the same. Every drawing has a `<title>` that says in a sentence what it shows, which is also its
alternative text in a tagged PDF. Lengths are in points. Drawings of bars hold no text: the table they lie on does,
which reads better and is faster to lay out than SVG text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from lrp_audit.messages import ENGLISH, Messages
from lrp_audit.report.formats import decimals_for, signed

AGAINST = "#b3261e"
FAVOUR = "#1f5fa8"
INK = "#1b1f24"
RULE = "#8a929c"
_HOLLOW = "#e3edf8"


def symmetric_scale(values: Sequence[float]) -> float:
    """The largest absolute value, which both ends of a signed axis stand for; 1 where all are zero."""
    return max((abs(value) for value in values), default=0.0) or 1.0


def contribution_bars(values: Sequence[float], scale: float, title: str, *, width: float, row: float) -> Markup:
    """Signed horizontal bars, one per table row, from a common zero in the middle.

    Args:
        values: from top to bottom.
        scale: what either end of the axis stands for, see `symmetric_scale`.
        title: the sentence that says what the chart shows.
        width: of the drawing.
        row: height of a table row, which a bar takes five ninths of.
    """
    middle, height = width / 2, row * len(values)
    grid = "".join(f"M{_n(width * part)} 0V{_n(height)}" for part in (0.0, 0.25, 0.75, 1.0))
    shapes = [
        _shape(title, width, height),
        f'<path d="{grid}" stroke="{RULE}" stroke-width=".3" stroke-dasharray="1 2" fill="none"/>',
    ]
    thickness = row * 5 / 9
    against, favour = "", ""
    for index, value in enumerate(values):
        length = abs(value) / scale * middle
        top = row * index + (row - thickness) / 2
        if value > 0:
            against += f"M{_n(middle)} {_n(top)}h{_n(length)}v{_n(thickness)}h{_n(-length)}z"
        elif value < 0:
            favour += f"M{_n(middle)} {_n(top)}h{_n(-length)}v{_n(thickness)}h{_n(length)}z"
    if against:
        shapes.append(f'<path d="{against}" fill="{AGAINST}"/>')
    if favour:
        shapes.append(f'<path d="{favour}" fill="{_HOLLOW}" stroke="{FAVOUR}" stroke-width=".8"/>')
    shapes.append(f'<path d="M{_n(middle)} 0V{_n(height)}" stroke="{INK}" stroke-width=".8" fill="none"/></svg>')
    return Markup("".join(shapes))


@dataclass(frozen=True)
class ScoreMarks:
    """Where a decision lies, on the margin's scale; `reference` is None without a reference population."""

    applicant: float
    cutoff: float
    reference: float | None


def score_line(marks: ScoreMarks, title: str, *, family: str, say: Messages = ENGLISH, width: float = 511.0) -> Markup:
    """Reference, cutoff and applicant on one axis; the adverse side is to the right of the cutoff and tinted.

    Args:
        marks: the three margins.
        title: the sentence that says what the chart shows.
        family: font family of the labels, since SVG text does not inherit the page's.
        say: the language of the labels.
        width: of the drawing.
    """
    known = [marks.applicant, marks.cutoff, *([] if marks.reference is None else [marks.reference])]
    low, high = min(known), max(known)
    room = 0.12 * ((high - low) or 1.0)
    low, high = low - room, high + room
    decimals = decimals_for(known)

    def x(value: float) -> float:
        return (value - low) / (high - low) * width

    axis, height, cut, here = 25.0, 44.0, x(marks.cutoff), x(marks.applicant)
    against = marks.applicant >= marks.cutoff
    colour = AGAINST if against else FAVOUR
    parts = [
        _shape(title, width, height, f' font-family="{escape(family)}" font-size="8" fill="{INK}"'),
        f'<path d="M{_n(cut)} {_n(axis - 6)}H{_n(width)}V{_n(axis + 6)}H{_n(cut)}z" fill="#f6e3e1"/>',
        f'<path d="M0 {_n(axis)}H{_n(width)}" stroke="{RULE}" stroke-width=".8" fill="none"/>',
        f'<path d="M{_n(cut)} {_n(axis)}H{_n(here)}" stroke="{colour}" stroke-width="3" fill="none"/>',
        f'<path d="M{_n(cut)} {_n(axis - 10)}V{_n(axis + 8)}" stroke="{INK}" stroke-width="1.4" fill="none"/>',
        _label(cut, axis - 13, say("cutoff {value}", value=signed(marks.cutoff, decimals, say)), width),
        f'<path d="M{_n(here)} {_n(axis - 5)}l5 5l-5 5l-5 -5z" fill="{colour}"/>',
        _label(here, axis + 17, say("this applicant {value}", value=signed(marks.applicant, decimals, say)), width),
    ]
    if marks.reference is not None:
        there = x(marks.reference)
        circle = f'<circle cx="{_n(there)}" cy="{_n(axis)}" r="3.5" fill="#fff" stroke="{INK}" stroke-width="1.2"/>'
        text = say("reference mean {value}", value=signed(marks.reference, decimals, say))
        crowded = abs(there - here) < 150  # then the cutoff is far from both, and the line above is free
        parts += [circle, _label(there, axis - 13 if crowded else axis + 17, text, width)]
    return Markup("".join(parts) + "</svg>")


def _label(x: float, y: float, text: str, width: float) -> str:
    """Text centred on `x`, or set flush where it would leave the drawing."""
    margin = len(text) * 2.2
    anchor = "start" if x < margin else "end" if x > width - margin else "middle"
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(text)}</text>'


def _shape(title: str, width: float, height: float, attributes: str = "") -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" role="img"{attributes}>'
        f"<title>{escape(title)}</title>"
    )


def _n(length: float) -> str:
    """A length with two decimals and no trailing zeros; never `-0`."""
    return f"{round(length, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
