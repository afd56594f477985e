"""Against captum on token inputs: gradient x input and integrated gradients at the word embeddings.

A network of ReLU and maxima without biases is linear between zero and any input, so there AttnLRP, gradient x input and
integrated gradients are one thing; with biases the first two still are. On a transformer they differ, and captum checks
the two that benchmarks/text_faithfulness.py measures AttnLRP against; the package itself has neither.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from engine_rules import only
from oracle_networks import assert_same, finished
from torch import Tensor, nn

from lrp_audit import relevance

attr = pytest.importorskip("captum.attr")

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PAD, MASK, VOCABULARY = 0, 103, 2200
TARGET = 1


class TextCNN(nn.Module):
    """Embedding, convolutions of two widths, ReLU, the maximum over positions, a linear head."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self.tokens = nn.Embedding(50, 8, padding_idx=PAD)
        self.convolutions = nn.ModuleList(nn.Conv1d(8, 6, width, padding="same", bias=bias) for width in (2, 3))
        self.head = nn.Linear(12, 3, bias=bias)

    def forward(self, ids: Tensor) -> Tensor:
        states = self.tokens(ids).transpose(1, 2)
        return self.head(torch.cat([torch.relu(layer(states)).amax(2) for layer in self.convolutions], 1))


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_attnlrp_on_a_piecewise_linear_network_is_gradient_times_input(bias: bool) -> None:
    network, ids = finished(TextCNN(bias=bias)), token_ids(5, 12, 50)
    ours = only(relevance(network, ids, target=TARGET, rules="attnlrp"))
    theirs = attr.LayerGradientXActivation(network, network.tokens).attribute(ids, target=TARGET)
    assert_same(ours, theirs.sum(-1).detach(), relative=1e-12)


def test_attnlrp_on_a_homogeneous_network_is_integrated_gradients_from_zero() -> None:
    network, ids = finished(TextCNN(bias=False)), token_ids(5, 12, 50)
    ours = only(relevance(network, ids, target=TARGET, rules="attnlrp"))
    zero = torch.full_like(ids, PAD)
    theirs = attr.LayerIntegratedGradients(network, network.tokens).attribute(ids, zero, target=TARGET, n_steps=5)
    assert_same(ours, theirs.sum(-1).detach(), relative=1e-12)


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the benchmark of faithfulness compares, on a small BERT."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import text_faithfulness

    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=32,
        initializer_range=0.3,
    )
    return text_faithfulness.Methods(finished(transformers.BertForSequenceClassification(config)), MASK)


def test_gradient_times_input_of_the_benchmark(methods: Any) -> None:
    ids = token_ids(1, 14, VOCABULARY)
    method = attr.LayerGradientXActivation(margin(methods.model), methods.model.get_input_embeddings())
    assert_same(methods.gradient(ids, 1)[None], method.attribute(ids).sum(-1).detach(), relative=1e-9)


def test_integrated_gradients_of_the_benchmark(methods: Any) -> None:
    import text_faithfulness

    ids = token_ids(1, 14, VOCABULARY)
    method = attr.LayerIntegratedGradients(margin(methods.model), methods.model.get_input_embeddings())
    theirs = method.attribute(ids, torch.full_like(ids, MASK), n_steps=text_faithfulness.STEPS, method="riemann_middle")
    assert_same(methods.integrated_gradients(ids, 1)[None], theirs.sum(-1).detach(), relative=1e-9)


def margin(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """Class 1 over class 0 (N,)."""

    def forward(ids: Tensor) -> Tensor:
        logits = model(ids, attention_mask=torch.ones_like(ids)).logits
        return logits[:, 1] - logits[:, 0]

    return forward


def token_ids(rows: int, length: int, vocabulary: int) -> Tensor:
    return torch.randint(1, vocabulary, (rows, length))
