"""The checks of level "full" for texts: integrated gradients, edits that change no word, sufficiency, and curves.

* Integrated gradients start from where relevance of a text starts; networks that take no embeddings have none.
* A text has no rounding. What nobody would call another text are edits of letters' case, of quotation marks and dashes,
  and of white space; they keep every word where it stands, so that reasons can be told apart as before.
* Words are masked rather than left out, since an insertion starts from a text of masks alone. Curves are walked over
  stretches of words, so that their cost does not grow with the square of a text's length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lrp_audit.adapters.margins import Target
from lrp_audit.adapters.text import TextModel
from lrp_audit.adapters.text_gradients import QUADRATURE, integrated_gradients
from lrp_audit.adapters.text_masks import MaskedText, masked_text
from lrp_audit.adapters.windows import Text
from lrp_audit.adapters.word_relevance import TextExplainer, TextRelevance
from lrp_audit.checks.agreement import Agreement, agreement
from lrp_audit.checks.curves import curves
from lrp_audit.checks.full import NOTHING, FullEvidence
from lrp_audit.checks.putback import PutBack
from lrp_audit.checks.stability import Stability
from lrp_audit.errors import DataError

STRETCHES = 12  # of words, at most, that curves put in order
CURVE_ORDERS = 2  # random ones, each with its opposite
RANDOM_MASKS = 5

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Families = Mapping[str, float]
Judge = Callable[[Sequence[TextRelevance], Sequence[int]], Sequence[tuple[Families, set[str]]]]
"""Explanations of some rows, and the rows' positions -> families of each with their relevance, and those stated."""

_CURLY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"})
_STRAIGHT = str.maketrans({"'": "\u2019", '"': "\u201d"})
_BLANKS = str.maketrans({"\n": " ", "\r": " ", "\t": " ", "\u00a0": " "})


@dataclass(frozen=True)
class Explained:
    """Texts with their explanations, N of them.

    Attributes:
        tables: the module's float inputs by name, a row for each text.
        relevance: of every text's words.
        families: of every text, with their relevance.
        stated: the principal families of every text.
        claimed: for every text whether a stated family claims each of its words.
    """

    texts: Sequence[Text]
    tables: Mapping[str, Tensor]
    relevance: Sequence[TextRelevance]
    families: Sequence[Families]
    stated: Sequence[set[str]]
    claimed: Sequence[Sequence[bool]]


def edits(text: Text) -> list[Text]:
    """The text in lower case, with plain and with typographic punctuation, with plain blanks: those that differ.

    Every character stays where it is. Of a pair both texts are edited alike.
    """
    found: list[Text] = [*_edited(text)] if isinstance(text, str) else [*zip(*map(_edited, text), strict=True)]
    return [one for one in dict.fromkeys(found) if one != text]


def _edited(text: str) -> list[str]:
    lower = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)
    return [lower, *(text.translate(table) for table in (_CURLY, _STRAIGHT, _BLANKS))]


def gather_text_full(
    explainer: TextExplainer, target: Target, given: Explained, judge: Judge, *, seed: int
) -> list[FullEvidence]:
    """The checks of every text, each as the evidence of a single row."""
    gradients = _gradients(explainer, target, given, judge)
    moved = _stability(explainer, target, given, judge)
    found = []
    for row, text in enumerate(given.texts):
        table = {name: value[row : row + 1] for name, value in given.tables.items()}
        masked = masked_text(explainer.model, target, text, table)
        words = [word.relevance for passage in given.relevance[row].passages for word in passage.words]
        measured = _masking(masked, np.array(words), np.array(given.claimed[row], dtype=bool), seed)
        compared, missed = gradients[row]
        found.append(replace(measured, stability=moved[row], gradients=compared, completeness=missed))
    return found


def _gradients(
    explainer: TextExplainer, target: Target, given: Explained, judge: Judge
) -> list[tuple[Agreement | None, FloatArray]]:
    found = integrated_gradients(explainer, given.texts, target, given.tables)
    if found is None:
        return [(None, np.zeros(1)) for _ in given.texts]
    evidence: list[tuple[Agreement | None, FloatArray]] = []
    for row, (families, _) in enumerate(judge(found, range(len(found)))):
        names = sorted({*families, *given.families[row]})
        first, second = (np.array([[one.get(name, 0.0) for name in names]]) for one in (given.families[row], families))
        stated = np.array([[name in given.stated[row] for name in names]])
        missed = abs(found[row].sinks.get(QUADRATURE, 0.0)) / (abs(found[row].margin) + np.abs(second).sum() or 1.0)
        evidence.append((agreement(first, second, stated), np.array([missed])))
    return evidence


def _stability(explainer: TextExplainer, target: Target, given: Explained, judge: Judge) -> list[Stability | None]:
    """All edits of all texts are explained together; None for a text that no edit changes."""
    rows, edited = [], []
    for row, text in enumerate(given.texts):
        for one in edits(text):
            if _readable(explainer.model, one):
                rows.append(row)
                edited.append(one)
    if not rows:
        return [None] * len(given.texts)
    tables = {name: value[rows] for name, value in given.tables.items()}
    judged = judge(explainer.explain(edited, target, tables), rows)
    found: list[Stability | None] = []
    for row, families in enumerate(given.families):
        moved = [judged[place] for place, owner in enumerate(rows) if owner == row]
        size = np.sqrt(sum(value**2 for value in families.values()))
        kept = [name for name in given.stated[row] if all(name in stated for _, stated in moved)]
        apart = [_distance(families, other) for other, _ in moved]
        change = np.array([max(apart, default=0.0) / size if size > 0 else 0.0])
        found.append(Stability(np.array([len(kept)]), change, None) if moved else None)
    return found


def _readable(model: TextModel, text: Text) -> bool:
    try:
        model.encode([text])
    except DataError:
        return False
    return True


def _distance(first: Families, second: Families) -> float:
    names = {*first, *second}
    return float(np.sqrt(sum((first.get(name, 0.0) - second.get(name, 0.0)) ** 2 for name in names)))


def _masking(masked: MaskedText, relevance: FloatArray, claimed: BoolArray, seed: int) -> FullEvidence:
    """Sufficiency of the stated words, where there are others, and the curves of stretches of words."""
    stretch = np.arange(len(relevance)) * min(len(relevance), STRETCHES) // len(relevance)
    deletion, insertion = curves(
        lambda back: masked.margins(back[:, 0, stretch])[:, None],
        np.bincount(stretch, relevance)[None].astype(np.float64),
        draws=CURVE_ORDERS,
        seed=seed,
    )
    found = replace(NOTHING, deletion=deletion, insertion=insertion)
    if not 0 < claimed.sum() < len(claimed):
        return found
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(len(claimed)) >= claimed.sum() for _ in range(RANDOM_MASKS)]
    margin, others, *random = masked.margins(np.array([np.zeros_like(claimed), ~claimed, *drawn]))
    return replace(found, sufficiency=PutBack(np.array([margin - others]), np.array([margin - np.mean(random)])))
