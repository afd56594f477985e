"""Texts with words masked: their tokens replaced by the one that stands for nothing, all else as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lrp_audit.adapters.margins import FloatArray, Target, margin_of
from lrp_audit.adapters.text import TextModel
from lrp_audit.adapters.windows import Text, Window, passages
from lrp_audit.adapters.words import Span, token_shares, words

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


def neutral_token(model: TextModel) -> int:
    """The id that stands for nothing: a mask if the tokenizer has one, else what it does not know, or padding."""
    known = model.reader.tokenizer.get_added_tokens_decoder()
    masks = [id_ for id_, token in known.items() if token.special and "mask" in token.content.lower()]
    unknown = model.reader.unknown
    return masks[0] if masks else model.pad if unknown is None else unknown


@dataclass(frozen=True)
class MaskedText:
    """One text, or pair of texts, whose words can be masked.

    Attributes:
        windows: as the model reads it.
        owner: for every window the word of each of its tokens, -1 for tokens that are nobody's; words of the second
            text of a pair follow those of the first.
        words: how many there are.
        table: its row of the tables beside it.
    """

    model: TextModel
    target: Target
    windows: tuple[Window, ...]
    owner: tuple[IntArray, ...]
    words: int
    table: Mapping[str, Tensor]

    def margins(self, masked: BoolArray) -> FloatArray:
        """Margins of the text under several choices of masked words, (S, words); all run together. (S,)."""
        nothing = neutral_token(self.model)
        states = [
            replace(window, text=state, ids=tuple(np.where(out[owner] & (owner >= 0), nothing, window.ids).tolist()))
            for state, out in enumerate(masked)
            for window, owner in zip(self.windows, self.owner, strict=True)
        ]
        tables = {name: value.expand(len(masked), -1) for name, value in self.table.items()}
        logits = self.model.logits_of(states, len(masked), tables)
        return np.asarray(margin_of(logits, self.target).numpy(), dtype=np.float64)


def masked_text(model: TextModel, target: Target, text: Text, table: Mapping[str, Tensor]) -> MaskedText:
    """A text made ready; `table` holds its row of the module's float inputs."""
    spans = [words(passage) for passage in passages(text)]
    starts = np.cumsum([0, *(len(found) for found in spans)])
    windows = model.encode([text])
    owners = tuple(_owners(window, spans, starts) for window in windows)
    return MaskedText(model, target, windows, owners, int(starts[-1]), table)


def _owners(window: Window, spans: Sequence[Sequence[Span]], starts: IntArray) -> IntArray:
    """For every token the word that holds most of it."""
    owner = np.full(len(window), -1, dtype=np.intp)
    for number, found in enumerate(spans):
        chosen = [i for i, passage in enumerate(window.passages) if passage == number]
        shares = token_shares(found, [window.offsets[i] for i in chosen])
        for i, parts in zip(chosen, shares, strict=True):
            if parts:
                owner[i] = starts[number] + max(parts, key=lambda part: part.share).word
    return owner
