"""Tiny random classifiers of every architecture that must work; one function each, no engine in here."""

from __future__ import annotations

import torch
import transformers as hf
from torch import nn

VOCABULARY, PAD = 64, 1
BASE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
    "pad_token_id": PAD,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "num_labels": 3,
    "initializer_range": 0.3,
}
GROUPED = {"num_key_value_heads": 1}
EXPERTS = {"num_experts_per_tok": 2}


def classifier(kind: str, **settings) -> nn.Module:
    """`<kind>ForSequenceClassification` from `<kind>Config`, with the attention its library chooses."""
    implementation = settings.pop("attention", "sdpa")
    config = getattr(hf, f"{kind}Config")(**{**BASE, **settings})
    return hf.AutoModelForSequenceClassification.from_config(config, attn_implementation=implementation)


class Pooled(nn.Module):
    """An encoder without a classifier of its own: mean over the tokens that are there, and a linear head."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(width, 3)

    def forward(self, input_ids, attention_mask):
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(2).to(states.dtype)
        return self.head((states * weights).sum(1) / weights.sum(1))


class PlainEncoder(nn.Module):
    """`nn.TransformerEncoder` with learned positions."""

    def __init__(self, **options) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, 16, padding_idx=PAD), nn.Embedding(64, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True, **options)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(16, 3)

    def forward(self, input_ids, attention_mask):
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        states = self.tokens(input_ids) + self.positions(positions)
        states = self.encoder(states, src_key_padding_mask=attention_mask == 0)
        return self.head(states[:, 0])


class TextCNN(nn.Module):
    """Kim 2014: convolutions of several widths, the maximum over positions, a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, 16, padding_idx=PAD)
        self.convolutions = nn.ModuleList(nn.Conv1d(16, 8, width, padding="same") for width in (2, 3, 4))
        self.dropout, self.head = nn.Dropout(0.5), nn.Linear(24, 3)

    def forward(self, input_ids):
        states = self.tokens(input_ids).transpose(1, 2)
        maxima = [torch.relu(convolution(states)).amax(2) for convolution in self.convolutions]
        return self.head(self.dropout(torch.cat(maxima, 1)))


class RecurrentText(nn.Module):
    """A bidirectional recurrent layer over packed sequences, its last states, a linear head."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, 16, padding_idx=PAD)
        self.layer, self.head = kind(16, 8, 2, batch_first=True, bidirectional=True), nn.Linear(16, 3)

    def forward(self, input_ids, attention_mask):
        states = nn.utils.rnn.pack_padded_sequence(
            self.tokens(input_ids), attention_mask.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, last = self.layer(states)
        last = last[0] if isinstance(last, tuple) else last
        return self.head(torch.cat([last[-2], last[-1]], 1))


def t5_encoder() -> nn.Module:
    """Relative positions, RMS norm, gated GELU; a linear head of our own."""
    config = hf.T5Config(
        vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    return Pooled(hf.T5EncoderModel(config), 16)


ARCHITECTURES = {
    "BERT": lambda: classifier("Bert"),
    "BERT eager": lambda: classifier("Bert", attention="eager"),
    "DistilBERT": lambda: classifier("DistilBert", dim=16, n_layers=2, n_heads=2, hidden_dim=24),
    "RoBERTa": lambda: classifier("Roberta", type_vocab_size=1),
    "XLM-RoBERTa": lambda: classifier("XLMRoberta", type_vocab_size=1),
    "ELECTRA": lambda: classifier("Electra", embedding_size=8),
    "ALBERT": lambda: classifier("Albert", embedding_size=8),
    "MPNet": lambda: classifier("MPNet", attention="eager"),
    "DeBERTa-v2": lambda: classifier(
        "DebertaV2",
        attention="eager",
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
    ),
    "DeBERTa-v3": lambda: classifier(
        "DebertaV2",
        attention="eager",
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        share_att_key=True,
        position_buckets=8,
        norm_rel_ebd="layer_norm",
    ),
    "ModernBERT": lambda: classifier(
        "ModernBert", local_attention=8, global_attn_every_n_layers=2, cls_token_id=0, sep_token_id=2
    ),
    "GPT-2": lambda: classifier("GPT2", n_embd=16, n_layer=2, n_head=2, n_positions=64),
    "OPT": lambda: classifier("OPT", ffn_dim=24, word_embed_proj_dim=16),
    "GPT-NeoX": lambda: classifier("GPTNeoX"),
    "Llama": lambda: classifier("Llama", **GROUPED),
    "Mistral": lambda: classifier("Mistral", **GROUPED, sliding_window=4),
    "Qwen2": lambda: classifier("Qwen2", **GROUPED),
    "Qwen3": lambda: classifier("Qwen3", **GROUPED, head_dim=8),
    "Gemma": lambda: classifier("Gemma", **GROUPED, head_dim=8),
    "Gemma-2 eager": lambda: classifier("Gemma2", attention="eager", **GROUPED, head_dim=8, sliding_window=4),
    "Gemma-3 text": lambda: classifier("Gemma3Text", **GROUPED, head_dim=8, sliding_window=4),
    "Phi": lambda: classifier("Phi"),
    "Phi-3": lambda: classifier("Phi3", **GROUPED),
    "T5 encoder": t5_encoder,
    "BigBird, full attention": lambda: classifier("BigBird", attention="eager", attention_type="original_full"),
    "Mixtral": lambda: classifier("Mixtral", **GROUPED, **EXPERTS, num_local_experts=4),
    "Qwen3-MoE": lambda: classifier(
        "Qwen3Moe", **GROUPED, **EXPERTS, num_experts=4, moe_intermediate_size=8, head_dim=8, decoder_sparse_step=1
    ),
    "nn.TransformerEncoder": PlainEncoder,
    "nn.TransformerEncoder, norm first, GELU": lambda: PlainEncoder(norm_first=True, activation="gelu"),
    "TextCNN": TextCNN,
    "BiLSTM": lambda: RecurrentText(nn.LSTM),
    "BiGRU": lambda: RecurrentText(nn.GRU),
}


def build(name: str) -> nn.Module:
    """The model, in evaluation mode; the same weights every time."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = ARCHITECTURES[name]().eval()
    if getattr(getattr(model, "config", None), "use_cache", False):
        model.config.use_cache = False
    return model
