"""From the relevance of words to the relevance of reason families: a list of words is not a reason.

A lender's entries, patterns and labelled spans say which words stand for which family (`[text.reasons]`). Every word
counts once. Words that name a special category or a prohibited basis come first, so that no family can hide them; then
labelled spans; then the longer of two finds; then the order of audit.toml. Words that nothing claims form a family of
their own without any wording, so where they are a principal reason the decision is refused (RS-10). All of it is pure
and deterministic, and linear in the text but for the lender's patterns, which stop after `PATTERN_SECONDS`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lrp_audit.errors import ConfigError, DataError
from lrp_audit.judging.case import AnyFamily
from lrp_audit.language.messages import ENGLISH, Messages, message
from lrp_audit.privacy.special_categories import Category, SpecialPlace
from lrp_audit.records.record import ColumnContribution
from lrp_audit.records.text_record import MappedSpan, ScoredSpan
from lrp_audit.settings.terms import TermIndex
from lrp_audit.settings.text_config import TextSection, compiled

UNMAPPED = message("words without an approved statement")  # the family, and its name for reviewers
PATTERN_SECONDS = 2.0  # for one pattern on one text

FoundBy = Literal["term", "pattern", "label", "special category"]


@dataclass(frozen=True)
class LabelledSpan:
    """A stretch of the text that the data label, `[start, end)` in characters."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Claim:
    """A stretch of the text that stands for a family. `category` is set where a special category claims it."""

    start: int
    end: int
    family: str
    found_by: FoundBy
    expression: str
    category: Category | None = None


@dataclass(frozen=True)
class FamilyWords:
    """The words of one family: their summed relevance, how many they are, and where they stand."""

    family: str
    relevance: float
    words: int
    spans: tuple[MappedSpan, ...]
    category: Category | None = None


def claims(
    text: str, section: TextSection, special: Sequence[SpecialPlace] = (), spans: Sequence[LabelledSpan] = ()
) -> tuple[Claim, ...]:
    """What stands for a family in a text, the claim that comes first in precedence first.

    Args:
        text: as the person wrote it.
        section: the lender's entries, patterns and labels.
        special: what the scan of special categories found.
        spans: labelled spans of the data.

    Raises:
        ConfigError: a pattern takes longer than `PATTERN_SECONDS`; the message names it.
    """
    first = [
        Claim(
            place.start,
            place.end,
            special_family(place.category),
            "special category",
            place.category.name,
            place.category,
        )
        for place in special
    ]
    labelled = [
        Claim(span.start, span.end, family, "label", span.label)
        for span in spans
        for family, reason in section.reasons.items()
        if span.label in reason.labels
    ]
    order = {family: rank for rank, family in enumerate(section.reasons)}
    found = sorted(
        (*_terms(text, section), *_patterns(text, section)),
        key=lambda claim: (claim.start - claim.end, order[claim.family], claim.start, claim.found_by, claim.expression),
    )
    return (*first, *labelled, *found)


def assign(words: Sequence[ScoredSpan], found: Sequence[Claim]) -> tuple[FamilyWords, ...]:
    """Every word to the family of the first claim that touches it, the rest to `UNMAPPED`; families in claim order.

    The relevance of all families adds up to that of all words. `UNMAPPED` is always the last one.

    Args:
        words: in order of position, not overlapping.
        found: as `claims` returns them.
    """
    members: dict[int, list[int]] = {}
    owner = first_claims(words, found)
    for index, rank in owner.items():
        members.setdefault(rank, []).append(index)
    families: dict[str, list[int]] = {}
    for rank in sorted(members):
        families.setdefault(found[rank].family, []).append(rank)
    mapped = [_family(name, ranks, found, members, words) for name, ranks in families.items()]
    free = [index for index in range(len(words)) if index not in owner]
    return (*mapped, FamilyWords(UNMAPPED, math.fsum(words[index].relevance for index in free), len(free), ()))


def first_claims(words: Sequence[ScoredSpan], found: Sequence[Claim]) -> dict[int, int]:
    """Index of a word -> index of the first claim that touches it, in order of words; unclaimed words are left out."""
    owner: dict[int, int] = {}
    for rank, claim in enumerate(found):
        for index in _touched(words, claim):
            owner.setdefault(index, rank)
    return dict(sorted(owner.items()))


def contributions(
    families: Iterable[FamilyWords],
    column: str,
    label: str,
    labels: Mapping[str, str],
    say: Messages = ENGLISH,
    show: Messages = ENGLISH,
) -> tuple[ColumnContribution, ...]:
    """The families of a text as contributions, which families of a table's columns can be added to and judged with.

    Nothing in them quotes the text.

    Args:
        families: as `assign` returns them.
        column: the table's column that holds the text.
        label: what people call the text.
        labels: family -> its name for reviewers.
        say: the reviewers' language.
        show: the applicants' language.
    """
    return tuple(
        ColumnContribution(
            column=f"{column}: {item.family}",
            label=f"{label}: {_label(item, labels, say)}",
            family=item.family,
            relevance=item.relevance,
            value=None,
            display=show.plural("{count} word", "{count} words", item.words),
            reference_display="",
            protected="no" if item.category is None else item.category.protected,
        )
        for item in families
        if item.words
    )


def _label(item: FamilyWords, labels: Mapping[str, str], say: Messages) -> str:
    if item.category is not None:
        return say("protected: {category}", category=say(item.category.name))
    return say(UNMAPPED) if item.family == UNMAPPED else labels.get(item.family, item.family)


def rankable(families: Sequence[AnyFamily], section: TextSection | None) -> tuple[AnyFamily, ...]:
    """The families that can be principal reasons: without `UNMAPPED` where it holds little of what counts against.

    Every text has words that stand for nothing, and their small sum would otherwise take the place of a reason. At
    `section.unmapped_share` and above it stays, and the decision is refused. Without a section all families stay.
    """
    if section is None:
        return tuple(families)
    against = math.fsum(item.relevance for item in families if item.relevance > 0)
    return tuple(
        item
        for item in families
        if item.family != UNMAPPED or not 0 < item.relevance < section.unmapped_share * against
    )


def special_family(category: Category) -> str:
    """The family of the words that name a category; no wording can be approved for it."""
    return f"protected: {category.name}"


def read_spans(cell: object, text: str, column: str) -> tuple[LabelledSpan, ...]:
    """The labelled spans of a cell: JSON, a list of objects with `start`, `end` and `label`; an empty cell holds none.

    Raises:
        DataError: the cell is something else, or a span does not lie in the text.
    """
    if cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell)):
        return ()
    try:
        return tuple(_span(item, len(text)) for item in json.loads(str(cell)))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DataError(
            f"Column '{column}' must hold labelled spans of the text as a JSON list, such as "
            '[{"start": 0, "end": 9, "label": "JOB_LOSS"}], with offsets in characters.'
        ) from None


def _span(item: Mapping[str, Any], length: int) -> LabelledSpan:
    start, end, label = item["start"], item["end"], item["label"]
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not 0 <= start < end <= length:
        raise ValueError(item)
    return LabelledSpan(start, end, label)


def _terms(text: str, section: TextSection) -> Iterator[Claim]:
    index = TermIndex({family: reason.terms for family, reason in section.reasons.items()})
    for match in index.find(text):
        yield Claim(match.start, match.end, match.key, "term", match.term)


def _patterns(text: str, section: TextSection) -> Iterator[Claim]:
    for family, reason in section.reasons.items():
        for pattern in reason.patterns:
            try:
                places = [match.span() for match in compiled(pattern).finditer(text, timeout=PATTERN_SECONDS)]
            except TimeoutError:
                raise ConfigError(
                    f"A pattern of text.reasons.{family}.patterns took more than {PATTERN_SECONDS:g} s on one text; "
                    f"write {pattern!r} without repeats inside repeats."
                ) from None
            yield from (Claim(start, end, family, "pattern", pattern) for start, end in places if start < end)


def _touched(words: Sequence[ScoredSpan], claim: Claim) -> Iterator[int]:
    """Indices of the words that share a character with a claim."""
    low, high = 0, len(words)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if words[middle].end <= claim.start else (low, middle)
    while low < len(words) and words[low].start < claim.end:
        yield low
        low += 1


def _family(
    name: str,
    ranks: Sequence[int],
    found: Sequence[Claim],
    members: Mapping[int, Sequence[int]],
    words: Sequence[ScoredSpan],
) -> FamilyWords:
    spans = sorted(
        (_mapped(found[rank], [words[index] for index in members[rank]]) for rank in ranks), key=lambda item: item.start
    )
    indices = [index for rank in ranks for index in members[rank]]
    relevance = math.fsum(words[index].relevance for index in indices)
    return FamilyWords(name, relevance, len(indices), tuple(spans), found[ranks[0]].category)


def _mapped(claim: Claim, words: Sequence[ScoredSpan]) -> MappedSpan:
    return MappedSpan(
        family=claim.family,
        start=words[0].start,
        end=words[-1].end,
        relevance=math.fsum(word.relevance for word in words),
        found_by=claim.found_by,
        expression=claim.expression,
    )
