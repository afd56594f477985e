"""A report as sections of lines, notes and tables, and the page that prints them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.records.record import Frozen, canonical, digest
from lrp_audit.report.batch_report import MOST_LISTED
from lrp_audit.report.fonts import faces, with_code_points
from lrp_audit.report.formats import clip
from lrp_audit.report.look import look
from lrp_audit.report.render import Source, to_html, to_pdf
from lrp_audit.report.standing import Fact
from lrp_audit.settings.config import AuditConfig

ATTACHED = "record.json"  # the report's own attachment
MOST_CHARACTERS = 400  # of one cell
_NO_DATE = dt.date(1970, 1, 1)  # of the attached file, where a report has no date at all


@dataclass(frozen=True)
class Table:
    """Rows of texts under a head; the first cell of a row names it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A table whose second column is a drawing, or whose cells lie on one; `kind` is its class in base/report.css."""

    kind: Literal["swarm", "bars", "shades"]
    drawing: Markup
    head: tuple[str, ...]  # of the cells; without the drawing
    rows: tuple[tuple[str, ...], ...]
    ends: tuple[str, ...] = ()  # of the drawing's scale


@dataclass(frozen=True)
class Figure:
    """A drawing by itself, with the sentence below it."""

    drawing: Markup
    caption: str


@dataclass(frozen=True)
class Section:
    title: str
    notes: tuple[str, ...] = ()
    lines: tuple[Fact, ...] = ()
    tables: tuple[Table, ...] = ()
    listed: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Printed:
    """What a page prints: its heading, the digest of the report it shows, and the sections."""

    title: str
    sha256: str
    sections: tuple[Section, ...]


def table(
    head: Sequence[str],
    rows: Iterable[tuple[str, ...]],
    say: Messages,
    *,
    of: int | None = None,
    rest: str = "decisions.csv",
    most: int = MOST_LISTED,
) -> tuple[tuple[Table, ...], tuple[str, ...]]:
    """A table, and a note where it is cut; no table without rows.

    Args:
        head: the names of its columns.
        rows: their cells; the first ones where there are too many to print.
        say: the reader's language.
        of: how many rows there are; default: as many as are given.
        rest: the file that has all of them.
        most: rows on paper.
    """
    found = tuple(tuple(clip(cell, MOST_CHARACTERS) for cell in row) for row in rows)
    shown, count = found[:most], len(found) if of is None else of
    note = say(
        "{title}: the first {shown} of {count} are printed; {file} has all of them.",
        title=head[0],
        shown=say.number(len(shown), ","),
        count=say.number(count, ","),
        file=rest,
    )
    return (Table(tuple(head), shown),) if shown else (), (note,) if len(shown) < count else ()


def html(printed: Printed, folder: str, config: AuditConfig, *, styled: bool) -> str:
    """The page; characters that no document font has are shown as code points."""
    page = to_html(folder, {"report": printed}, say=for_reviewers(config), styled=styled, look=look(config))
    return with_code_points(page, config)


def pdf(printed: Printed, report: Frozen, folder: str, config: AuditConfig, date: dt.date | None) -> bytes:
    """PDF/A-3a and PDF/UA-1, with the canonical report attached (AFRelationship Source).

    Raises:
        ReportError: a font cannot be used, or the document is too long.
    """
    say = for_reviewers(config)
    return to_pdf(
        html(printed, folder, config, styled=False),
        folder,
        faces(config),
        identifier=digest(report),
        source=Source(
            content=canonical(report), description=say("Canonical report (RFC 8785 JSON)"), date=date or _NO_DATE
        ),
        look=look(config),
    )
