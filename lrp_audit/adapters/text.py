"""Text classifiers: a text becomes token windows, relevance of tokens becomes relevance of words.

The score of a text that is longer than the model is the margin at the mean of its windows' logits, and relevance is the
mean over windows to match: a word that two windows read has one relevance, the sum of what it did in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from scipy.special import expit, softmax
from torch import Tensor, nn

from lrp_audit.adapters import huggingface
from lrp_audit.adapters.huggingface import Pretrained, TextLink
from lrp_audit.adapters.margins import Against, FloatArray, OutputScale, Target
from lrp_audit.adapters.windows import LongTexts, Reader, Text, Window
from lrp_audit.errors import ConfigError, DataError, UnsupportedModelError

Padding = Literal["left", "right", "none"]

ROWS_AT_ONCE = 16
DEFAULT_LIMIT = 512  # tokens read at once where neither model nor tokenizer states a limit
_PROBE_LENGTHS = (3, 9, 6, 9)
_PADDING_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class TextModel:
    """A user's text classifier, ready to be explained.

    Attributes:
        module: copy in evaluation mode, at least float32; returns logits, or an object that holds them.
        reader: from text to windows of token ids.
        inputs: the module's token inputs by name: ids, then `attention_mask` and `token_type_ids` if it takes them.
        tables: the module's float inputs by name, and how many columns each has.
        outputs: how many logits the module returns.
        classes: class names in order; none for a regression.
        link: from logits to probabilities; "sigmoid-multilabel" decides each class by itself.
        pad: id that fills up shorter rows.
        padding: on which side; "none" where texts of different length never share a batch.
        kind: in words.
        notes: sentences about the model that a reader of an audit should know.
    """

    module: nn.Module
    reader: Reader
    inputs: tuple[str, ...]
    tables: Mapping[str, int]
    outputs: int
    classes: tuple[str, ...]
    link: TextLink
    pad: int
    padding: Padding
    kind: str
    weights_sha256: str
    preprocessing_sha256: str
    notes: tuple[str, ...] = ()

    @property
    def max_tokens(self) -> int:
        """The most tokens read at once, special tokens included."""
        return self.reader.limit

    @property
    def device(self) -> torch.device:
        """Where the module's weights are."""
        return next((parameter.device for parameter in self.module.parameters()), torch.device("cpu"))

    def encode(self, texts: Sequence[Text]) -> tuple[Window, ...]:
        """Windows of all texts; see `Reader.read`."""
        return self.reader.read(texts)

    def margin_target(self, adverse: str, against: Against = "others") -> Target:
        """The adverse margin as a target on the logits; `+` is toward the adverse outcome.

        Raises:
            ConfigError: no such class, or no such comparison.
        """
        if self.link != "sigmoid-multilabel":
            return OutputScale(self.classes, self.link).target(adverse, against)
        if adverse not in self.classes:
            raise ConfigError(f"[decision] adverse = '{adverse}' is no label of the model ({', '.join(self.classes)}).")
        return self.classes.index(adverse)

    def logits(self, texts: Sequence[Text], tables: Mapping[str, Tensor] | None = None) -> Tensor:
        """Logits (N, outputs) in float64, means over each text's windows."""
        return self.logits_of(self.encode(texts), len(texts), tables)

    def logits_of(self, windows: Sequence[Window], texts: int, tables: Mapping[str, Tensor] | None = None) -> Tensor:
        """As `logits`, from the windows of a number of texts."""
        found = [torch.empty(0)] * len(windows)
        for positions in batches(windows, self.padding):
            inputs = self.tensors([windows[i] for i in positions], tables)
            for i, row in zip(positions, _forward(self.module, inputs), strict=True):
                found[i] = row.double().cpu()
        owner = torch.tensor([window.text for window in windows])
        sums = torch.zeros(texts, self.outputs, dtype=torch.float64).index_add(0, owner, torch.stack(found))
        return sums / torch.bincount(owner, minlength=texts).unsqueeze(1)

    def estimate(self, texts: Sequence[Text], tables: Mapping[str, Tensor] | None = None) -> FloatArray:
        """Probabilities (N, classes), each class by itself for a multi-label model; values (N,) of a regression."""
        logits = self.logits(texts, tables).numpy()
        if self.link == "identity":
            return np.asarray(logits[:, 0])
        if self.link == "logit":
            return np.asarray(np.hstack([expit(-logits), expit(logits)]))
        return np.asarray(expit(logits) if self.link == "sigmoid-multilabel" else softmax(logits, axis=1))

    def tensors(self, windows: Sequence[Window], tables: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Windows as the module takes them, filled up to the longest; with each window the table rows of its text."""
        width = max(map(len, windows))
        columns = {
            "input_ids": [self._fill(window.ids, self.pad, width) for window in windows],
            "attention_mask": [self._fill((1,) * len(window), 0, width) for window in windows],
            "token_type_ids": [self._fill(window.segments, 0, width) for window in windows],
        }
        columns[self.inputs[0]] = columns["input_ids"]
        found = {name: torch.tensor(columns[name], dtype=torch.long, device=self.device) for name in self.inputs}
        return found | self._rows(windows, tables or {})

    def example(self) -> dict[str, Tensor]:
        """Inputs of different length that show the module's graph."""
        return self.tensors(_probes(self), {name: torch.zeros(1, width) for name, width in self.tables.items()})

    def _fill(self, values: tuple[int, ...], filler: int, width: int) -> tuple[int, ...]:
        gap = (filler,) * (width - len(values))
        return gap + values if self.padding == "left" else values + gap

    def _rows(self, windows: Sequence[Window], tables: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if tables.keys() != self.tables.keys():
            raise DataError(f"The model takes the tables {sorted(self.tables)}, not {sorted(tables)}.")
        owner = [window.text for window in windows]
        dtype = next((weight.dtype for weight in self.module.parameters()), torch.float32)
        return {name: table[owner].to(self.device, dtype) for name, table in tables.items()}


def adapt(
    model: object,
    *,
    classes: Sequence[str] = (),
    link: TextLink | None = None,
    tables: Mapping[str, int] | None = None,
    max_tokens: int | None = None,
    template: str = "{text}",
    long_texts: LongTexts = "windows",
) -> TextModel:
    """Make a text classifier ready; the given model and tokenizer stay as they are.

    Args:
        model: what `huggingface.open_directory` returns, a `(model, tokenizer)` pair, or a text-classification
            pipeline. The model may be any torch module that takes token ids first (and, by these names,
            `attention_mask` and `token_type_ids`) and returns logits (N, outputs).
        classes: class names; by default those of the model's configuration.
        link: from logits to probabilities; by default as the library's own pipeline decides.
        tables: the module's float inputs by name, with their number of columns (mixed decisions).
        max_tokens: the most tokens to read at once; by default what model and tokenizer state.
        template: what the model reads instead of a text alone, with "{text}" in it (a prompt); shown apart.
        long_texts: "windows" reads a longer text in overlapping windows, "truncate" reads its beginning only (and every
            explanation says so), "refuse" raises.

    Raises:
        UnsupportedModelError: no logits per text, a slow tokenizer, or one whose ids the model does not have.
        ConfigError: classes that do not fit the number of logits.
    """
    pretrained = huggingface.unpack(model)
    if pretrained is None:
        raise UnsupportedModelError(
            f"A {type(model).__name__} is no text classifier; give a directory, a (model, tokenizer) pair or a "
            "text-classification pipeline."
        )
    draft = _draft(pretrained, dict(tables or {}), max_tokens, template, long_texts)
    outputs = _probe_outputs(draft)
    config = getattr(pretrained.model, "config", None)
    named, stated = huggingface.labels(config) if hasattr(config, "id2label") else ((), None)
    chosen = link or stated or ("logit" if outputs == 1 else "softmax")
    names = tuple(classes) or named or _default_names(outputs, chosen)
    _require_fit(names, chosen, outputs)
    return _with_padding(replace(draft, outputs=outputs, classes=names, link=chosen))


def batches(windows: Sequence[Window], padding: Padding, rows: int = ROWS_AT_ONCE) -> Iterator[list[int]]:
    """Positions of windows that share a batch, longest first; equal lengths only where nothing may be filled up."""
    order = sorted(range(len(windows)), key=lambda i: -len(windows[i]))
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) == rows or (padding == "none" and len(windows[batch[0]]) != len(windows[i]))):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _draft(
    pretrained: Pretrained, tables: dict[str, int], max_tokens: int | None, template: str, long_texts: LongTexts
) -> TextModel:
    module, tokenizer = pretrained.model, pretrained.tokenizer
    backend = huggingface.backend_tokenizer(tokenizer)
    huggingface.require_vocabulary(module, backend)
    huggingface.prepare(module)
    limits = [limit for limit in (max_tokens, huggingface.length_limit(module, tokenizer)) if limit is not None]
    reader = Reader(backend, min(limits, default=DEFAULT_LIMIT), tokenizer.unk_token_id, template, long_texts)
    return TextModel(
        module=module,
        reader=reader,
        inputs=huggingface.input_names(module, tokenizer),
        tables=tables,
        outputs=0,
        classes=(),
        link="softmax",
        pad=0 if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id),
        padding="none" if tokenizer.pad_token_id is None else _side(tokenizer.padding_side),
        kind=type(module).__name__,
        weights_sha256=huggingface.model_sha256(module),
        preprocessing_sha256=huggingface.tokenizer_sha256(backend, template),
    )


def _side(padding_side: str) -> Padding:
    return "left" if padding_side == "left" else "right"


def _default_names(outputs: int, link: TextLink) -> tuple[str, ...]:
    if link == "identity":
        return ()
    return tuple(f"LABEL_{i}" for i in range(2 if link == "logit" else outputs))


def _require_fit(names: tuple[str, ...], link: TextLink, outputs: int) -> None:
    expected = {"identity": 0, "logit": 2}.get(link, outputs)
    if len(names) != expected or (link in ("identity", "logit") and outputs != 1):
        raise ConfigError(
            f"The model has {outputs} output{'s' * (outputs != 1)} and the link {link!r}, which takes {expected} class "
            f"names, not {len(names)} ({', '.join(names) or 'none'})."
        )


def _probes(model: TextModel) -> list[Window]:
    """Windows of different lengths with ids from all over the vocabulary and the highest; no special ones inside."""
    tokenizer = model.reader.tokenizer
    frame = tokenizer.encode("").ids
    special = {id_ for id_, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    ordinary = sorted(set(tokenizer.get_vocab().values()) - special)
    probes = []
    for seed, length in enumerate(_PROBE_LENGTHS):
        content = [ordinary[-1], *(ordinary[(k + 1) * (seed + 3) * 7 % len(ordinary)] for k in range(length - 1))]
        ids = (*frame[:1], *content, *frame[1:])[: model.max_tokens]
        nothing = (None,) * len(ids)
        probes.append(Window(0, ids, (0,) * len(ids), ((0, 0),) * len(ids), nothing, nothing))
    return probes


def _probe_outputs(model: TextModel) -> int:
    """How many logits the module returns per text."""
    tables = {name: torch.zeros(1, width) for name, width in model.tables.items()}
    before = [type(module) for module in model.module.modules()]
    output = _forward(model.module, model.tensors(_probes(model)[:1] * 2, tables))
    if (after := [type(module) for module in model.module.modules()]) != before:
        changed = next(f"{a.__name__} by {b.__name__}" for a, b in zip(before, after, strict=False) if a is not b)
        raise UnsupportedModelError(
            f"{model.kind} replaces layers of its own as it runs ({changed}), so what it says depends on what it read "
            "before; save it with one kind of layer only."
        )
    if output.ndim != 2 or len(output) != 2:
        raise UnsupportedModelError(
            f"{model.kind} returns a tensor of shape {tuple(output.shape)} for two texts, not one row of logits for "
            "each; a model with a sequence classification head is needed."
        )
    if output.shape[1] > 1 and bool((output >= 0).all()) and torch.allclose(output.sum(1), torch.ones(2).to(output)):
        raise UnsupportedModelError(f"{model.kind} returns probabilities; let it return the logits before the softmax.")
    return output.shape[1]


def _with_padding(model: TextModel) -> TextModel:
    """Never fill up shorter texts where that changes the logits (no mask, or absolute positions that shift)."""
    if model.padding == "none":
        return model
    probes = _probes(model)
    tables = {name: torch.zeros(1, width) for name, width in model.tables.items()}
    together = _forward(model.module, model.example())
    alone = torch.cat([_forward(model.module, model.tensors([probe], tables)) for probe in probes])
    if "attention_mask" in model.inputs and (together - alone).abs().max() <= _PADDING_TOLERANCE * alone.abs().max():
        return model
    note = (
        f"Padding on the {model.padding} changes the logits of this model, so texts are never padded; where your own "
        "system pads them in batches, its scores differ from these."
    )
    return replace(model, padding="none", notes=(*model.notes, note))


def _forward(module: nn.Module, inputs: Mapping[str, Tensor]) -> Tensor:
    try:
        with torch.no_grad():
            return logits_from(module, inputs)
    except IndexError as error:
        ids = next(iter(inputs.values()))
        raise UnsupportedModelError(
            f"The tokenizer does not fit the model: {type(module).__name__} has no embedding for one of its token ids, "
            f"which go up to {int(ids.max())}."
        ) from error


def logits_from(module: nn.Module, inputs: Mapping[str, Tensor]) -> Tensor:
    """What a module says of its inputs, out of whatever it returns.

    Raises:
        UnsupportedModelError: it returns no logits.
    """
    output: Any = module(**inputs)
    if isinstance(output, Mapping):
        output = output.get("logits")
    elif isinstance(output, (tuple, list)):
        output = output[0]
    elif not isinstance(output, Tensor):
        output = getattr(output, "logits", None)
    if not isinstance(output, Tensor):
        raise UnsupportedModelError(
            f"{type(module).__name__} returns no logits; a model with a sequence classification head is needed."
        )
    return output
