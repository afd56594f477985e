"""What documents may not say, as lists of phrases: one file per language, `templates/phrasebooks/<language>.toml`.

Accents, case, spacing, hyphens and invisible characters make no difference (`lrp_audit.settings.terms`); an entry's `*`
stands for the rest of a word. A list finds what is written in its words, not what is meant.
"""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex

from lrp_audit.errors import ConfigError, ReportError
from lrp_audit.language.messages import ENGLISH, Messages
from lrp_audit.resources import templates
from lrp_audit.settings.terms import TermIndex, TermMatch

_MARKS = regex.compile(r"[\p{Mn}\p{Cf}]")
_INITIALS = regex.compile(r"\b(\w)\.(?=\w\b)")  # A.I. is AI


@dataclass(frozen=True)
class Phrases:
    """Phrases that may not be said, and why (regulations, 2.5 and 2.6, G-03, G-05, G-06).

    Attributes:
        because: why, in words that follow a quotation, with the rule.
        phrases: words or phrases; a trailing `*` is the rest of a word.
        exceptions: phrases in which these words mean something else, or deny it.
    """

    because: str
    phrases: tuple[str, ...]
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Phrasebook:
    """The lists of one language.

    Attributes:
        anywhere: what no document says: verdicts, causal claims, promises and advice.
        reasons: what no statement of a reason says besides.
        incomplete: statements that an application is incomplete, no reason where there was enough data to decide.
        prohibited: terms of a prohibited basis or a special category, which no reason names (G-04).
        opposites: pairs of words that say the opposite of one factor.
    """

    language: str
    anywhere: tuple[Phrases, ...]
    reasons: tuple[Phrases, ...]
    incomplete: tuple[Phrases, ...]
    prohibited: tuple[Phrases, ...]
    opposites: frozenset[frozenset[str]]


def first_fault(text: str, groups: tuple[Phrases, ...], say: Messages = ENGLISH) -> str | None:
    """What `text` says of these lists, and why it may not, in words that follow its quotation; None if nothing."""
    plain, (index, exceptions) = unaccented(text), _indexes(groups)
    for match in index.find(plain):
        if not any(_excepts(other, match) for other in exceptions.find(plain)):
            phrase, group = " ".join(plain[match.start : match.end].split()), groups[int(match.key)]
            return say("says '{phrase}': {because}", phrase=phrase, because=say(group.because))
    return None


def unaccented(text: str) -> str:
    """`text` without accents, invisible characters and the stops of initials: `Á.I.` is `AI.`."""
    return _INITIALS.sub(r"\1", _MARKS.sub("", unicodedata.normalize("NFKD", text)))


@lru_cache(maxsize=64)
def _indexes(groups: tuple[Phrases, ...]) -> tuple[TermIndex, TermIndex]:
    """All phrases and all exceptions, each under the position of its group."""
    return (
        TermIndex({str(i): map(unaccented, group.phrases) for i, group in enumerate(groups)}),
        TermIndex({str(i): map(unaccented, group.exceptions) for i, group in enumerate(groups)}),
    )


def _excepts(other: TermMatch, match: TermMatch) -> bool:
    return other.key == match.key and other.start <= match.start and match.end <= other.end


def languages() -> tuple[str, ...]:
    """Languages that have lists, as their files are named."""
    return tuple(sorted(path.stem for path in (templates() / "phrasebooks").glob("*.toml")))


@lru_cache
def load(language: str) -> Phrasebook:
    """The lists of a language; a region (`de-AT`) uses those of its language.

    Raises:
        ConfigError: there are none.
        ReportError: the file is damaged.
    """
    name = language.split("-", maxsplit=1)[0]
    if name not in languages():
        raise ConfigError(
            f"documents.language: there is no list of what a letter in '{language}' may not say; available: "
            f"{', '.join(languages())}."
        )
    try:
        raw = tomllib.loads((templates() / "phrasebooks" / f"{name}.toml").read_text(encoding="utf-8"))
        return Phrasebook(
            language=str(raw["language"]),
            anywhere=_lists(raw["anywhere"]),
            reasons=_lists(raw["reason"]),
            incomplete=_lists(raw["incomplete"]),
            prohibited=_lists(raw["prohibited"]),
            opposites=frozenset(frozenset((first, second)) for first, second in raw["opposites"]["pairs"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"The phrasebook '{name}.toml' is damaged ({error}): install the package again.") from None


def _lists(entries: list[dict[str, Any]]) -> tuple[Phrases, ...]:
    return tuple(
        Phrases(entry["because"], tuple(entry["phrases"]), tuple(entry.get("except", ()))) for entry in entries
    )
