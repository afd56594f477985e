"""Sentences in a reader's language: gettext catalogues, read as they are written (`templates/locale/<language>.po`).

English needs no catalogue: its sentences are the message ids. A sentence that a catalogue lacks is an error, never
English among German. Numbers and dates inside sentences are written by the same object, in the language's locale.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import Translations

from lrp_audit.errors import ReportError
from lrp_audit.language.locales import locale_of, long_date, percentage, separators
from lrp_audit.resources import templates
from lrp_audit.settings.config import AuditConfig

SOURCE_LANGUAGE = "en"
US = "us-notice"
_NAME = re.compile(r"[a-z]{2,3}")


class _Strict(Translations):
    """A catalogue that has every sentence it is asked for."""

    def add_fallback(self, fallback: object) -> None:
        raise NotImplementedError("a catalogue stands alone")

    def gettext(self, message: str) -> str:
        return self._required(super().gettext(message), message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        if (msgid1, self.plural(n)) not in self._catalog:
            self._missing(msgid1)
        return str(super().ngettext(msgid1, msgid2, n))

    def _required(self, found: str, message: str) -> str:
        if message not in self._catalog:
            self._missing(message)
        return str(found)

    def _missing(self, message: str) -> None:
        language = self._info.get("language", "?")
        raise ReportError(
            f"MISSING_LEGAL_TEXT: the catalogue of '{language}' has no translation of '{message}'; add it to "
            f"templates/locale/{language}.po, or set documents.language and documents.audit_language to one that has."
        )


def message(text: str) -> str:
    """A message of a table, marked for the catalogues; it is translated where it is said."""
    return text


@dataclass(frozen=True)
class Messages:
    """Sentences of one language. A call translates a message and fills its `{slots}`.

    `say("{count} people", count=12)`; for plural forms `say.plural("{count} person", "{count} people", 12)`.
    """

    language: str
    locale: Locale
    _catalogue: _Strict | None = field(default=None, repr=False)

    def __call__(self, message: str, /, **values: object) -> str:
        """The sentence in this language. Raises ReportError where its catalogue lacks it."""
        text = message if self._catalogue is None else self._catalogue.gettext(message)
        return text.format(**values) if values else text

    def plural(self, singular: str, plural: str, count: int, /, **values: object) -> str:
        """The form of the sentence that the language uses for `count`, which is also the slot `{count}`."""
        if self._catalogue is None:
            text = singular if count == 1 else plural
        else:
            text = self._catalogue.ngettext(singular, plural, count)
        return text.format(count=self.number(count, ","), **values)

    def number(self, value: float, spec: str) -> str:
        """`value` in a format of Python's such as `,.2f`, with the locale's separators and a true minus sign."""
        return format(value, spec).translate(self.separators)

    @cached_property
    def separators(self) -> dict[int, str]:
        """See `locales.separators`."""
        return separators(self.locale)

    def percent(self, share: float, decimals: int = 0) -> str:
        """A share of one as a percentage."""
        return percentage(self.number(share * 100, f".{decimals}f"), self.locale)

    def date(self, date: dt.date) -> str:
        """A date with its month in words."""
        return long_date(date, self.locale)


def languages() -> tuple[str, ...]:
    """Languages that sentences exist in: English, and every catalogue."""
    return tuple(sorted({SOURCE_LANGUAGE, *(path.stem for path in _folder().glob("*.po"))}))


@lru_cache(maxsize=32)
def messages(language: str, letter: str = US) -> Messages:
    """The sentences of a language for readers of a letter; a region (`de-AT`) decides over numbers and dates.

    Raises:
        ReportError: there is no catalogue, no such region, or the catalogue is damaged.
    """
    name = language.split("-", maxsplit=1)[0]
    if name == SOURCE_LANGUAGE:
        return Messages(name, locale_of(language, letter))
    path = _folder() / f"{name}.po"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise ReportError(f"There is no catalogue for the language '{language}'; available: {', '.join(languages())}.")
    return Messages(name, locale_of(language, letter), _read(path))


ENGLISH = messages(SOURCE_LANGUAGE)


def for_reviewers(config: AuditConfig) -> Messages:
    """The language of internal documents, and of the record's own sentences. Raises as `messages` does."""
    return messages(config.internal_language, config.documents.letter)


def for_applicants(config: AuditConfig) -> Messages:
    """The language of letters, and of values as people read them. Raises as `messages` does."""
    return messages(config.documents.language, config.documents.letter)


def _read(path: Path) -> _Strict:
    compiled = io.BytesIO()
    try:
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=path.stem, abort_invalid=True))
    except (OSError, PoFileError, ValueError) as error:
        raise ReportError(f"The catalogue '{path.name}' is damaged ({error}): install the package again.") from None
    compiled.seek(0)
    return _Strict(compiled)


def _folder() -> Path:
    return templates() / "locale"
