"""The approved words of a letter that explains: of its type where that has its own, else those all types share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from babel import Locale
from markupsafe import Markup

from lrp_audit.errors import ReportError
from lrp_audit.language import texts
from lrp_audit.language.locales import locale_of, localized, long_date
from lrp_audit.language.texts import Texts
from lrp_audit.report.slots import Slot, filled
from lrp_audit.settings.config import AuditConfig

KINDS: Mapping[str, str] = MappingProxyType({"eu-letter": "eu", "uk-letter": "uk"})  # letter -> prefix of its own texts

HEADINGS = (
    "decision",
    "how",
    "elements",
    "alternatives",
    "data",
    "database",
    "meaning",
    "rights",
    "item",
    "value",
    "source",
)


@dataclass(frozen=True)
class Words:
    """Texts, headings and formats in the language of one letter. A call fills a text's slots."""

    kind: str
    texts: Texts
    locale: Locale

    def __call__(self, name: str, /, **values: Slot) -> Markup:
        """The text `<kind>-<name>`, else `letter-<name>`. Raises ReportError where there is neither."""
        own = self.texts.legal.get(f"{self.kind}-{name}")
        return filled(self.texts[f"letter-{name}"] if own is None else own, **values)

    def shared(self, name: str, /, **values: Slot) -> Markup:
        """A text of all letters, the US notice among them."""
        return filled(self.texts[name], **values)

    @property
    def headings(self) -> Mapping[str, Markup]:
        """Heading by name, of sections and of the columns of the table of data."""
        return {name: self(f"heading-{name}") for name in HEADINGS}

    @property
    def language(self) -> str:
        """Language code, as `lang` attributes take it."""
        return str(self.locale).replace("_", "-")

    def date(self, date: dt.date) -> str:
        """A date with its month in words, on one line."""
        return long_date(date, self.locale).replace(" ", "\N{NO-BREAK SPACE}")

    def number(self, count: int) -> str:
        """A whole number."""
        return localized(f"{count:,}", self.locale)


def words(config: AuditConfig) -> Words:
    """The words of the letter that audit.toml names.

    Raises:
        ConfigError: there are no texts in the language.
        ReportError: there are, but not of this letter.
    """
    letter, language = config.documents.letter, config.documents.language
    found = Words(KINDS[letter], texts.load(language), locale_of(language, letter))
    if not exists(found.texts, letter):
        raise ReportError(f"documents.language: there is no {letter} in '{language}'; set another language.")
    return found


def exists(legal: Texts, letter: str) -> bool:
    """Whether texts in a language cover a letter that explains."""
    return f"{KINDS[letter]}-rights" in legal.legal
