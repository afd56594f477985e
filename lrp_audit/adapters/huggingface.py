"""Hugging Face sequence classifiers: opened from a directory without running its code; what they say of themselves.

A directory is opened only if everything in it is data: a configuration of an architecture that the installed
`transformers` knows, weights as safetensors, a fast tokenizer as `tokenizer.json`.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import nn

from lrp_audit.adapters.digests import weights_sha256
from lrp_audit.errors import ModelFileError, UnsupportedModelError, UntrustedModelError

TextLink = Literal["logit", "softmax", "sigmoid-multilabel", "identity"]

_UNLIMITED = 10**9  # a tokenizer that knows no limit says 10^30
_QUIET_LOCK = threading.Lock()


@dataclass(frozen=True)
class Pretrained:
    """A sequence classifier of our own, which may be changed, and its tokenizer, which may not."""

    model: nn.Module
    tokenizer: transformers.PreTrainedTokenizerBase


def is_model_directory(path: Path) -> bool:
    """Whether this is a directory as `save_pretrained` writes it."""
    return (path / "config.json").is_file()


def open_directory(path: Path, *, trust: bool = False) -> Pretrained:
    """Open a sequence classifier and its tokenizer; nothing is downloaded.

    Args:
        path: a directory with `config.json`, `model.safetensors` (or its shards) and `tokenizer.json`.
        trust: also read pickled weights (`pytorch_model.bin`). Code in the directory is never run.

    Raises:
        ModelFileError: a file is missing, damaged, or does not fit the configuration.
        UntrustedModelError: the directory brings code, or weights that only `trust` may open.
        UnsupportedModelError: no classification head, quantised weights, an unknown architecture, a slow tokenizer.
    """
    settings = _read_json(path, "config.json")
    _refuse_code(path, settings)
    _refuse_unreadable(path, settings)
    pickled = _requires_pickle(path, trust)
    tokenizer = _open_tokenizer(path)
    return Pretrained(_open_model(path, pickled=pickled), tokenizer)


def unpack(model: object) -> Pretrained | None:
    """A `(model, tokenizer)` pair or a `pipeline("text-classification")`, the model copied; None for anything else.

    Raises:
        UnsupportedModelError: a pipeline of another kind, or a model that cannot be copied.
    """
    if isinstance(model, Pretrained):
        return model
    pipelines = sys.modules.get("transformers.pipelines")  # slow to import, and without it there is no pipeline
    if pipelines is not None and isinstance(model, pipelines.Pipeline):
        if not isinstance(model, pipelines.TextClassificationPipeline):
            raise UnsupportedModelError(
                f"A {type(model).__name__} does not classify texts; give a pipeline('text-classification')."
            )
        model = (model.model, model.tokenizer)
    if not isinstance(model, tuple) or len(model) != 2:
        return None
    module, tokenizer = model
    if not isinstance(module, nn.Module) or not isinstance(tokenizer, transformers.PreTrainedTokenizerBase):
        return None
    try:
        return Pretrained(copy.deepcopy(module), tokenizer)
    except Exception as error:
        raise UnsupportedModelError(f"{type(module).__name__} cannot be copied: {_first_line(error)}.") from error


def prepare(model: nn.Module) -> None:
    """Bring a model of our own into the state that is explained: evaluation mode, no half precision, no cache.

    A classifier that looks for the last token that is not padding, and knows no padding token, looks at the last token;
    it refuses batches only because it could not see padding. Texts of equal length have none, and no id is -1.
    """
    model.eval()
    if any(parameter.dtype in (torch.float16, torch.bfloat16) for parameter in model.parameters()):
        model.float()
    for settings in _settings(model):
        if getattr(settings, "use_cache", None):
            settings.use_cache = False
        if hasattr(settings, "pad_token_id") and settings.pad_token_id is None:
            settings.pad_token_id = -1


def _settings(model: nn.Module) -> list[Any]:
    """The model's configuration, and that of its text part where it has several."""
    config = getattr(model, "config", None)
    return [config, config.get_text_config()] if isinstance(config, transformers.PreTrainedConfig) else []


def backend_tokenizer(tokenizer: transformers.PreTrainedTokenizerBase) -> Tokenizer:
    """A copy of the tokenizer that cuts and pads nothing; the given one stays as it is.

    Raises:
        UnsupportedModelError: a slow tokenizer, which knows no character offsets.
    """
    if not tokenizer.is_fast:
        raise UnsupportedModelError(
            f"{type(tokenizer).__name__} is a slow tokenizer without character offsets; use the fast one of this model."
        )
    original: Tokenizer = tokenizer.backend_tokenizer
    own = Tokenizer.from_str(original.to_str())
    own.no_truncation()
    own.no_padding()
    own.encode_special_tokens = bool(tokenizer.split_special_tokens)
    return own


def tokenizer_sha256(tokenizer: Tokenizer, template: str) -> str:
    """SHA-256 over everything that decides how a text becomes ids."""
    settings = json.dumps([template, tokenizer.encode_special_tokens, tokenizer.to_str()])
    return hashlib.sha256(settings.encode()).hexdigest()


def model_sha256(model: nn.Module) -> str:
    """SHA-256 over parameters and buffers."""
    return weights_sha256(model.state_dict(keep_vars=True))


def input_names(model: nn.Module, tokenizer: transformers.PreTrainedTokenizerBase) -> tuple[str, ...]:
    """The model's first input, its token ids, and which of attention mask and token types it takes and gets."""
    first, *others = inspect.signature(model.forward).parameters
    given = {"attention_mask", *tokenizer.model_input_names}
    return (first, *(name for name in ("attention_mask", "token_type_ids") if name in others and name in given))


def require_vocabulary(model: nn.Module, tokenizer: Tokenizer) -> None:
    """Refuse a tokenizer with ids that the model has no embedding for.

    Raises:
        UnsupportedModelError: naming both sizes.
    """
    size = getattr(getattr(model, "config", None), "vocab_size", None)
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if size is not None and highest >= size:
        raise UnsupportedModelError(
            f"The tokenizer does not fit the model: its ids go up to {highest}, and the model has {size} embeddings; "
            "use the tokenizer that the model was trained with."
        )


def labels(config: Any) -> tuple[tuple[str, ...], TextLink]:
    """Classes and link by the rules of the library's own text-classification pipeline."""
    problem = getattr(config, "problem_type", None)
    names = tuple(str(name) for _, name in sorted(config.id2label.items()))
    if problem == "regression":
        if len(names) > 1:
            raise UnsupportedModelError(
                f"A regression on {len(names)} values is not one decision; explain one of them."
            )
        return (), "identity"
    if len(names) == 1:
        return (f"not {names[0]}", names[0]), "logit"
    return names, "sigmoid-multilabel" if problem == "multi_label_classification" else "softmax"


def length_limit(model: nn.Module, tokenizer: transformers.PreTrainedTokenizerBase) -> int | None:
    """The most tokens the model takes at once; None where neither side says.

    A position table whose rows up to `padding_idx` are reserved (positions counted from the ids, Liu et al. 2019) is
    shorter by those rows.
    """
    stated = getattr(getattr(model, "config", None), "max_position_embeddings", None)
    limits = [stated] if isinstance(stated, int) and stated > 0 else []
    limits += [
        table.num_embeddings - table.padding_idx - 1
        for table in model.modules()
        if isinstance(table, nn.Embedding) and table.num_embeddings == stated and table.padding_idx is not None
    ]
    if 0 < tokenizer.model_max_length < _UNLIMITED:
        limits.append(int(tokenizer.model_max_length))
    return min(limits, default=None)


def _read_json(path: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads((path / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFileError(f"{path} holds no {name}; give a directory written by save_pretrained.") from None
    except (ValueError, OSError, RecursionError) as error:
        raise ModelFileError(f"{path / name} cannot be read as JSON ({error}); save the model again.") from None
    if not isinstance(content, dict):
        raise ModelFileError(f"{path / name} is not a JSON object; save the model again.")
    return content


def _refuse_code(path: Path, settings: Mapping[str, Any]) -> None:
    sources = [settings]
    if (path / "tokenizer_config.json").is_file():
        sources.append(_read_json(path, "tokenizer_config.json"))
    if any("auto_map" in source for source in sources) or "custom_pipelines" in settings:
        raise UntrustedModelError(
            f"{path} wants to run its own code (auto_map); code from a model directory is never run, so open it "
            "yourself and give the (model, tokenizer) pair."
        )
    for key, value in _nested(settings):
        if key.endswith(("attn_implementation", "experts_implementation")) and "/" in str(value):
            raise UntrustedModelError(f"{path / 'config.json'} wants to load code from a hub ({key}); remove that key.")


def _nested(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key), item
            yield from _nested(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nested(item)


def _refuse_unreadable(path: Path, settings: Mapping[str, Any]) -> None:
    if "quantization_config" in settings:
        raise UnsupportedModelError(f"{path} holds quantised weights; save the model in float32 or bfloat16 first.")
    if (path / "adapter_config.json").is_file():
        raise UnsupportedModelError(
            f"{path} holds an adapter, not a model; merge it into its base model and save that."
        )
    kind = settings.get("model_type")
    if kind not in transformers.CONFIG_MAPPING:
        raise UnsupportedModelError(
            f"{path / 'config.json'} names the architecture {kind!r}, which transformers {transformers.__version__} "
            "does not know."
        )
    if not (path / "tokenizer.json").is_file():
        raise ModelFileError(
            f"{path} holds no tokenizer.json; save the model's fast tokenizer into it with tokenizer.save_pretrained."
        )


def _requires_pickle(path: Path, trust: bool) -> bool:
    if (path / "model.safetensors").is_file():
        return False
    if (path / "model.safetensors.index.json").is_file():
        shards = set(_read_json(path, "model.safetensors.index.json").get("weight_map", {}).values())
        if missing := sorted(str(shard) for shard in shards if not (path / Path(str(shard)).name).is_file()):
            raise ModelFileError(f"{path} lacks {missing[0]}, which model.safetensors.index.json names.")
        return False
    if not any(path.glob("pytorch_model*.bin*")):
        raise ModelFileError(f"{path} holds no model.safetensors; save the model again with save_pretrained.")
    if not trust:
        raise UntrustedModelError(
            f"{path} holds pickled weights only (pytorch_model.bin), which can run code when opened; save it as "
            "safetensors, or use --trust-model if you trust its origin."
        )
    return True


def _open_tokenizer(path: Path) -> transformers.PreTrainedTokenizerBase:
    try:
        with _quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the library raises whatever its parts raise, even bare Exception
        raise ModelFileError(
            f"{path}: the tokenizer cannot be opened ({_first_line(error)}); save it again."
        ) from error
    if not isinstance(tokenizer, transformers.PreTrainedTokenizerBase):
        raise UnsupportedModelError(f"{path}: {type(tokenizer).__name__} is not a tokenizer of texts.")
    return tokenizer


def _open_model(path: Path, *, pickled: bool) -> nn.Module:
    opener = transformers.AutoModelForSequenceClassification
    options = {"local_files_only": True, "trust_remote_code": False, "dtype": torch.float32}
    try:
        with _quiet():
            model, info = opener.from_pretrained(
                path, use_safetensors=not pickled, output_loading_info=True, weights_only=True, **options
            )
    except SafetensorError as error:
        raise ModelFileError(f"{path}: the weights are damaged or truncated ({_first_line(error)}).") from error
    except Exception as error:
        if "ignore_mismatched_sizes" in str(error):
            raise ModelFileError(f"{path}: the weights do not have the sizes that config.json states.") from error
        raise ModelFileError(f"{path}: the model cannot be opened ({_first_line(error)}).") from error
    if missing := sorted(info["missing_keys"]):
        raise UnsupportedModelError(
            f"{path} has no trained weights for {', '.join(missing[:3])}, so it is no sequence classifier; give a "
            "model with a classification head."
        )
    loaded: nn.Module = model
    return loaded


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


@contextmanager
def _quiet() -> Iterator[None]:
    """The library's reports and progress bars held back while it opens a file; what matters becomes our own error."""
    log = transformers.utils.logging
    with _QUIET_LOCK:
        verbosity, bars = log.get_verbosity(), log.is_progress_bar_enabled()
        log.set_verbosity(logging.CRITICAL)
        log.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            log.set_verbosity(verbosity)
            if bars:
                log.enable_progress_bar()  # type: ignore[no-untyped-call]
