"""How easy a text is to read: mean sentence length, and the index that readers of its language know.

Sentences and words are those of ICU, syllables are counted at the hyphenation points of pyphen's dictionaries. These
are a few too low for English, so that its index errs toward easy; no index says that a person understood a letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from icu4py.breakers import SentenceBreaker
from pyphen import Pyphen  # type: ignore[import-untyped]

from lrp_audit.language.messages import message

_WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*|\d[\d.,\u00a0\u202f]*")
_ORDINAL = re.compile(r"(?<!\d)(\d{1,2})\.(?= )")  # of a date: `9. November` ends no sentence
_LONG = 6  # letters, and
_MANY = 3  # syllables, as the Wiener Sachtextformel counts


@dataclass(frozen=True)
class Counts:
    """What the formulas count, of one text."""

    sentences: int
    words: int
    syllables: int
    long: int  # words of more than six letters
    polysyllables: int  # words of three syllables and more
    monosyllables: int
    longest: int  # words of the longest sentence

    @property
    def words_per_sentence(self) -> float:
        """Mean sentence length."""
        return self.words / self.sentences

    @property
    def syllables_per_word(self) -> float:
        """Mean word length."""
        return self.syllables / self.words


@dataclass(frozen=True)
class Index:
    """A readability index: its name, formula and source."""

    name: str
    of: Callable[[Counts], float]


def flesch(counts: Counts) -> float:
    """Flesch (1948), A new readability yardstick: 100 is easiest."""
    return 206.835 - 1.015 * counts.words_per_sentence - 84.6 * counts.syllables_per_word


def wiener_sachtextformel(counts: Counts) -> float:
    """First formula of Bamberger and Vanecek (1984), Lesen, Verstehen, Lernen, Schreiben: a school year, 4 to 15."""
    share = 100 / counts.words
    return (
        0.1935 * counts.polysyllables * share
        + 0.1672 * counts.words_per_sentence
        + 0.1297 * counts.long * share
        - 0.0327 * counts.monosyllables * share
        - 0.875
    )


def kandel_moles(counts: Counts) -> float:
    """Kandel and Moles (1958), Application de l'indice de Flesch à la langue française: 100 is easiest."""
    return 207 - 1.015 * counts.words_per_sentence - 73.6 * counts.syllables_per_word


def fernandez_huerta(counts: Counts) -> float:
    """Fernández Huerta (1959), Medidas sencillas de lecturabilidad, as corrected by Law (2011): 100 is easiest."""
    return 206.84 - 60 * counts.syllables_per_word - 1.02 * counts.words_per_sentence


INDICES: Mapping[str, Index] = MappingProxyType({
    "en": Index(message("Flesch reading ease"), flesch),
    "de": Index(message("Wiener Sachtextformel"), wiener_sachtextformel),
    "fr": Index(message("Kandel and Moles index"), kandel_moles),
    "es": Index(message("Fernández Huerta index"), fernandez_huerta),
})  # fmt: skip


def count(paragraphs: Iterable[str], language: str) -> Counts | None:
    """What there is to count in some paragraphs; None where they hold no word.

    Args:
        paragraphs: plain text. No sentence goes on in the next one.
        language: a language that `INDICES` has, with or without a region.
    """
    name = language.split("-", maxsplit=1)[0]
    sentences = [words for paragraph in paragraphs for words in _sentences(paragraph, name)]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return None
    syllables = [_syllables(word, name) for word in words]
    return Counts(
        sentences=len(sentences),
        words=len(words),
        syllables=sum(syllables),
        long=sum(len(word) > _LONG for word in words),
        polysyllables=sum(number >= _MANY for number in syllables),
        monosyllables=syllables.count(1),
        longest=max(map(len, sentences)),
    )


@lru_cache(maxsize=1024)
def _sentences(paragraph: str, language: str) -> tuple[tuple[str, ...], ...]:
    """The words of every sentence; letters repeat most paragraphs, and ICU takes a millisecond for each."""
    pieces = SentenceBreaker(_ORDINAL.sub(r"\1", paragraph), f"{language}@ss=standard")
    found = (tuple(_WORD.findall(str(piece))) for piece in pieces)
    return tuple(words for words in found if words)


@lru_cache(maxsize=4096)
def _syllables(word: str, language: str) -> int:
    return len(_hyphens(language).positions(word)) + 1


@lru_cache(maxsize=8)
def _hyphens(language: str) -> Pyphen:
    return Pyphen(lang=language, left=1, right=1)
