"""Hugging Face models go through the same engine, with no patches of their own."""

import pytest
import torch
from torch import nn

from lrp_audit.engine import capture, propagate

transformers = pytest.importorskip("transformers")

SIZES = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
    "num_labels": 3,
    "pad_token_id": 0,
}
GPT2_SIZES = {
    "vocab_size": 40,
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 32,
    "num_labels": 3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
MODELS = {
    "bert sdpa": ("Bert", SIZES | {"attn_implementation": "sdpa"}),
    "gpt2 eager": ("GPT2", GPT2_SIZES | {"attn_implementation": "eager"}),
    "llama sdpa": ("Llama", SIZES | {"num_key_value_heads": 2, "attn_implementation": "sdpa"}),
}
TOLERANCE = {"bert sdpa": 1e-12, "gpt2 eager": 1e-12, "llama sdpa": 1e-6}  # Llama norms in float32 by itself


def build(name: str) -> nn.Module:
    family, sizes = MODELS[name]
    config = getattr(transformers, f"{family}Config")(**sizes)
    model = getattr(transformers, f"{family}ForSequenceClassification")(config).double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


def without_biases(model: nn.Module) -> nn.Module:
    """Nothing is left that could keep relevance back: no biases, no position or segment embeddings."""
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or any(part in name for part in ("position", "token_type", "wpe")):
            nn.init.zeros_(parameter)
    return model


def texts(rows: int, length: int) -> dict[str, torch.Tensor]:
    ids = torch.randint(3, 40, (rows, length))
    mask = torch.ones_like(ids)
    mask[0, length - 2 :] = 0
    return {"input_ids": ids.where(mask.bool(), 0), "attention_mask": mask}


@pytest.mark.parametrize("name", MODELS)
def test_logits_books_and_conservation(name: str) -> None:
    model, inputs = build(name), texts(3, 11)
    graph = capture(model, texts(2, 7))
    logits = model(**inputs).logits.detach()
    for rules in ("attnlrp", "cp-lrp"):
        found = propagate(graph, inputs, target=1, composite=rules, ledger=True)
        assert set(found.relevance) == {"input_ids"}
        torch.testing.assert_close(found.output, logits, rtol=1e-9, atol=1e-9)
        assert found.ledger.imbalance.abs().max() < TOLERANCE[name]
        assert max(entry.imbalance.abs().max().item() for entry in found.ledger.entries) < TOLERANCE[name]
    graph = capture(without_biases(model), texts(2, 7))
    found = propagate(graph, inputs, target=1, composite="cp-lrp")
    torch.testing.assert_close(found.relevance["input_ids"].sum(1), found.output[:, 1], rtol=1e-7, atol=1e-7)
