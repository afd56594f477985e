"""Numbers and dates as documents print them, in the language of `say`: true minus signs, signs on contributions."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

from lrp_audit.language.display import number
from lrp_audit.language.messages import ENGLISH, Messages, message

NOT_SUPPLIED = message("not supplied")


def long_date(date: dt.date, say: Messages = ENGLISH) -> str:
    """`March 3, 2026`."""
    return say.date(date)


def maybe_date(date: dt.date | None, say: Messages = ENGLISH) -> str:
    return say(NOT_SUPPLIED) if date is None else say.date(date)


def decimals_for(values: Iterable[float]) -> int:
    """Decimals that give the largest of `values` three significant digits, at least 0 and at most 9."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest == 0:
        return 2
    return min(9, max(0, 2 - math.floor(math.log10(largest))))


def signed(value: float, decimals: int, say: Messages = ENGLISH) -> str:
    """A contribution: its sign is always printed, `+` toward the adverse outcome."""
    if abs(value) >= 1e15:
        return say.number(value, "+.3e").replace("e+", "e")
    text = say.number(value, f"+,.{decimals}f")
    zero = not any(digit in "123456789" for digit in text)
    return text[1:] if zero else text


def measure(value: float | int | str | bool, say: Messages = ENGLISH) -> str:
    """A measured quantity of a check, whatever its type."""
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, str):
        return value
    return number(float(f"{value:.4g}") if isinstance(value, float) else value, say=say)


def exact(value: float, say: Messages = ENGLISH) -> str:
    """A number with ten significant digits, no separators of thousands."""
    return say.number(value, ".10g")


def scientific(value: float, say: Messages = ENGLISH) -> str:
    """A rounding error: `3.1e−15`, and `0` for none."""
    return "0" if value == 0 else say.number(value, ".1e").replace("e−0", "e−").replace("e+0", "e+")


def percent(share: float, say: Messages = ENGLISH) -> str:
    """A share of one as a whole percentage."""
    return say.percent(share)


def days(count: int, say: Messages = ENGLISH) -> str:
    return say.plural("{count} day", "{count} days", count)


def clip(text: str, length: int) -> str:
    """`text` with white space collapsed, cut at `length` characters; what was cut off is in the attached record."""
    words = " ".join(text.split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"
