"""The heatmap of a text in a terminal: the same bins as on paper, the sign again by underline, numbers in tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.records.text_record import TextEvidence
from lrp_audit.report.heatmap import STRONGEST, Row, TextView, text_view
from lrp_audit.settings.config import AuditConfig

_INK = "#1b1f24"
_LETTERS = {1: "#d9534a", -1: "#4f93d2"}  # weak: coloured letters, which a dark and a light terminal show alike
_TINTS = {3: "#f49f96", 4: "#ec7468", -3: "#93bce8", -4: "#639edb"}  # strong: the tints of the style sheet
_JOINERS = frozenset("\u200c\u200d")  # parts of words and of emoji


def heatmap_terminal(evidence: TextEvidence, config: AuditConfig) -> RenderableType:
    """The section on one text for `rich.console.Console.print`."""
    view, say = text_view(evidence, config), for_reviewers(config)
    numbers = (say("Relevance"), say("Counts"))
    tables = (
        (say("Strongest words"), (say("Word, in its place"),), [_in_place(row) for row in view.words]),
        (say("Strongest sentences"), (), view.sentences),
        (say("What the words stand for"), (say("Words"), say("Found by")), view.families),
        (say("Special categories and prohibited bases named"), (say("Rule"), say("Places")), view.special),
        (say("Where the explained margin is"), (), view.apart),
    )
    return Group(
        Text(view.label, style="bold"),
        *(Text(note, style="dim") for note in view.notes),
        Text(),
        *_scale(view, say),
        Text(),
        *_reading(view),
        *(Padding(_table(title, details, numbers, rows), (0, 0, 1, 0)) for title, details, rows in tables if rows),
    )


def visible(text: str) -> str:
    """`text` with every character that could steer a terminal, or reorder what is read, as its code point."""
    return "".join(character if _harmless(character) else f"[U+{ord(character):04X}]" for character in text)


def _harmless(character: str) -> bool:
    return character in _JOINERS or not unicodedata.category(character).startswith(("C", "Zl", "Zp"))


def _style(bin_: int) -> Style:
    against, strength = bin_ > 0, abs(bin_)
    if bin_ in _TINTS:
        return Style(color=_INK, bgcolor=_TINTS[bin_], underline=against, bold=strength == STRONGEST)
    return Style(color=_LETTERS.get(bin_ // max(strength, 1)), underline=against, bold=strength > 1)


def _scale(view: TextView, say: Messages) -> tuple[Table, Text]:
    swatches = Table.grid(padding=0)
    for _ in view.scale:
        swatches.add_column(width=9, justify="center")
    bins = range(-STRONGEST, STRONGEST + 1)
    swatches.add_row(*(Text(step.limits, _style(bin_)) for bin_, step in zip(bins, view.scale, strict=True)))
    favour, against = say("in favour: coloured"), say("against: coloured and underlined")
    return swatches, Text(favour.ljust(41) + against.rjust(40))


def _reading(view: TextView) -> Sequence[Text]:
    lines = []
    for runs in view.paragraphs:
        line = Text()
        for run in runs:
            line.append(visible(run.text), _style(run.bin))
        lines += [line, Text()]
    return lines


def _in_place(row: Row) -> Row:
    return replace(row, details=(row.before + row.text + row.after,))


def _table(title: str, details: Sequence[str], numbers: tuple[str, str], rows: Sequence[Row]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("", *details):
        table.add_column(name, overflow="fold")
    relevance, counts = numbers
    table.add_column(relevance, justify="right", no_wrap=True)
    table.add_column(counts, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in (row.text, *row.details, row.number, row.side)))
    return table
