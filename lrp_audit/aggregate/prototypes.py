"""Prototypes: how relevance is spread over many decisions, by column and by word, and which decisions stand out.

Tables come in chunks and are read twice, so that memory grows with columns, never with decisions.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from datasketches import frequent_items_error_type, frequent_strings_sketch

from lrp_audit.aggregate.stream import Stream, Summary
from lrp_audit.aggregate.table import SMALLEST_GROUP, ExplainedTable
from lrp_audit.errors import DataError
from lrp_audit.records.record import Record

_LOG2_WORDS = 14  # of the counters that find frequent words


@dataclass(frozen=True)
class Profile:
    name: str  # column, family or word
    summary: Summary


@dataclass(frozen=True)
class Standing:
    """How far a decision's relevance is from the mean: root mean square of its columns' standard scores."""

    id: str
    distance: float


@dataclass(frozen=True)
class Prototypes:
    decisions: int
    profiles: tuple[Profile, ...]  # strongest first
    typical: tuple[Standing, ...]  # nearest to the mean first
    unusual: tuple[Standing, ...]  # farthest first

    def table(self) -> pd.DataFrame:
        """A row per column: the spread of its relevance."""
        return _profiles_table(self.profiles, "column")

    def standing_table(self) -> pd.DataFrame:
        """The decisions that are most typical and most unusual."""
        kinds = (("typical", self.typical), ("unusual", self.unusual))
        return pd.DataFrame([{"kind": kind, **asdict(item)} for kind, items in kinds for item in items])


@dataclass(frozen=True)
class WordProfiles:
    texts: int
    profiles: tuple[Profile, ...]  # strongest first; `count` is of places

    def table(self) -> pd.DataFrame:
        """A row per word: the spread of its relevance over the places it stands in."""
        return _profiles_table(self.profiles, "word")


def prototypes(parts: Iterable[ExplainedTable], *, most: int = 5) -> Prototypes:
    """The spread of relevance by column, and the `most` typical and unusual decisions.

    Args:
        parts: tables with the same columns. They are read twice: give a list, or an object that starts anew.
        most: decisions of either kind.

    Raises:
        DataError: fewer than 50 decisions, or tables that differ in their columns.
        TypeError: `parts` can be read only once.
    """
    _check_repeatable(parts)
    streams: dict[str, Stream] = {}
    for part in parts:
        streams = streams or {name: Stream() for name in part.columns}
        _check_columns(part, streams)
        for name, relevance in zip(part.columns, part.array.T, strict=True):
            streams[name].add(relevance)
    summaries = {name: stream.summary() for name, stream in streams.items()}
    decisions = next((item.count for item in summaries.values()), 0)
    if decisions < SMALLEST_GROUP:
        raise DataError(f"Prototypes need {SMALLEST_GROUP} decisions or more, and there are {decisions}.")
    typical, unusual = _extremes(parts, summaries, most)
    return Prototypes(decisions, _strongest(summaries), typical, unusual)


def word_profiles(records: Iterable[Record], *, least: int = SMALLEST_GROUP, most: int = 200) -> WordProfiles:
    """The spread of relevance by word (case folded) over the masked texts of many records.

    Frequent words are found by the sketch of Misra and Gries (1982), then profiled in a second reading. A word in few
    texts can be one person's own, so it is left out (G-07).

    Args:
        records: read twice, as the tables of `prototypes`.
        least: texts that a word must stand in.
        most: words, by falling strength.

    Raises:
        DataError: no record holds an explained text.
        TypeError: `records` can be read only once.
    """
    _check_repeatable(records)
    sketch, texts = frequent_strings_sketch(_LOG2_WORDS), 0
    for words in _texts(records):
        texts += 1
        for word in {word for word, _ in words}:
            sketch.update(word)
    if not texts:
        raise DataError("None of the records holds an explained text, so there are no words to profile.")
    frequent = sketch.get_frequent_items(frequent_items_error_type.NO_FALSE_POSITIVES, max(0, least - 1))
    streams = {item[0]: Stream() for item in frequent}
    for words in _texts(records):
        for word, relevance in words:
            if word in streams:
                streams[word].add(np.asarray([relevance]))
    return WordProfiles(texts, _strongest({word: stream.summary() for word, stream in streams.items()})[:most])


def _texts(records: Iterable[Record]) -> Iterator[list[tuple[str, float]]]:
    for record in records:
        for evidence in record.text_evidence:
            yield [(evidence.text[word.start : word.end].casefold(), word.relevance) for word in evidence.words]


def _extremes(
    parts: Iterable[ExplainedTable], summaries: dict[str, Summary], most: int
) -> tuple[tuple[Standing, ...], tuple[Standing, ...]]:
    """The nearest and the farthest decisions; columns without spread say nothing."""
    known = list(summaries.values())
    mean, spread = np.array([item.mean for item in known]), np.array([item.standard_deviation for item in known])
    varied = spread > 1e-12 * (1 + np.abs(mean))
    nearest: list[Standing] = []
    farthest: list[Standing] = []
    for part in parts:
        scores = (part.array[:, varied] - mean[varied]) / spread[varied]
        distances = np.sqrt((scores**2).mean(1)) if varied.any() else np.zeros(len(part))
        here = [Standing(str(id_), float(value)) for id_, value in zip(part.relevance.index, distances, strict=True)]
        nearest = heapq.nsmallest(most, [*nearest, *here], key=lambda item: (item.distance, item.id))
        farthest = heapq.nsmallest(most, [*farthest, *here], key=lambda item: (-item.distance, item.id))
    return tuple(nearest), tuple(farthest)


def _strongest(summaries: dict[str, Summary]) -> tuple[Profile, ...]:
    order = sorted(summaries.items(), key=lambda entry: (-entry[1].strength, entry[0]))
    return tuple(Profile(name, summary) for name, summary in order)


def _profiles_table(profiles: tuple[Profile, ...], kind: str) -> pd.DataFrame:
    return pd.DataFrame([{kind: item.name, **asdict(item.summary)} for item in profiles])


def _check_repeatable(parts: Iterable[object]) -> None:
    if iter(parts) is parts:
        raise TypeError("This is read twice: give a list, or an object whose iteration starts anew, not an iterator.")


def _check_columns(part: ExplainedTable, known: Iterable[str]) -> None:
    if odd := sorted({*part.columns} ^ {*known}):
        raise DataError(f"The tables differ in the column {odd[0]!r}; aggregate the decisions of one model at a time.")
