"""Numbers, currencies and dates as a locale writes them (CLDR, by Babel); the machine's own locale plays no part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from string import digits
from types import MappingProxyType

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date
from babel.numbers import get_currency_symbol

from lrp_audit.errors import ReportError

MINUS = "\N{MINUS SIGN}"
_NO_BREAK = "\N{NO-BREAK SPACE}"
# Letter -> language -> territory, where the language alone would not give the one its readers live in.
_TERRITORIES: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "us-notice": {"en": "US", "es": "US"},
    "uk-letter": {"en": "GB"},
    "eu-letter": {"en": "IE"},
})  # fmt: skip
_SIGNS = MappingProxyType({"$": "USD", "€": "EUR", "£": "GBP"})


def locale_of(language: str, letter: str) -> Locale:
    """The locale of a language code for readers of a letter; a region in the code (`de-AT`) comes first.

    Raises:
        ReportError: CLDR has no such locale.
    """
    territory = _TERRITORIES.get(letter, {}).get(language)
    try:
        return Locale.parse(language if territory is None else f"{language}-{territory}", sep="-")
    except (UnknownLocaleError, ValueError):
        raise ReportError(f"There is no language '{language}'; a code is such as 'de' or 'de-AT'.") from None


def localized(text: str, locale: Locale) -> str:
    """A number as Python formats it (`-1,234.5`), with the locale's separators and a true minus sign."""
    return text.translate(separators(locale))


def percentage(text: str, locale: Locale) -> str:
    """A localized number as a percentage, spaced as the locale spaces it."""
    return f"{text}{locale.percent_formats[None].suffix[0]}"


def currency_code(unit: str) -> str | None:
    """ISO 4217 code that a unit names: `$`, `€`, `£`, or the code itself; None for any other unit."""
    code = _SIGNS.get(unit, unit)
    return code if code in get_global("all_currencies") else None


def affixes(unit: str | None, locale: Locale) -> tuple[str, str]:
    """What a unit puts between sign and digits of a localized number, and after them: `−$5`, `−5 €`, `5 months`."""
    if unit is None:
        return "", ""
    currency = currency_code(unit)
    if currency is None:
        return "", percentage("", locale) if unit == "%" else f" {unit}"
    symbol, pattern = get_currency_symbol(currency, locale), locale.currency_formats["standard"]
    before, after = (affix[0].replace("¤", symbol) for affix in (pattern.prefix, pattern.suffix))
    return f"{before}{_NO_BREAK}" if before and before[-1].isalpha() else before, after


def long_date(date: dt.date, locale: Locale) -> str:
    """`March 3, 2026`, `3 March 2026`, `3. März 2026`."""
    return format_date(date, "long", locale=locale)


@lru_cache(maxsize=32)
def separators(locale: Locale) -> dict[int, str]:
    """The marks of a number as Python formats it -> those of the locale, for `str.translate`.

    Digits stay; they are listed since `translate` takes twice as long over what it has to look for in vain.
    """
    symbols = locale.number_symbols["latn"]
    return {ord(","): symbols["group"], ord("."): symbols["decimal"], ord("-"): MINUS} | {
        ord(digit): digit for digit in digits
    }
