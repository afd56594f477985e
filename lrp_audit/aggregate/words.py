"""Words: what the masked texts of many people have in common, and which of it counted.

A word in the texts of few can be one person's own, so only words of 50 people or more are named (G-07). They are found
by the sketch of Misra and Gries (1982), then profiled in a second reading: memory grows with words, never with texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from datasketches import frequent_items_error_type, frequent_strings_sketch

from lrp_audit.aggregate.stream import Moments
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import SMALLEST_GROUP, Outcomes, WordLine, Words

FEW = 0.1  # share of the texts below which a word is in few
CONCENTRATED = 0.5  # share of a text's absolute relevance on one word
_LOG2_WORDS = 16  # of the counters that find frequent words


@dataclass(frozen=True)
class ReadText:
    """The words of everything one person wrote for one decision, with their relevance."""

    adverse: bool
    words: tuple[tuple[str, float], ...]


def read_text(evidence: Sequence[dict[str, Any]], *, adverse: bool) -> ReadText:
    """The words, case folded, of a record's text evidence, which is masked."""
    return ReadText(
        adverse,
        tuple(
            (item["text"][word["start"] : word["end"]].casefold(), float(word["relevance"]))
            for item in evidence
            for word in item["words"]
        ),
    )


def word_profiles(texts: Callable[[], Iterable[ReadText]], *, least: int = SMALLEST_GROUP, most: int = 100) -> Words:
    """The spread of relevance by word and outcome.

    Args:
        texts: gives them, twice.
        least: people in whose texts a word must stand.
        most: words of an outcome, by falling strength.

    Raises:
        DataError: there is no text.
    """
    sketch, count, adverse = frequent_strings_sketch(_LOG2_WORDS), 0, 0
    for text in texts():
        count, adverse = count + 1, adverse + text.adverse
        for word in {word for word, _ in text.words}:
            sketch.update(word)
    if not count:
        raise DataError("None of the records holds an explained text, so there are no words to profile.")
    frequent = sketch.get_frequent_items(frequent_items_error_type.NO_FALSE_POSITIVES, max(0, least - 1))
    tallies: dict[tuple[str, Outcomes], _Tally] = {
        (item[0], outcome): _Tally() for item in frequent for outcome in get_args(Outcomes)
    }
    for text in texts():
        _add(tallies, text)
    totals: dict[Outcomes, int] = {"all": count, "adverse": adverse, "favourable": count - adverse}
    lines = [
        tally.line(word, outcome, totals[outcome])
        for (word, outcome), tally in tallies.items()
        if tally.people >= least
    ]
    chosen = [
        line
        for outcome in get_args(Outcomes)
        for line in sorted((line for line in lines if line.outcome == outcome), key=_strongest)[:most]
    ]
    return Words(texts=count, adverse=adverse, lines=tuple(chosen))


class _Tally:
    def __init__(self) -> None:
        self.people, self.shares, self.moments = 0, 0.0, Moments(1)

    def line(self, word: str, outcome: Outcomes, texts: int) -> WordLine:
        share = self.shares / self.people
        return WordLine(
            word=word,
            outcome=outcome,
            people=self.people,
            places=self.moments.count,
            mean=float(self.moments.mean[0]),
            standard_deviation=float(self.moments.deviation[0]),
            concentration=share,
            suspicious=self.people < FEW * texts and share > CONCENTRATED,
        )


def _add(tallies: dict[tuple[str, Outcomes], _Tally], text: ReadText) -> None:
    whole = sum(abs(relevance) for _, relevance in text.words) or 1.0
    outcomes: tuple[Outcomes, Outcomes] = ("all", "adverse" if text.adverse else "favourable")
    places: dict[str, list[float]] = {}
    for word, relevance in text.words:
        if (word, "all") in tallies:
            places.setdefault(word, []).append(relevance)
    for word, found in places.items():
        for outcome in outcomes:
            tally = tallies[word, outcome]
            tally.people += 1
            tally.shares += sum(map(abs, found)) / whole
            tally.moments.add(np.array(found)[:, None])


def _strongest(line: WordLine) -> tuple[float, str]:
    return -abs(line.mean), line.word
