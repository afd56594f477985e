"""Scans a text for special categories of data (GDPR Art. 9) and prohibited bases (12 CFR 1002.2(z)), by word lists.

The lists are versioned texts of the templates folder, one file per language, and a lender's own terms come on top. A
word list finds what a person names ("my diabetes") and not what they imply ("the ward was full"), and it finds words
that were meant otherwise; so a finding stops a letter for a person to look at, and no finding proves nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Literal

from lrp_audit.errors import ConfigError
from lrp_audit.resources import templates
from lrp_audit.settings.terms import TermIndex, TermMatch

Protected = Literal["special", "prohibited", "age"]


@dataclass(frozen=True)
class Category:
    """One list: how it is called, the law behind it, and how the judge treats it."""

    name: str
    rule: str
    protected: Protected
    terms: tuple[str, ...]
    exceptions: tuple[str, ...]


@dataclass(frozen=True)
class SpecialPlace:
    """Where a category is named, `[start, end)` in characters."""

    start: int
    end: int
    category: Category


@dataclass(frozen=True)
class Scanner:
    """The lists of one language with a lender's additions, ready to scan. `version` is that of the shipped lists."""

    version: str
    categories: Mapping[str, Category]
    terms: TermIndex
    exceptions: TermIndex

    def scan(self, text: str) -> tuple[SpecialPlace, ...]:
        """What was found, by position. Terms of one category that overlap are one place; exceptions are left out."""
        excepted: dict[str, list[TermMatch]] = {}
        for match in self.exceptions.find(text):
            excepted.setdefault(match.key, []).append(match)
        places: dict[str, list[SpecialPlace]] = {}
        for match in sorted(self.terms.find(text), key=lambda match: (match.start, -match.end)):
            if any(item.start <= match.start and match.end <= item.end for item in excepted.get(match.key, ())):
                continue
            found = places.setdefault(match.key, [])
            if found and match.start < found[-1].end:
                found[-1] = replace(found[-1], end=max(found[-1].end, match.end))
            else:
                found.append(SpecialPlace(match.start, match.end, self.categories[match.key]))
        return tuple(sorted(chain(*places.values()), key=lambda place: (place.start, place.end)))


def scanner(
    language: str, *, more: Mapping[str, Sequence[str]] | None = None, exceptions: Sequence[str] = ()
) -> Scanner:
    """The scanner of a language.

    Args:
        language: language code of the text; `en-GB` uses the lists of `en`.
        more: category -> further terms.
        exceptions: phrases in which terms of every category mean something else.

    Raises:
        ConfigError: there are no lists of this language, `more` names an unknown category, or a term holds no word.
    """
    version, shipped = _shipped(language.split("-", maxsplit=1)[0].lower())
    known = {category.name: category for category in shipped}
    terms = {name: list(category.terms) for name, category in known.items()}
    for name, extra in (more or {}).items():
        if name not in terms:
            raise ConfigError(f"text.special_terms names no category '{name}'; there are {', '.join(known)}.")
        terms[name] += extra
    try:
        index = TermIndex(terms)
        excepted = TermIndex({name: (*category.exceptions, *exceptions) for name, category in known.items()})
    except ValueError as error:
        raise ConfigError(f"text.special_terms or text.special_exceptions: {error}.") from None
    return Scanner(version, known, index, excepted)


@lru_cache(maxsize=8)
def _shipped(language: str) -> tuple[str, tuple[Category, ...]]:
    folder = templates() / "special-categories"
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if language not in known:
        raise ConfigError(
            f"Texts in '{language}' cannot be scanned for special categories of data, since lrp_audit has no word "
            f"lists of that language, only of {', '.join(known)}; correct text.language."
        )
    raw = tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))
    categories = (
        Category(item["name"], item["rule"], item["protected"], tuple(item["terms"]), tuple(item["except"]))
        for item in raw["category"]
    )
    return raw["version"], tuple(categories)
