"""How a column's value is shown to a person: code labels, units, thousands, true minus signs."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable

import pandas as pd

from lrp_audit.language.locales import MINUS, affixes
from lrp_audit.language.messages import ENGLISH, Messages, message
from lrp_audit.records.record import Outcome
from lrp_audit.settings.sections import ColumnSection

__all__ = ["MINUS", "MISSING", "Plain", "code", "number", "plain", "scale_name", "show", "showing"]

Plain = str | float | int | bool | None  # a cell as a JSON value

MISSING = message("not given")
_SCALES = {"probability": message("probability"), "margin": message("margin"), "value": message("value")}


def plain(value: object) -> Plain:
    """A table cell as a JSON value: None for missing, Python numbers for NumPy's, text for everything else.

    Infinite numbers become text, since a record holds none; half a surrogate pair is written as its escape, since it is
    no character that a file could hold.
    """
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is int and -(2**53) < value < 2**53:
        return value
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return None
    if isinstance(value, bool):
        return value
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, numbers.Integral):
        return int(value) if abs(int(value)) < 2**53 else str(int(value))
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(float(value)) else str(float(value))
    return str(value)


def show(value: object, column: ColumnSection, say: Messages = ENGLISH) -> str:
    """`value` in words: `1234567.5` with unit `$` is `$1,234,567.5`, with unit `months` it is `1,234,567.5 months`."""
    return showing(column, say)(plain(value))


def showing(column: ColumnSection, say: Messages) -> Callable[[Plain], str]:
    """What shows plain values of a column, and has looked up once what is the same for all of them."""
    words, decimals = column.values, column.decimals
    before, after = affixes(column.unit, say.locale)

    def shown(given: Plain) -> str:
        if given is None:
            return say(MISSING)
        named = words.get(code(given)) if words else None
        if named is not None:
            return named
        if isinstance(given, bool):
            return say("yes") if given else say("no")
        if isinstance(given, str):
            return given
        text = number(given, decimals, say)
        if not before and not after:
            return text
        sign = MINUS if text.startswith(MINUS) else ""
        return f"{sign}{before}{text.removeprefix(MINUS)}{after}"

    return shown


def number(value: float, decimals: int | None = None, say: Messages = ENGLISH) -> str:
    """A number with thousands separators; without `decimals` at most six significant digits and no trailing zeros."""
    if decimals is not None:
        text = f"{value:,.{decimals}f}"
    elif abs(value) < 1e15 and value % 1 == 0:
        text = f"{int(value):,}"
    elif 1e-4 <= abs(value) < 1e15:
        places = max(0, 5 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{places}f}".rstrip("0").rstrip(".") if places else f"{value:,.0f}"
    else:
        text = f"{value:.6g}"
    return text.translate(say.separators)


def scale_name(outcome: Outcome, say: Messages = ENGLISH) -> str:
    """What a score is: a probability, a margin or a predicted value."""
    return say(_SCALES[outcome.cutoff_on])


def code(value: str | float | int | bool) -> str:
    """How a code is written as a key of `values`: 1.0 and 1 are the same code."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
