"""Tiny tokenizers and classifiers with random weights, built in the test itself."""

from __future__ import annotations

import functools
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SENTENCES = [
    "The loan was denied because of two late payments on the credit card.",
    "My account fee is far too high, and nobody at the bank answered my letter!",
    "Please close the account; the mortgage payment was lost twice this year.",
    "I am happy with the service, thank you for the quick help.",
]


@functools.cache  # training breaks ties at random
def _wordpiece() -> str:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer.to_str()


@functools.cache
def _byte_bpe() -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<pad>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    template = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A </s> $B", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template])
    return tokenizer.to_str()


def wordpiece(**options) -> transformers.PreTrainedTokenizerFast:
    """BERT's kind: lower case, pieces of words, [CLS] and [SEP]."""
    settings = {
        "unk_token": "[UNK]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "model_max_length": 48,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
    }
    own = Tokenizer.from_str(_wordpiece())
    return transformers.PreTrainedTokenizerFast(tokenizer_object=own, **(settings | options))


def byte_bpe(**options) -> transformers.PreTrainedTokenizerFast:
    """GPT-2's kind: bytes, so that nothing is unknown; <s> in front."""
    settings = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    own = Tokenizer.from_str(_byte_bpe())
    return transformers.PreTrainedTokenizerFast(tokenizer_object=own, **(settings | options))


def bert(tokenizer: transformers.PreTrainedTokenizerBase, seed: int = 0, **options) -> torch.nn.Module:
    """A BERT classifier of two layers with weights large enough for its logits to differ."""
    settings = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 48,
        "initializer_range": 0.3,
        "pad_token_id": tokenizer.pad_token_id,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return transformers.BertForSequenceClassification(transformers.BertConfig(**{**settings, **options}))


def save(path: Path, model: torch.nn.Module, tokenizer: transformers.PreTrainedTokenizerBase | None) -> Path:
    """Write a directory as users have it."""
    model.save_pretrained(path)
    if tokenizer is not None:
        tokenizer.save_pretrained(path)
    return path
