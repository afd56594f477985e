"""Numbers and dates as documents print them: true minus signs, signs on contributions, months in words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

from lrp_audit.display import MINUS, number

NOT_SUPPLIED = "not supplied"
# No locale's names: a document is the same everywhere.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def long_date(date: dt.date) -> str:
    """`March 3, 2026`."""
    return f"{_MONTHS[date.month - 1]} {date.day}, {date.year}"


def maybe_date(date: dt.date | None) -> str:
    return NOT_SUPPLIED if date is None else long_date(date)


def decimals_for(values: Iterable[float]) -> int:
    """Decimals that give the largest of `values` three significant digits, at least 0 and at most 9."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest == 0:
        return 2
    return min(9, max(0, 2 - math.floor(math.log10(largest))))


def signed(value: float, decimals: int) -> str:
    """A contribution: its sign is always printed, `+` toward the adverse outcome."""
    if abs(value) >= 1e15:
        return f"{value:+.3e}".replace("e+", "e").replace("-", MINUS)
    text = f"{value:+,.{decimals}f}"
    zero = not any(digit in "123456789" for digit in text)
    return (text[1:] if zero else text).replace("-", MINUS)


def measure(value: float | int | str | bool) -> str:
    """A measured quantity of a check, whatever its type."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return number(float(f"{value:.4g}")) if isinstance(value, float) else number(value)


def exact(value: float) -> str:
    """A number with ten significant digits, no separators."""
    return f"{value:.10g}".replace("-", MINUS)


def scientific(value: float) -> str:
    """A rounding error: `3.1e−15`, and `0` for none."""
    return "0" if value == 0 else f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e+").replace("-", MINUS)


def percent(share: float) -> str:
    """A share of one as a whole percentage."""
    return f"{share * 100:.0f}%".replace("-", MINUS)


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def clip(text: str, length: int) -> str:
    """`text` with white space collapsed, cut at `length` characters; what was cut off is in the attached record."""
    words = " ".join(text.split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"
