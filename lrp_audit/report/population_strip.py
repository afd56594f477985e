"""Where an applicant stands among the reference population, column by column: aggregates of at least 50 people only.

Every row has its own scale: a box from the first to the third quarter of the population, a line from its tenth to its
ninetieth percent, a tick at the median, and a diamond at the applicant, which is solid and red where the column counted
against, hollow and blue where it counted in favour. An applicant far outside stands at the end, and the table says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lrp_audit.language.messages import Messages
from lrp_audit.records.record import ColumnContribution, Record, Spread
from lrp_audit.report.formats import clip, measure
from lrp_audit.report.svg import AGAINST, FAVOUR, HOLLOW, INK, RULE, opening, path, pt

MOST_ROWS = 12
WIDTH, ROW = 120.0, 14.0  # points, as in audit/document.css
_HALF = 4.0  # of the diamond


@dataclass(frozen=True)
class StripRow:
    """One column: the applicant's value, and the population's tenth, half and ninetieth percent."""

    label: str
    applicant: str
    tenth: str
    median: str
    nine_tenths: str
    place: str  # where the applicant stands, in words


@dataclass(frozen=True)
class Strip:
    """The drawing that lies on its own table, and how many people stand behind it."""

    drawing: Markup
    rows: tuple[StripRow, ...]
    people: int


def population_strip(record: Record, say: Messages) -> Strip | None:
    """The strongest columns of numbers against the population; None where there is none to show."""
    strongest = sorted(record.contributions, key=lambda item: (-abs(item.relevance), item.column))
    known = [(item, item.spread, _number(item)) for item in strongest]
    shown = [(item, spread, value) for item, spread, value in known if spread is not None and value is not None]
    if not shown:
        return None
    shown = shown[:MOST_ROWS]
    title = say(
        "Where this applicant stands in the reference population on {count} columns, each on a scale of its own: "
        "{inside} of the values lie between the population's tenth and ninetieth percent.",
        count=len(shown),
        inside=sum(spread.tenth <= value <= spread.nine_tenths for _, spread, value in shown),
    )
    return Strip(
        drawing=strip_drawing([(spread, value, item.relevance > 0) for item, spread, value in shown], title),
        rows=tuple(_row(item, spread, value, say) for item, spread, value in shown),
        people=min(spread.people for _, spread, _ in shown),
    )


def _number(item: ColumnContribution) -> float | None:
    known = isinstance(item.value, (int, float)) and not isinstance(item.value, bool) and not item.missing
    return float(item.value) if known else None  # type: ignore[arg-type]


def _row(item: ColumnContribution, spread: Spread, value: float, say: Messages) -> StripRow:
    if value < spread.tenth:
        place = say("lowest tenth")
    elif value > spread.nine_tenths:
        place = say("highest tenth")
    else:
        place = say("lower half") if value < spread.median else say("upper half")
    return StripRow(
        label=clip(item.label, 60),
        applicant=clip(item.display, 40),
        tenth=measure(spread.tenth, say),
        median=measure(spread.median, say),
        nine_tenths=measure(spread.nine_tenths, say),
        place=place,
    )


def strip_drawing(rows: Sequence[tuple[Spread, float, bool]], title: str) -> Markup:
    """One row each of spread, the applicant's value, and whether the column counted against."""
    whiskers = boxes = medians = against = favour = ""
    for index, (spread, value, adverse) in enumerate(rows):
        middle = index * ROW + ROW / 2
        tenth, quarter, median, three_quarters, nine_tenths, here = (
            place(number, spread)
            for number in (
                spread.tenth, spread.quarter, spread.median, spread.three_quarters, spread.nine_tenths, value
            )
        )  # fmt: skip
        whiskers += f"M{pt(tenth)} {pt(middle)}H{pt(nine_tenths)}"
        boxes += f"M{pt(quarter)} {pt(middle - 3)}H{pt(three_quarters)}v6H{pt(quarter)}z"
        medians += f"M{pt(median)} {pt(middle - 4.5)}v9"
        diamond = f"M{pt(here)} {pt(middle - _HALF)}l{_HALF:g} {_HALF:g}l-{_HALF:g} {_HALF:g}l-{_HALF:g} -{_HALF:g}z"
        against, favour = (against + diamond, favour) if adverse else (against, favour + diamond)
    return Markup("".join([
        opening(title, WIDTH, ROW * len(rows)),
        path(whiskers, f'stroke="{RULE}" fill="none"'),
        path(boxes, f'fill="#fff" stroke="{RULE}"'),
        path(medians, f'stroke="{INK}" fill="none"'),
        path(against, f'fill="{AGAINST}"'),
        path(favour, f'fill="{HOLLOW}" stroke="{FAVOUR}"'),
        "</svg>",
    ]))  # fmt: skip


def place(number: float, spread: Spread) -> float:
    """Where a number lies on its row, whose ends are half a width of the middle eighty percent beyond these."""
    width = spread.nine_tenths - spread.tenth
    width = width if width > 0 else abs(spread.median) or 1.0
    share = (number - (spread.tenth - width / 2)) / (2 * width) if abs(number) <= 1e300 else float(number > 0)
    return _HALF + min(1.0, max(0.0, share)) * (WIDTH - 2 * _HALF)
