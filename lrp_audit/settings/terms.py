"""Where the entries of a word list occur in a text, with character offsets; linear in the length of the text.

Entries are words or phrases; a word that ends in `*` stands for every word that begins so. Case, composed or decomposed
accents, apostrophes and hyphens make no difference: `laid off` finds `Laid-off`. A phrase does not reach over a full
stop or a comma. Entries match whole words, so a script without spaces between words needs patterns instead.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

_TOKEN = regex.compile(r"[\w\p{M}]+")
_JOINT = regex.compile(r"[\s'’ʼ\-‐‑–]*")  # what may stand between the words of one entry


@dataclass(frozen=True)
class TermMatch:
    """An entry found in a text: `[start, end)` in characters, the key it stands under, and the entry as listed."""

    start: int
    end: int
    key: str
    term: str


@dataclass(frozen=True)
class _Entry:
    key: str
    term: str
    words: tuple[str, ...]  # normal form; one that ends in "*" is a beginning


class TermIndex:
    """Word lists, ready to be looked up.

    Args:
        terms: key -> its entries. An entry may stand under several keys.

    Raises:
        ValueError: an entry holds no word, or a `*` that does not end a word; the message says which.
    """

    def __init__(self, terms: Mapping[str, Iterable[str]]) -> None:
        self._exact: dict[str, list[_Entry]] = {}
        self._beginnings: dict[str, list[_Entry]] = {}
        for key, listed in terms.items():
            for term in listed:
                first, *_ = words = term_words(term)
                index = self._beginnings if first.endswith("*") else self._exact
                index.setdefault(first.rstrip("*"), []).append(_Entry(key, term, words))
        self._lengths = sorted({len(beginning) for beginning in self._beginnings})

    def find(self, text: str) -> Iterator[TermMatch]:
        """Every occurrence of every entry, by position; occurrences may overlap."""
        spans = [match.span() for match in _TOKEN.finditer(text)]
        tokens = [_normal(text[start:end]) for start, end in spans]
        for i, token in enumerate(tokens):
            for entry in self._candidates(token):
                count = len(entry.words)
                if _begins(tokens[i : i + count], entry.words) and _joined(text, spans[i : i + count]):
                    yield TermMatch(spans[i][0], spans[i + count - 1][1], entry.key, entry.term)

    def _candidates(self, token: str) -> Iterator[_Entry]:
        yield from self._exact.get(token, ())
        for length in self._lengths:
            if length > len(token):
                return
            yield from self._beginnings.get(token[:length], ())


def term_words(term: str) -> tuple[str, ...]:
    """The words of an entry in normal form.

    Raises:
        ValueError: it holds no word, or a `*` that does not end a word.
    """
    words = tuple(_normal(match.group()) for match in regex.finditer(r"[\w\p{M}]+\*?", term))
    if not words:
        raise ValueError(f"'{term}' holds no word")
    if regex.search(r"\*[\w\p{M}]|(?<![\w\p{M}])\*", term):
        raise ValueError(f"'{term}' has a '*' that does not end a word")
    return words


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether nothing stands between the spans that ends a phrase."""
    return all(_JOINT.fullmatch(text, one[1], following[0]) for one, following in pairwise(spans))


def _begins(tokens: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the tokens are as many as the words and fit them one by one."""
    return len(tokens) == len(words) and all(
        token.startswith(word[:-1]) if word.endswith("*") else token == word
        for token, word in zip(tokens, words, strict=True)
    )


def _normal(word: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
