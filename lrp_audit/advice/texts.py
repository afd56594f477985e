"""Rules measured on a text classifier, word by word and from zero."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import Tensor

from lrp_audit.adapters.margins import margin_of
from lrp_audit.adapters.windows import Text
from lrp_audit.adapters.word_relevance import Passage, TextExplainer, TextRelevance
from lrp_audit.advice.losses import losses
from lrp_audit.advice.outcomes import Choice, Measured, NodeLoss, mean
from lrp_audit.checks.leave_out import leave_out, without
from lrp_audit.deciding.text_decisions import TextDecisions
from lrp_audit.engine import preset, propagate
from lrp_audit.errors import EngineError
from lrp_audit.validation.similarity import rank_similarity

RULES = ("attnlrp", "cp-lrp", "epsilon", "gamma", "alpha-beta", "zplus")
COMPARED, MOST_WORDS = 12, 60  # texts whose words are left out by halves, and how long they may be
HALVES = 48  # random ones of each, with their complements
WORDS = 4
STRONGEST = 0.2  # of a text's words are left out together
BOOKED = 8  # texts whose books are opened, operator by operator

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Texts:
    """A text classifier and what it is measured on: refused texts, and the tables beside them.

    Attributes:
        alone: whether the model reads one text and nothing else, so that words can be left out.
    """

    decisions: TextDecisions
    texts: Sequence[Text]
    tables: Mapping[str, Tensor]
    alone: bool

    @classmethod
    def of(cls, decisions: TextDecisions, rows: pd.DataFrame) -> Texts:
        """The texts of rows."""
        texts, tables = decisions.as_read(rows)
        return cls(decisions, texts, tables, not tables and decisions.section.pair is None)

    def choices(self) -> list[Choice]:
        """All presets that fit a transformer."""
        return [Choice(name, "zero", "zero", 1) for name in RULES]

    def measure(self, done: Callable[[], object]) -> Iterator[Measured]:
        """One row of the table after the other."""
        left_out = self._left_out() if self.alone else {}
        for choice in self.choices():
            yield self._measured(choice, left_out)
            done()

    def _measured(self, choice: Choice, left_out: Mapping[int, FloatArray]) -> Measured:
        ready = replace(self.decisions.explainer, composite=preset(choice.rules))
        began = time.process_time()
        try:
            found = ready.explain(self.texts, self.decisions.target, self.tables)
        except EngineError as error:
            return Measured(choice, error=str(error))
        explained = time.process_time()
        self.decisions.model.logits(self.texts, self.tables)
        forward = max(time.process_time() - explained, 1e-9)
        passages = [one.passages[0] for one in found]
        return Measured(
            choice,
            lost=mean([_remainder(one) for one in found]),
            faithful=self._faithful(passages) if self.alone else (),
            same=tuple(_same(passages[row], added) for row, added in left_out.items()),
            rank=rank_similarity([_values(passages[row]) for row in left_out], list(left_out.values())),
            cost=(explained - began) / forward,
            losses=self._losses(ready),
        )

    def _faithful(self, passages: Sequence[Passage]) -> tuple[float, ...]:
        stated = []
        for passage in passages:
            count = max(1, round(STRONGEST * len(passage.words)))
            strongest = set(np.argsort(-_values(passage), kind="stable")[:count].tolist())
            stated.append([word in strongest for word in range(len(passage.words))])
        found = leave_out(
            lambda some: self._margins(some).tolist() if some else [],
            [passage.text for passage in passages],
            [passage.words for passage in passages],
            stated,
            seed=0,
        )
        return tuple(math.nan if one is None else one.stated - one.random for one in found)

    def _left_out(self) -> dict[int, FloatArray]:
        """What each word adds to the margin, of the first texts that are short enough."""
        found = [one.passages[0] for one in self.decisions.explainer.explain(self.texts, self.decisions.target)]
        usable = [row for row, passage in enumerate(found) if 1 < len(passage.words) <= MOST_WORDS][:COMPARED]
        return {row: self._added(found[row]) for row in usable}

    def _added(self, passage: Passage) -> FloatArray:
        """Mean margin with each word less that without it, over random halves of the words and their complements.

        Sampled Banzhaf values. A word that is left out alone changes nothing where others say the same.
        """
        out = np.random.default_rng(0).random((HALVES, len(passage.words))) < 0.5
        out = np.vstack([out, ~out])
        out[out.all(1), 0] = False  # something has to be left to read
        margins = self._margins([without(passage.text, passage.words, row.tolist()) for row in out])
        kept = ~out
        return np.asarray(margins @ kept / kept.sum(0) - margins @ out / np.maximum(out.sum(0), 1))

    def _margins(self, texts: Sequence[str]) -> FloatArray:
        logits = self.decisions.model.logits(list(texts))
        return np.asarray(margin_of(logits, self.decisions.target).numpy())

    def _losses(self, ready: TextExplainer) -> tuple[NodeLoss, ...]:
        target, model = self.decisions.target, self.decisions.model
        if not isinstance(target, int | tuple):
            return ()
        windows = model.encode(self.texts[: 1 if model.padding == "none" else BOOKED])
        windows = windows[:1] if model.padding == "none" else windows
        inputs = model.tensors(windows, self.tables)
        books = propagate(ready.graph, inputs, target=target, composite=ready.composite, ledger=True).ledger
        assert books is not None
        return losses(books)


def _values(passage: Passage) -> FloatArray:
    return np.array([word.relevance for word in passage.words], dtype=np.float64)


def _same(passage: Passage, added: FloatArray) -> float:
    """Share of the four words of most relevance that also add most to the margin."""
    count = min(WORDS, len(added))
    first, second = (set(np.argsort(-values, kind="stable")[:count].tolist()) for values in (_values(passage), added))
    return len(first & second) / count


def _remainder(found: TextRelevance) -> float:
    """Share of what the rules lost or doubled in all that was attributed; constants of the model are not the rules'."""
    words = sum(abs(word.relevance) for passage in found.passages for word in passage.words)
    total = words + sum(map(abs, found.special.values())) + sum(map(abs, found.sinks.values()))
    return abs(found.sinks.get("remainder", 0.0)) / total if total else 0.0
