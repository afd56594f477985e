"""Sentences without which a text would have been decided otherwise (EU-06): what variations are for columns.

Of the sentences that count most against the applicant each is left out alone; where no one suffices, two and then
three of those whose omission does most. Every shorter text is read by the model itself, so what is found is verified.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrp_audit.checks.fewest_changes import UNCHANGED, fewest_changes
from lrp_audit.checks.leave_out import without
from lrp_audit.records.text_record import ScoredSpan

TRIED = 12  # sentences left out alone
COMBINED = 5  # of them left out together: at most 32 texts are read, about ten times the cost of the explanation

Margins = Callable[[Sequence[str]], Sequence[float]]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class LeftOut:
    """Positions of sentences that suffice together, the fewest and most adverse; none where nothing suffices.

    `tried` is how many shorter texts were read.
    """

    sentences: tuple[int, ...]
    tried: int


def sentences_left_out(
    margins: Margins, text: str, sentences: Sequence[ScoredSpan], limit: float, *, most_changes: int
) -> LeftOut:
    """Search for sentences of one text whose omission brings its margin below `limit`.

    Args:
        margins: of some texts; infinite for one that the model cannot read. Empty texts are never among them.
        text: as the person wrote it.
        sentences: its sentences in order, with their relevance.
        limit: must not be reached.
        most_changes: sentences left out at once.
    """
    if len(sentences) < 2:
        return LeftOut((), 0)
    ranked = sorted(range(len(sentences)), key=lambda place: (-sentences[place].relevance, place))[:TRIED]
    candidates = sorted(ranked)

    def margin(choices: IntArray) -> npt.NDArray[np.float64]:
        chosen = [[candidates[column] for column in np.flatnonzero(row != UNCHANGED)] for row in choices]
        texts = [shortened(text, sentences, places) for places in chosen]
        readable = [position for position, shorter in enumerate(texts) if shorter.strip()]
        found = np.full(len(texts), math.inf)
        found[readable] = margins([texts[position] for position in readable])
        return found

    sizes = [np.array([1.0 + ranked.index(place)]) for place in candidates]  # of those that suffice, the most adverse
    found = fewest_changes(
        margin,
        sizes,
        limit,
        most_changes=min(most_changes, len(sentences) - 1),  # something has to be left
        most=1,
        budget=TRIED,
        columns=COMBINED,
    )
    chosen = found.choices[0].columns if found.choices else ()
    return LeftOut(tuple(candidates[column] for column in chosen), found.tried)


def shortened(text: str, sentences: Sequence[ScoredSpan], left_out: Sequence[int]) -> str:
    """The text without some of its sentences."""
    return without(text, sentences, [place in left_out for place in range(len(sentences))])
