"""The way from the reference's score to this one, family by family, with the cutoff between the two outcomes (CA-06).

The axis is the margin, symmetric about the cutoff: what lies right of the middle is adverse. A step to the right is
red and solid, one to the left blue and hollow, and each lies on its row of the table that says it in numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from markupsafe import Markup

from lrp_audit.language.messages import Messages
from lrp_audit.records.record import Record
from lrp_audit.report.formats import clip, decimals_for, signed
from lrp_audit.report.svg import AGAINST, FAVOUR, HOLLOW, INK, RULE, TINT, opening, path, pt

MOST_STEPS = 12  # families with a row of their own
WIDTH, ROW = 230.0, 14.0  # points, as in audit/waterfall.css
_ROOM = 1.04  # between the farthest value and the end of the axis


@dataclass(frozen=True)
class StepRow:
    """One row: what moved the margin, by how much, and where it then stood."""

    label: str
    change: str
    after: str


@dataclass(frozen=True)
class Waterfall:
    """The drawing that lies on its own table, with the printed ends of the scale and its middle, the cutoff."""

    drawing: Markup
    rows: tuple[StepRow, ...]
    low: str
    cutoff: str
    high: str


def waterfall(record: Record, say: Messages) -> Waterfall | None:
    """The waterfall of a record; None where it explains no score."""
    outcome, books = record.outcome, record.conservation
    if outcome is None or books is None or not record.families:
        return None
    steps = _steps(record, say)
    start = outcome.margin - math.fsum(change for _, change in steps)
    levels = [start, *(start + passed for passed in accumulate(change for _, change in steps))]
    reach = _ROOM * (max(abs(level - outcome.cutoff_margin) for level in levels) or 1.0)
    decimals = decimals_for([*levels, outcome.cutoff_margin])
    low, high = (signed(outcome.cutoff_margin + side * reach, decimals, say) for side in (-1, 1))
    ends = [signed(level, decimals, say) for level in (start, outcome.margin)]
    cutoff = signed(outcome.cutoff_margin, decimals, say)
    begin = say("Reference mean") if record.reference is None or record.reference.members else say("From zero")
    rows = [StepRow(begin, "", ends[0])]
    for (label, change), level in zip(steps, levels[1:], strict=True):
        rows.append(StepRow(clip(label, 60), signed(change, decimals, say), signed(level, decimals, say)))
    title = say(
        "From {reference} for the reference to {score} for this applicant in {count} steps; the cutoff in the middle "
        "is {cutoff}, adverse to its right; the scale runs from {low} to {high}.",
        reference=ends[0], score=ends[1], count=len(steps), cutoff=cutoff, low=low, high=high,
    )  # fmt: skip
    drawing = steps_drawing([level - outcome.cutoff_margin for level in levels], reach, title)
    return Waterfall(drawing, tuple(rows), low, cutoff, high)


def _steps(record: Record, say: Messages) -> list[tuple[str, float]]:
    """Label and change, most adverse first: the strongest families, all others together, and what reached no input."""
    strongest = sorted(record.families, key=lambda family: (-abs(family.relevance), family.family))
    own = {family.family for family in strongest[:MOST_STEPS]}
    steps = [(family.label, family.relevance) for family in record.families if family.family in own]
    others = [family.relevance for family in record.families if family.family not in own]
    if others:
        label = say.plural("{count} other family", "{count} other families", len(others))
        steps.append((label, math.fsum(others)))
    books = record.conservation
    if books is not None and books.sinks:
        steps.append((say("Reached no input"), math.fsum(books.sinks.values())))
    if books is not None and abs(books.residual) > books.tolerance:
        steps.append((say("Residual"), books.residual))
    return steps


def steps_drawing(levels: Sequence[float], reach: float, title: str) -> Markup:
    """Steps between successive levels, one per row below the row of the first level.

    Args:
        levels: measured from the cutoff, the first being where the way begins.
        reach: what either end of the axis stands for; at least the largest absolute level.
        title: the sentence that says what the drawing shows.
    """
    middle, height = WIDTH / 2, ROW * len(levels)
    places = [middle + level / reach * middle for level in levels]
    thick, gap = ROW / 2, ROW / 4
    against = favour = links = ""
    for row, (before, after) in enumerate(pairwise(places), start=1):
        bar = f"M{pt(before)} {pt(row * ROW + gap)}H{pt(after)}v{pt(thick)}H{pt(before)}z"
        against, favour = (against + bar, favour) if after >= before else (against, favour + bar)
        links += f"M{pt(before)} {pt((row - 1) * ROW + gap)}V{pt(row * ROW + gap + thick)}"
    begin = f'<circle cx="{pt(places[0])}" cy="{pt(ROW / 2)}" r="3" fill="#fff" stroke="{INK}" stroke-width="1.2"/>'
    return Markup("".join([
        opening(title, WIDTH, height),
        path(f"M{pt(middle)} 0H{pt(WIDTH)}V{pt(height)}H{pt(middle)}z", f'fill="{TINT}"'),
        path(links, f'stroke="{RULE}" stroke-width=".5" fill="none"'),
        path(against, f'fill="{AGAINST}"'),
        path(favour, f'fill="{HOLLOW}" stroke="{FAVOUR}" stroke-width=".8"'),
        path(f"M{pt(middle)} 0V{pt(height)}", f'stroke="{INK}" stroke-dasharray="3 1.5" fill="none"'),
        begin,
        "</svg>",
    ]))  # fmt: skip
