"""Relevance of token windows, brought back to the words a person wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lrp_audit.adapters.margins import FloatArray, Negative, Target, margin_of
from lrp_audit.adapters.text import Padding, TextModel, batches
from lrp_audit.adapters.windows import Text, Window, passages
from lrp_audit.adapters.words import Span, owners, paragraphs, phrases, sentences, token_shares, words
from lrp_audit.engine import Attribution, Composite, RelevanceGraph, capture, preset, propagate
from lrp_audit.errors import InputError, UnsupportedModelError

WHITE_SPACE = "white space"
PADDING = "padding"
SEGMENTS = "segment embeddings"
TARGET = "target"


@dataclass(frozen=True, slots=True)
class SpanRelevance:
    """Characters `start` to `end` of a text, and their relevance; `+` is toward the adverse outcome."""

    start: int
    end: int
    relevance: float


@dataclass(frozen=True)
class Passage:
    """One text with the relevance of its words.

    Attributes:
        words: in reading order; every character that is not white space lies in exactly one.
        read: how far the model has read; the text's length unless it was truncated.
    """

    text: str
    words: tuple[SpanRelevance, ...]
    read: int

    def sentences(self, language: str = "en") -> tuple[SpanRelevance, ...]:
        """Sentences with the summed relevance of their words."""
        return self._grouped(sentences(self.text, language))

    def paragraphs(self, language: str = "en") -> tuple[SpanRelevance, ...]:
        """Paragraphs with the summed relevance of their words."""
        return self._grouped(paragraphs(self.text, language))

    def phrases(self, language: str = "en") -> tuple[SpanRelevance, ...]:
        """Runs of words within a sentence by their total relevance, strongest first.

        A word of less than the mean absolute relevance does not make a phrase longer unless stronger ones follow.
        """
        values = [word.relevance for word in self.words]
        cost = float(np.abs(values).mean()) if values else 0.0
        runs = phrases(values, owners(_spans(self.words), sentences(self.text, language)), cost)
        return tuple(
            SpanRelevance(self.words[run.start].start, self.words[run.end - 1].end, sum(values[run.start : run.end]))
            for run in runs
        )

    def _grouped(self, spans: Sequence[Span]) -> tuple[SpanRelevance, ...]:
        sums = [0.0] * len(spans)
        for owner, word in zip(owners(_spans(self.words), spans), self.words, strict=True):
            sums[owner] += word.relevance
        return tuple(SpanRelevance(span.start, span.end, total) for span, total in zip(spans, sums, strict=True))


@dataclass(frozen=True)
class TextRelevance:
    """Why one text (or pair of texts) got its score.

    Attributes:
        passages: the text, or both texts of a pair.
        special: relevance of tokens that are not the person's text, by name: special tokens, white space, padding.
        sinks: relevance that reached no token, by name, as the engine's ledger books it; segment embeddings; what the
            target has of its own.
        tables: relevance of the float inputs, by name.
        margin: the adverse margin at the mean of the windows' logits.
        windows: how many windows were read.
    """

    passages: tuple[Passage, ...]
    special: Mapping[str, float]
    sinks: Mapping[str, float]
    tables: Mapping[str, FloatArray]
    margin: float
    windows: int

    @property
    def accounted(self) -> float:
        """Sum of all words, special tokens, sinks and tables: the margin, but for rounding."""
        from_words = sum(word.relevance for passage in self.passages for word in passage.words)
        from_tables = sum(float(table.sum()) for table in self.tables.values())
        return from_words + sum(self.special.values()) + sum(self.sinks.values()) + from_tables


@dataclass(frozen=True)
class TextExplainer:
    """A text classifier made ready to be asked why: its graph and the rules of the answer."""

    model: TextModel
    graph: RelevanceGraph
    composite: Composite

    def explain(
        self, texts: Sequence[Text], target: Target, tables: Mapping[str, Tensor] | None = None
    ) -> tuple[TextRelevance, ...]:
        """Relevance of the words of every text for a target on the logits.

        Args:
            texts: N texts, or pairs of texts.
            target: an output number, a pair of them, or a function (N, outputs) -> (N,), as `TextModel.margin_target`
                gives it. A function is explained by its linear part at the text's logits; the rest is a sink.
            tables: the module's float inputs by name, (N, columns) each.

        Raises:
            DataError: a text cannot be read; see `Reader.read`.
        """
        windows = self.model.encode(texts)
        weights, own = self.linear_part(target, texts, tables)
        books = [Book.empty(text) for text in texts]
        for positions in batches(windows, self.model.padding):
            group = [windows[i] for i in positions]
            seeds = weights[[window.text for window in group]].to(self.model.device)
            inputs = self.model.tensors(group, tables)
            result = propagate(self.graph, inputs, target=seeds, composite=self.composite, ledger=True)
            self._book(books, group, result)
        return tuple(book.close(float(rest)) for book, rest in zip(books, own, strict=True))

    def linear_part(
        self, target: Target, texts: Sequence[Text], tables: Mapping[str, Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """The target's derivative by the logits (N, outputs), and what is left of it beside that linear part (N,)."""
        linear = isinstance(target, int | tuple | Negative)
        shape = len(texts), self.model.outputs
        logits = torch.zeros(shape) if linear else self.model.logits(texts, tables)
        with torch.enable_grad():
            leaf = logits.requires_grad_()
            margin = margin_of(leaf, target)
            (weights,) = torch.autograd.grad(margin.sum(), leaf)
        return weights.float(), (margin - (weights * leaf).sum(1)).detach()

    def _book(self, books: Sequence[Book], group: Sequence[Window], result: Attribution) -> None:
        ids, *others = self.model.inputs
        relevance = {name: found.double().cpu().numpy() for name, found in result.relevance.items()}
        explained = result.explained.double().cpu().numpy()
        assert result.ledger is not None
        sinks = {name: value.double().cpu().numpy() for name, value in result.ledger.totals().items()}
        if "token_type_ids" in others:
            sinks[SEGMENTS] = relevance["token_type_ids"].sum(1)
        for row, window in enumerate(group):
            book = books[window.text]
            book.add_row(window, relevance[ids][row], self.model.padding)
            for name, value in sinks.items():
                book.add(book.sinks, name, float(value[row]))
            for name in self.model.tables:
                book.tables[name] = book.tables.get(name, 0.0) + relevance[name][row]
            book.margin += float(explained[row])
            book.windows += 1


@dataclass
class Book:
    """Sums over the windows of one text."""

    texts: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]
    words: tuple[FloatArray, ...]
    special: dict[str, float]
    sinks: dict[str, float]
    tables: dict[str, FloatArray]
    read: list[int]
    margin: float = 0.0
    windows: int = 0

    @classmethod
    def empty(cls, text: Text) -> Book:
        texts = passages(text)
        spans = tuple(words(passage) for passage in texts)
        return cls(
            texts, spans, tuple(np.zeros(len(found)) for found in spans), {}, {}, {}, [len(one) for one in texts]
        )

    @staticmethod
    def add(store: dict[str, float], name: str, value: float) -> None:
        if value:
            store[name] = store.get(name, 0.0) + value

    def add_row(self, window: Window, relevance: FloatArray, padding: Padding) -> None:
        """Add a row of tokens that may be filled up."""
        fill = len(relevance) - len(window)
        left = padding == "left"
        self.add_tokens(window, relevance[fill:] if left else relevance[: len(window)])
        self.add(self.special, PADDING, float((relevance[:fill] if left else relevance[len(window) :]).sum()))

    def add_tokens(self, window: Window, relevance: FloatArray) -> None:
        for number, spans in enumerate(self.spans):
            chosen = [i for i, passage in enumerate(window.passages) if passage == number]
            offsets = [window.offsets[i] for i in chosen]
            for i, shares in zip(chosen, token_shares(spans, offsets), strict=True):
                for share in shares:
                    self.words[number][share.word] += share.share * relevance[i]
                if not shares:
                    self.add(self.special, WHITE_SPACE, float(relevance[i]))
            if window.unread and offsets:
                self.read[number] = max(end for _, end in offsets)
        for name, value in zip(window.names, relevance, strict=True):
            if name is not None:
                self.add(self.special, name, float(value))

    def close(self, own: float) -> TextRelevance:
        """Means over windows; `own` is what the target has beside its linear part."""
        sinks = {name: value / self.windows for name, value in self.sinks.items()}
        self.add(sinks, TARGET, own)
        return TextRelevance(
            passages=tuple(
                Passage(text, _joined(spans, values / self.windows), read)
                for text, spans, values, read in zip(self.texts, self.spans, self.words, self.read, strict=True)
            ),
            special={name: value / self.windows for name, value in self.special.items()},
            sinks=sinks,
            tables={name: table / self.windows for name, table in self.tables.items()},
            margin=self.margin / self.windows + own,
            windows=self.windows,
        )


def explainer(model: TextModel, rules: str | Composite = "attnlrp") -> TextExplainer:
    """Capture the model's graph and make it ready.

    One text is explained at once, so that what cannot be explained is refused here.

    Raises:
        CaptureError, UnsupportedOperatorError: the network has no graph that relevance can flow through.
        UnsupportedModelError: its graph does not hold for a single text.
        RuleError: no such preset.
    """
    composite = preset(rules) if isinstance(rules, str) else rules
    example = model.example()
    graph = capture(model.module, example)
    single = {name: rows[:1] for name, rows in example.items()}
    try:
        propagate(graph, single, target=0, composite=composite, ledger=True)
    except InputError as error:
        raise UnsupportedModelError(
            f"{model.kind} cannot be explained, as what was captured of it does not hold for a single text: {error}"
        ) from error
    return TextExplainer(model, graph, composite)


def explain_texts(
    model: TextModel,
    texts: Sequence[Text],
    *,
    target: Target,
    rules: str | Composite = "attnlrp",
    tables: Mapping[str, Tensor] | None = None,
) -> tuple[TextRelevance, ...]:
    """Relevance of the words of some texts; `explainer` is cheaper for many calls."""
    return explainer(model, rules).explain(texts, target, tables)


def _spans(found: Sequence[SpanRelevance]) -> list[Span]:
    return [Span(word.start, word.end) for word in found]


def _joined(spans: Sequence[Span], values: FloatArray) -> tuple[SpanRelevance, ...]:
    return tuple(SpanRelevance(span.start, span.end, float(value)) for span, value in zip(spans, values, strict=True))
