"""What the command line shows: signed bars, the summary of a run, a progress bar. Colour is only ever a second cue."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from lrp_audit.records.record import ColumnContribution, Conservation, Record, Refusal

BAR_WIDTH = 8  # cells on each side of zero
AGAINST, FAVOUR = "red", "blue"
_HALVES = {"utf": ("█", "▌", "▐"), "ascii": ("#", "#", "#")}

Item = TypeVar("Item")


def printable(text: str) -> str:
    """Text from a table or a file name with its control characters shown, so that it cannot steer the terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text
    )


def aside(sentence: str) -> None:
    """A sentence on stderr; text from files cannot steer the terminal."""
    typer.echo("\n".join(printable(line) for line in sentence.split("\n")), err=True)


@contextlib.contextmanager
def progress(items: Iterable[Item], total: int, title: str) -> Iterator[Iterator[Item]]:
    """The items, counted by a bar on stderr where that is a terminal."""
    with _bar() as bar:
        yield iter(bar.track(items, total=total, description=title))


@contextlib.contextmanager
def counter(total: int, title: str) -> Iterator[Callable[[], None]]:
    """A function to call after each of `total` steps, counted by the same bar."""
    with _bar() as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def decision_table(record: Record, console: Console, most: int) -> Table:
    """One decision: what counted against and in favour, the strongest first, with a symmetric scale."""
    shown = strongest(record.contributions, most)
    scale = max((abs(item.relevance) for item in shown), default=0.0)
    table = Table(title=Text(headline(record), style="bold"), title_justify="left", box=None, pad_edge=False)
    table.add_column("input", ratio=1)
    table.add_column("applicant", justify="right", max_width=16, overflow="fold")
    table.add_column("reference", justify="right", max_width=16, overflow="fold")
    table.add_column("favour".center(BAR_WIDTH) + "|" + "against".center(BAR_WIDTH), no_wrap=True)
    table.add_column("relevance", justify="right", no_wrap=True)
    glyphs = _HALVES["utf" if console.encoding.startswith("utf") else "ascii"]
    for item in shown:
        table.add_row(
            Text(printable(item.label)),
            Text(printable(item.display)),
            Text(printable(item.reference_display)),
            bar(item.relevance, scale, glyphs),
            f"{item.relevance:+.4f}",
        )
    return table


def strongest(contributions: Sequence[ColumnContribution], most: int) -> list[ColumnContribution]:
    """The `most` largest contributions of either sign, most adverse first."""
    chosen = sorted(contributions, key=lambda item: (-abs(item.relevance), item.column))[:most]
    return sorted(chosen, key=lambda item: (-item.relevance, item.column))


def bar(value: float, scale: float, glyphs: tuple[str, str, str]) -> Text:
    """A bar from the middle: to the right against the applicant, to the left in favour."""
    full, left_half, right_half = glyphs
    halves = round(2 * BAR_WIDTH * abs(value) / scale) if scale else 0
    cells = full * (halves // 2)
    if value >= 0:
        right = cells + left_half * (halves % 2)
        return Text(" " * BAR_WIDTH + "|").append(right.ljust(BAR_WIDTH), style=AGAINST)
    left = right_half * (halves % 2) + cells
    return Text(left.rjust(BAR_WIDTH), style=FAVOUR).append("|" + " " * BAR_WIDTH, style="default")


def headline(record: Record) -> str:
    """One line on a decision: its id, and its score against the cutoff."""
    name = printable(record.decision.id)
    outcome = record.outcome
    if outcome is None:
        return f"{name}: not scored"
    side = "adverse" if outcome.adverse else "not adverse"
    return f"{name}: {outcome.cutoff_on} {outcome.score:.4g} against a cutoff of {outcome.cutoff:.4g}, {side}"


def sum_line(record: Record, shown: int) -> str:
    """What the bars add up to, and whether that is what was to be explained."""
    books = record.conservation
    if books is None:
        why = "" if record.refusal is None else f" {record.refusal.state}: {printable(record.refusal.evidence)}"
        return f"Not explained.{why}"
    hidden = len(record.contributions) - shown
    more = f" and {hidden} smaller ones" if hidden > 0 else ""
    constants = math.fsum(books.sinks.values())
    sinks = f", constants of the model (bias and the like) add {constants:+.4f}" if constants else ""
    return (
        f"These{more} sum to {books.attributed:+.4f}{sinks}; explained: {books.explained:+.4f}, {_explained(record)}. "
        f"Residual {books.residual:.1e}, {conserved(books)}."
    )


def _explained(record: Record) -> str:
    reference = record.reference
    if reference is None or not reference.population:
        return "the margin itself"
    return f"the margin less that of the reference ({reference.name}, {reference.population} people)"


def conserved(books: Conservation) -> str:
    """Whether the relevance sums to what it explains, to rounding."""
    within = abs(books.residual) <= books.tolerance
    return "within rounding: conserved" if within else f"beyond the tolerance of {books.tolerance:.1e}: NOT conserved"


def summary_table(documents: dict[str, int], refusals: Iterable[Refusal | None]) -> Table:
    """The end of a run: documents written, and how many decisions ended in each refusal state."""
    states = Counter(refusal.state for refusal in refusals if refusal is not None)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in documents.items():
        table.add_row(name, str(count), style="bold")
    if states:
        table.add_row("no letter", str(states.total()), style="bold")
    for state, count in sorted(states.items(), key=lambda entry: (-entry[1], entry[0])):
        table.add_row(f"  {state}", str(count))
    return table
