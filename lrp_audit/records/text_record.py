"""What a record says about an explained text (CA-11): the text, masked, its words, and what they map to.

Offsets count Unicode characters of the masked text, from 0, the end excluded. `+` relevance is toward the adverse
outcome.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict


class ScoredSpan(Protocol):
    """A stretch of a text with its relevance: what every function here asks of a word."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def relevance(self) -> float: ...


class ExplainedPassage(Protocol):
    """One text with the relevance of its words, offsets of the original; `read` is how far the model has read it."""

    @property
    def text(self) -> str: ...
    @property
    def words(self) -> Sequence[ScoredSpan]: ...
    @property
    def read(self) -> int: ...
    def sentences(self, language: str = "en") -> Sequence[ScoredSpan]: ...


class ExplainedText(Protocol):
    """What the adapter of text models hands over: a text, or a pair of texts, and what is not in their words."""

    @property
    def passages(self) -> Sequence[ExplainedPassage]: ...
    @property
    def special(self) -> Mapping[str, float]: ...
    @property
    def sinks(self) -> Mapping[str, float]: ...
    @property
    def windows(self) -> int: ...


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TextWord(_Frozen):
    """A word, or a mask that stands for the words it hides, with their summed relevance."""

    start: int
    end: int
    relevance: float


class MappedSpan(_Frozen):
    """A stretch whose words a reason family claims, and the entry, pattern or label it was found by."""

    family: str
    start: int
    end: int
    relevance: float
    found_by: Literal["term", "pattern", "label", "special category"]
    expression: str


class SpecialContent(_Frozen):
    """What a text names of one special category or prohibited basis (regulations 2.5, 3.4)."""

    category: str
    rule: str
    protected: Literal["special", "prohibited", "age"]
    places: int
    relevance: float


class TextEvidence(_Frozen):
    """One explained text of one decision, masked."""

    column: str
    label: str
    date: dt.date | None = None
    text: str
    words: tuple[TextWord, ...]
    sentences: tuple[TextWord, ...] = ()
    special_tokens: dict[str, float] = {}  # tokens that are nobody's words, by name, e.g. "[CLS]"
    sinks: dict[str, float] = {}  # relevance that reached no token: position embeddings, biases, softmax ...
    windows: int = 1  # overlapping parts the model read the text in
    unread: int = 0  # words behind the end of what the model read
    masked: dict[str, int] = {}  # kind -> how many places
    special: tuple[SpecialContent, ...] = ()
    mapped: tuple[MappedSpan, ...] = ()
    unmapped: float = 0.0  # relevance of the words that no statement claims
