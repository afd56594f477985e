"""What a person calls words, sentences, paragraphs and phrases of a text, by character offsets; no torch.

Boundaries are those of Unicode Standard Annex 29 as ICU draws them: grapheme clusters (emoji sequences, combining
marks) stay whole, Chinese, Japanese, Thai, Lao, Khmer and Burmese are cut by ICU's dictionaries, and abbreviations of
the language ("Mr.") do not end a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from icu4py.breakers import SentenceBreaker, WordBreaker

from lrp_audit.errors import DataError

_BLANK_LINE = re.compile(r"\u2029|(?:\r\n|[\n\r\x85\u2028])\s*?(?:\r\n|[\n\r\x85\u2028])")
_LAYOUT = frozenset("\t\n\v\f\r\x85")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters `start` to `end` of a text, end exclusive."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The characters themselves."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """The part of a token that belongs to a word; the shares of one token sum to 1."""

    word: int
    share: float


def require_text(text: str) -> None:
    """Refuse what cannot be text.

    Raises:
        DataError: no character but white space, a lone surrogate, or a control character other than tab and line ends.
    """
    if not text.strip():
        raise DataError("The text is empty; there is nothing to explain.")
    for position, character in enumerate(text):
        category = unicodedata.category(character)
        if category == "Cs":
            raise DataError(f"{_place(position, character)} is half of a surrogate pair; decode the text again.")
        if category == "Cc" and character not in _LAYOUT:
            hint = "read the file as Windows-1252" if "\x80" <= character <= "\x9f" else "remove it"
            raise DataError(f"{_place(position, character)} is a control character; {hint}.")


def _place(position: int, character: str) -> str:
    return f"Character {position + 1} of the text (U+{ord(character):04X})"


def words(text: str, language: str = "en") -> tuple[Span, ...]:
    """Words in reading order; every character that is not white space lies in exactly one.

    A punctuation mark or symbol is a word of its own, a run of one mark ("!!!") one word.

    Args:
        text: any text without lone surrogates.
        language: BCP 47 tag; a few languages have rules of their own.

    Raises:
        DataError: a lone surrogate.
    """
    found: list[Span] = []
    previous = ""
    for segment in _segments(WordBreaker, text, language):
        span = _trimmed(text, segment)
        if span is None:
            continue
        piece = span.of(text)
        if piece == previous and _is_mark(piece) and found[-1].end == span.start:
            found[-1] = Span(found[-1].start, span.end)
        else:
            found.append(span)
        previous = piece
    return tuple(found)


def sentences(text: str, language: str = "en") -> tuple[Span, ...]:
    """Sentences from first to last word; every word lies in exactly one."""
    segments = _segments(SentenceBreaker, text, f"{language}@ss=standard")
    return _joined(words(text, language), [segment.start for segment in segments])


def paragraphs(text: str, language: str = "en") -> tuple[Span, ...]:
    """Paragraphs (parted by blank lines) from first to last word; every word lies in exactly one."""
    return _joined(words(text, language), [0, *(gap.end() for gap in _BLANK_LINE.finditer(text))])


def owners(inner: Sequence[Span], outer: Sequence[Span]) -> tuple[int, ...]:
    """For every inner span the position of the outer span in which it starts; both in reading order, outer disjoint."""
    starts = [span.start for span in outer]
    return tuple(bisect_right(starts, span.start) - 1 for span in inner)


def token_shares(found: Sequence[Span], offsets: Iterable[tuple[int, int]]) -> tuple[tuple[Share, ...], ...]:
    """Which words each token belongs to, by overlapping characters.

    Args:
        found: words in reading order, disjoint.
        offsets: (start, end) of each token in the same text.

    Returns:
        For every token its shares, summing to 1; empty for a token that covers white space only, or nothing.
    """
    ends = [span.end for span in found]
    return tuple(_shares(found, ends, start, end) for start, end in offsets)


def phrases(relevance: Sequence[float], groups: Sequence[int], cost: float = 0.0) -> tuple[Span, ...]:
    """Runs of neighbouring words with the greatest total relevance, positive or negative, most of all first.

    All maximal scoring subsequences (Ruzzo and Tompa 1999) of `relevance - cost`, and of `-relevance - cost`. The two
    kinds may overlap, as a negative run may hold a positive word; the weaker of two that overlap is left out.

    Args:
        relevance: one number per word.
        groups: one number per word, its sentence; no phrase leaves its sentence.
        cost: what a word must add to be worth its place; with 0 a phrase takes in every weak word of its sign.

    Returns:
        Spans over word positions, not characters.
    """
    edges = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(groups)) if a != b), len(relevance)]
    found: list[tuple[float, Span]] = []
    for start, end in pairwise(edges):
        for sign in (1, -1):
            scores = [sign * value - cost for value in relevance[start:end]]
            runs = (Span(start + run.start, start + run.end) for run in _maximal_runs(scores))
            found += [(abs(sum(relevance[run.start : run.end])), run) for run in runs]
    kept: list[Span] = []
    taken = bytearray(len(relevance))
    for _, run in sorted(found, key=lambda item: (-item[0], item[1])):
        if not any(taken[run.start : run.end]):
            taken[run.start : run.end] = b"\1" * (run.end - run.start)
            kept.append(run)
    return tuple(kept)


def _segments(breaker: type[WordBreaker] | type[SentenceBreaker], text: str, locale: str) -> list[Span]:
    try:
        pieces = [len(piece) for piece in breaker(text, locale)]
    except UnicodeEncodeError as error:
        raise DataError(
            f"{_place(error.start, text[error.start])} is half of a surrogate pair; decode the text again."
        ) from None
    return [Span(start, end) for start, end in pairwise(accumulate(pieces, initial=0))]


def _trimmed(text: str, span: Span) -> Span | None:
    piece = span.of(text)
    start = span.start + len(piece) - len(piece.lstrip())
    end = span.end - len(piece) + len(piece.rstrip())
    return Span(start, end) if start < end else None


def _is_mark(piece: str) -> bool:
    return not any(character.isalnum() for character in piece)


def _joined(found: Sequence[Span], starts: Sequence[int]) -> tuple[Span, ...]:
    """Words grouped by the stretch in which they start, so that no boundary falls inside a word."""
    groups: dict[int, Span] = {}
    for span in found:
        group = bisect_right(starts, span.start)
        groups[group] = Span(groups.get(group, span).start, span.end)
    return tuple(groups.values())


def _shares(found: Sequence[Span], ends: Sequence[int], start: int, end: int) -> tuple[Share, ...]:
    overlaps: dict[int, int] = {}
    position = bisect_right(ends, start)
    while position < len(found) and found[position].start < end:
        overlaps[position] = min(end, found[position].end) - max(start, found[position].start)
        position += 1
    total = sum(overlaps.values())
    return tuple(Share(word, overlap / total) for word, overlap in overlaps.items() if overlap > 0)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of scores, the totals before it and up to its end, and the nearest earlier run with less before it."""

    span: Span
    before: float
    upto: float
    lower: int


def _maximal_runs(scores: Sequence[float]) -> list[Span]:
    """All maximal scoring subsequences, in linear time (Ruzzo and Tompa 1999, section 3)."""
    runs: list[_Run] = []
    total = 0.0
    for position, score in enumerate(scores):
        start, before, total = position, total, total + score
        if score <= 0:
            continue
        lower = _lower(runs, before)
        while lower >= 0 and runs[lower].upto < total:
            start, before = runs[lower].span.start, runs[lower].before
            del runs[lower:]
            lower = _lower(runs, before)
        runs.append(_Run(Span(start, position + 1), before, total, lower))
    return [run.span for run in runs]


def _lower(runs: Sequence[_Run], before: float) -> int:
    position = len(runs) - 1
    while position >= 0 and runs[position].before >= before:
        position = runs[position].lower
    return position
