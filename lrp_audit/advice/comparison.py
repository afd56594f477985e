"""The comparison of rules and references as the command line shows it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.table import Table

from lrp_audit.advice.advise import Advice
from lrp_audit.advice.outcomes import Measured, mean

_UNKNOWN = "–"


def comparison(found: Advice) -> Table:
    """A row for every choice; the recommended one in bold."""
    table = Table(box=None, pad_edge=False)
    table.add_column("rules", no_wrap=True)
    table.add_column("reference", no_wrap=True)
    for head in ("lost", "faithful", "same 4", "rank", "noise", "cost"):
        table.add_column(head, justify="right", no_wrap=True)
    for item in found.measured:
        style = "bold" if item is found.recommended else None
        table.add_row(item.choice.rules, _reference(item), *_cells(item), style=style)
    return table


def _reference(item: Measured) -> str:
    choice = item.choice
    return choice.population if choice.population == "zero" else f"{choice.population} {choice.representation}"


def _cells(item: Measured) -> tuple[str, ...]:
    if item.error is not None:
        return ("cannot be used",)
    return (
        f"{item.lost:.1%}",
        _figure(mean(item.faithful), 2),
        _figure(mean(item.same), 3),
        _figure(item.rank, 3),
        _UNKNOWN if item.noise is None else f"{item.noise:.1%}",
        f"{item.cost:,.0f} x",
    )


def _figure(value: float, decimals: int) -> str:
    return _UNKNOWN if math.isnan(value) else f"{value:.{decimals}f}"


def in_words(found: Advice) -> Iterator[str]:
    """What stands below the table: how to read it, where relevance is lost, what layers ask for, and the choice."""
    against = "leaving out random halves of the words" if found.texts else "Shapley values over the same population"
    yield (
        "\nlost: share that reaches no input; faithful: "
        + (
            "fall of the margin without the strongest words, above random; "
            if found.texts
            else "0 chance, 1 best order; "
        )
        + f"same 4, rank: with {against}; noise: change when inputs move by 1 % of their spread; "
        "cost: in forward passes, by time."
    )
    for item in found.measured:
        for loss in item.losses:
            if loss.decisions > 0:
                yield (
                    f"{item.choice.rules}, {_reference(item)}: at {loss.operator} {loss.lost:.1%} of what arrives is "
                    f"lost or doubled, more than 1 % of it in {loss.decisions:.0%} of the decisions."
                )
        if item.error is not None:
            yield f"{item.choice.rules}, {_reference(item)}: {item.error}"
    yield f"\nThe network: {found.layers}."
    yield from found.sentences
    if found.recommended is None:
        yield "\nNo choice conserves what is explained; none is recommended."
        return
    keys = "; ".join(f'{s}.{k} = "{v}"' for s, section in found.settings().items() for k, v in section.items())
    yield f"\nRecommended: {keys}. It is no worse than the best by more than one standard error, and the cheapest such."
    yield f"Measured on {found.rows} refused rows; digest of the table {found.sha256}."
