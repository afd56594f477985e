"""Faithfulness of a text's reasons: leave their words out, and see how far the adverse margin falls.

The counterpart of `putback` for texts, where there is no population to put words back to. Words are left out of the
text itself, so that the model reads what a person could have written, and held against as many words drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lrp_audit.judging.case import Faithfulness
from lrp_audit.records.text_record import ScoredSpan

RANDOM_DRAWS = 5  # per decision; with the stated words themselves about twice the cost of the explanation

Words = Sequence[ScoredSpan]


def leave_out(
    margins: Callable[[Sequence[str]], Sequence[float]],
    texts: Sequence[str],
    words: Sequence[Words],
    stated: Sequence[Sequence[bool]],
    *,
    seed: int,
) -> list[Faithfulness | None]:
    """Mean fall of the margin for every text; None where there is nothing to leave out, or nothing would be left.

    Args:
        margins: the adverse margin of some texts, empty ones never among them.
        texts: N texts.
        words: their words, in order.
        stated: for every word whether a stated reason claims it.
        seed: of the draws; a text's result does not depend on the others.
    """
    usable = [row for row in range(len(texts)) if 0 < sum(stated[row]) < len(words[row])]
    variants: list[str] = []
    for row in usable:
        generator = np.random.default_rng(seed)
        count, size = sum(stated[row]), len(words[row])
        drawn = [(generator.permutation(size) < count).tolist() for _ in range(RANDOM_DRAWS)]
        variants += [texts[row], *(without(texts[row], words[row], out) for out in (stated[row], *drawn))]
    found = np.array(margins(variants)).reshape(len(usable), RANDOM_DRAWS + 2)
    falls = found[:, :1] - found[:, 1:]
    results: list[Faithfulness | None] = [None] * len(texts)
    for row, fall in zip(usable, falls, strict=True):
        results[row] = Faithfulness(stated=float(fall[0]), random=float(fall[1:].mean()))
    return results


def without(text: str, words: Words, out: Sequence[bool]) -> str:
    """The text with some words taken out; what stood between them stays."""
    kept, position = [], 0
    for word, leave in zip(words, out, strict=True):
        if leave:
            kept.append(text[position : word.start])
            position = word.end
    return "".join((*kept, text[position:]))
