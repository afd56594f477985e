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

from lrp_audit.language.messages import ENGLISH, Messages
from lrp_audit.report.formats import decimals_for, signed
from lrp_audit.report.svg import AGAINST, FAVOUR, HOLLOW, INK, RULE, TINT, opening, pt


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
    grid = "".join(f"M{pt(width * part)} 0V{pt(height)}" for part in (0.0, 0.25, 0.75, 1.0))
    shapes = [
        opening(title, width, height),
        f'<path d="{grid}" stroke="{RULE}" stroke-width=".3" stroke-dasharray="1 2" fill="none"/>',
    ]
    thickness = row * 5 / 9
    against, favour = "", ""
    for index, value in enumerate(values):
        length = abs(value) / scale * middle
        top = row * index + (row - thickness) / 2
        if value > 0:
            against += f"M{pt(middle)} {pt(top)}h{pt(length)}v{pt(thickness)}h{pt(-length)}z"
        elif value < 0:
            favour += f"M{pt(middle)} {pt(top)}h{pt(-length)}v{pt(thickness)}h{pt(length)}z"
    if against:
        shapes.append(f'<path d="{against}" fill="{AGAINST}"/>')
    if favour:
        shapes.append(f'<path d="{favour}" fill="{HOLLOW}" stroke="{FAVOUR}" stroke-width=".8"/>')
    shapes.append(f'<path d="M{pt(middle)} 0V{pt(height)}" stroke="{INK}" stroke-width=".8" fill="none"/></svg>')
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
        opening(title, width, height, f' font-family="{escape(family)}" font-size="8" fill="{INK}"'),
        f'<path d="M{pt(cut)} {pt(axis - 6)}H{pt(width)}V{pt(axis + 6)}H{pt(cut)}z" fill="{TINT}"/>',
        f'<path d="M0 {pt(axis)}H{pt(width)}" stroke="{RULE}" stroke-width=".8" fill="none"/>',
        f'<path d="M{pt(cut)} {pt(axis)}H{pt(here)}" stroke="{colour}" stroke-width="3" fill="none"/>',
        f'<path d="M{pt(cut)} {pt(axis - 10)}V{pt(axis + 8)}" stroke="{INK}" stroke-width="1.4" fill="none"/>',
        _label(cut, axis - 13, say("cutoff {value}", value=signed(marks.cutoff, decimals, say)), width),
        f'<path d="M{pt(here)} {pt(axis - 5)}l5 5l-5 5l-5 -5z" fill="{colour}"/>',
        _label(here, axis + 17, say("this applicant {value}", value=signed(marks.applicant, decimals, say)), width),
    ]
    if marks.reference is not None:
        there = x(marks.reference)
        circle = f'<circle cx="{pt(there)}" cy="{pt(axis)}" r="3.5" fill="#fff" stroke="{INK}" stroke-width="1.2"/>'
        text = say("reference mean {value}", value=signed(marks.reference, decimals, say))
        crowded = abs(there - here) < 150  # then the cutoff is far from both, and the line above is free
        parts += [circle, _label(there, axis - 13 if crowded else axis + 17, text, width)]
    return Markup("".join(parts) + "</svg>")


def _label(x: float, y: float, text: str, width: float) -> str:
    """Text centred on `x`, or set flush where it would leave the drawing."""
    margin = len(text) * 2.2
    anchor = "start" if x < margin else "end" if x > width - margin else "middle"
    return f'<text x="{pt(x)}" y="{pt(y)}" text-anchor="{anchor}">{escape(text)}</text>'
