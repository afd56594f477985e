"""Texts to token ids, in as many overlapping windows as the model needs; nothing is cut off without saying so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tokenizers import Tokenizer

from lrp_audit.adapters.words import require_text
from lrp_audit.errors import ConfigError, DataError

Passages = tuple[str] | tuple[str, str]
Text = str | tuple[str, str]
LongTexts = Literal["windows", "truncate", "refuse"]
PROMPT = "prompt"


@dataclass(frozen=True)
class Window:
    """What the model reads at once.

    Attributes:
        text: position of the text among those given.
        ids: token ids, special tokens included.
        segments: token type ids, as the tokenizer gives them.
        offsets: characters of each token in its passage.
        passages: for each token its passage: 0, 1 (the second of a pair), or None for a special token or the template.
        names: for each of the latter its name, else None.
        unread: how many tokens of the text no window holds, because the text was truncated.
    """

    text: int
    ids: tuple[int, ...]
    segments: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    passages: tuple[int | None, ...]
    names: tuple[str | None, ...]
    unread: int = 0

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Reader:
    """A tokenizer of our own copy, with no truncation and no padding set, and the length the model can take.

    Attributes:
        limit: the most tokens the model takes at once, special tokens included.
        unknown: id of the token that stands for what the vocabulary lacks.
        template: what the model reads instead of a text alone, with "{text}" in it; every window holds its words, which
            are no passage's.
        long_texts: what happens to a text that exceeds the limit. Windows are of equal length and overlap by at least a
            quarter of what fits, so that every word is read in context.
    """

    tokenizer: Tokenizer
    limit: int
    unknown: int | None = None
    template: str = "{text}"
    long_texts: LongTexts = "windows"

    def __post_init__(self) -> None:
        """Check the template."""
        if self.template.count("{text}") != 1:
            raise ConfigError(f"A template of texts holds {{text}} exactly once, and '{self.template}' does not.")

    def read(self, texts: Sequence[Text]) -> tuple[Window, ...]:
        """Windows of all texts, in order.

        Raises:
            DataError: a text is empty, holds control characters or surrogates, or nothing that the model knows; or it
                is too long, and cannot or must not be cut.
        """
        return tuple(window for position, text in enumerate(texts) for window in self._read(position, passages(text)))

    def _read(self, position: int, given: Passages) -> list[Window]:
        for passage in given:
            require_text(passage)
        whole = self._whole(given, position)
        self._require_known(whole)
        if len(whole) <= self.limit:
            return [whole]
        if self.long_texts == "refuse":
            raise DataError(
                f"The text has {len(whole)} tokens and the model reads {self.limit}; shorten it, or allow windows."
            )
        cuts = _cuts(whole, self.limit)
        if self.long_texts == "truncate":
            return [replace(_selected(whole, cuts[0]), unread=len(whole) - len(cuts[0]))]
        return [_selected(whole, kept) for kept in cuts]

    def _whole(self, given: Passages, position: int) -> Window:
        """All tokens of a text, however many."""
        before, after = self.template.split("{text}")
        if (before or after) and len(given) > 1:
            raise DataError("A template takes one text, not a pair.")
        encoding = self.tokenizer.encode(before + given[0] + after, *given[1:])
        owner = tuple(encoding.sequence_ids)
        names = tuple(
            None if passage is not None else token for passage, token in zip(owner, encoding.tokens, strict=True)
        )
        whole = Window(position, tuple(encoding.ids), tuple(encoding.type_ids), tuple(encoding.offsets), owner, names)
        return _without_prompt(whole, len(before), len(given[0])) if before or after else whole

    def _require_known(self, whole: Window) -> None:
        content = [id_ for id_, passage in zip(whole.ids, whole.passages, strict=True) if passage is not None]
        if all(id_ == self.unknown for id_ in content):
            raise DataError("The text holds no token that the model's vocabulary knows; there is nothing to explain.")


def passages(text: Text) -> Passages:
    """A text or a pair of texts, as a tuple."""
    return (text,) if isinstance(text, str) else text


def _without_prompt(whole: Window, start: int, length: int) -> Window:
    """Tokens outside `length` characters from `start` named as the prompt's; offsets counted from there."""
    offsets = tuple((max(a - start, 0), max(min(b - start, length), 0)) for a, b in whole.offsets)
    outside = [
        passage is not None and not (a < start + length and b > start)
        for passage, (a, b) in zip(whole.passages, whole.offsets, strict=True)
    ]
    owner = tuple(None if out else passage for passage, out in zip(whole.passages, outside, strict=True))
    names = tuple(PROMPT if out else name for name, out in zip(whole.names, outside, strict=True))
    return replace(whole, offsets=offsets, passages=owner, names=names)


def _selected(whole: Window, kept: Sequence[int]) -> Window:
    """Some of the tokens."""
    return Window(
        whole.text,
        tuple(whole.ids[i] for i in kept),
        tuple(whole.segments[i] for i in kept),
        tuple(whole.offsets[i] for i in kept),
        tuple(whole.passages[i] for i in kept),
        tuple(whole.names[i] for i in kept),
    )


def _cuts(whole: Window, limit: int) -> list[list[int]]:
    """Token positions of each window: special tokens, the shorter passage whole, and a slice of the longer one."""
    owner = whole.passages
    longer = max((0, 1), key=owner.count)
    content = [i for i, passage in enumerate(owner) if passage == longer]
    frame = [i for i, passage in enumerate(owner) if passage != longer]
    room = limit - len(frame)
    if room < limit // 4 or room < 1:
        raise DataError(
            f"Of the {limit} tokens that the model reads at once, {max(room, 0)} are left beside the other text of the "
            "pair or the template; shorten those."
        )
    return [sorted([*frame, *content[a:b]]) for a, b in _slices(len(content), room)]


def _slices(count: int, room: int) -> list[tuple[int, int]]:
    """Slices of at most `room` that cover `count` tokens, each overlapping the one before by a quarter of `room`."""
    overlap = room // 4
    windows = -(-(count - overlap) // (room - overlap))
    starts = [round(k * (count - room) / (windows - 1)) for k in range(windows)]
    return [(start, start + room) for start in starts]
