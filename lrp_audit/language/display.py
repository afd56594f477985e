"""How a column's value is shown to a person: code labels, units, thousands, true minus signs."""

from __future__ import annotations

import math
import numbers

import pandas as pd

from lrp_audit.language.locales import MINUS, currency_code, localized, money, percentage
from lrp_audit.language.messages import ENGLISH, Messages, message
from lrp_audit.records.record import Outcome
from lrp_audit.settings.sections import ColumnSection

__all__ = ["MINUS", "MISSING", "code", "number", "plain", "scale_name", "show"]

MISSING = message("not given")
_SCALES = {"probability": message("probability"), "margin": message("margin"), "value": message("value")}


def plain(value: object) -> str | float | int | bool | None:
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
    given = plain(value)
    if given is None:
        return say(MISSING)
    named = column.values.get(code(given))
    if named is not None:
        return named
    if isinstance(given, bool):
        return say("yes") if given else say("no")
    if isinstance(given, str):
        return given
    return _with_unit(number(given, column.decimals, say), column.unit, say)


def number(value: float, decimals: int | None = None, say: Messages = ENGLISH) -> str:
    """A number with thousands separators; without `decimals` at most six significant digits and no trailing zeros."""
    if decimals is not None:
        text = f"{value:,.{decimals}f}"
    elif float(value).is_integer() and abs(value) < 1e15:
        text = f"{int(value):,}"
    elif 1e-4 <= abs(value) < 1e15:
        places = max(0, 5 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{places}f}".rstrip("0").rstrip(".") if places else f"{value:,.0f}"
    else:
        text = f"{value:.6g}"
    return localized(text, say.locale)


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


def _with_unit(text: str, unit: str | None, say: Messages) -> str:
    if unit is None:
        return text
    if (currency := currency_code(unit)) is not None:
        return money(text, currency, say.locale)
    return percentage(text, say.locale) if unit == "%" else f"{text} {unit}"
