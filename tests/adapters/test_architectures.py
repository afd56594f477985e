"""Every architecture of the list, with no code for any of them: same logits, relevance row by row, closed books.

Random weights, rows and lengths that capture has not seen. What the models are is in `architectures.py`.
"""

from __future__ import annotations

import functools
import inspect
import re
from pathlib import Path

import pytest
import torch
from architectures import ARCHITECTURES, PAD, VOCABULARY, build
from torch import nn

from lrp_audit.engine import capture, propagate

README = Path(__file__).resolve().parents[2] / "README.md"
QUICK = ("BERT", "GPT-2", "Llama", "T5 encoder", "TextCNN", "BiLSTM")
TARGET = (1, 0)
END = 2


def names(chosen):
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in chosen]


def tokens(rows: int, length: int, seed: int = 0) -> torch.Tensor:
    ids = torch.randint(3, VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))
    ids[:, -1] = END
    return ids


def padded(ids: torch.Tensor, side: str, count: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask with padding on one side."""
    filler, mask = torch.full((len(ids), count), PAD), torch.ones_like(ids)
    order = 1 if side == "right" else -1
    return torch.cat([ids, filler][::order], 1), torch.cat([mask, torch.zeros_like(filler)][::order], 1)


def inputs(model: nn.Module, ids: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids) if mask is None else mask}
    return {name: given[name] for name in inspect.signature(model.forward).parameters if name in given}


def logits(model: nn.Module, given: dict[str, torch.Tensor]) -> torch.Tensor:
    output = model(**given)
    return output if isinstance(output, torch.Tensor) else output.logits


@functools.cache
def captured(name: str):
    model = build(name)
    ids, mask = padded(tokens(4, 5, seed=1), "right")
    return model, capture(model, inputs(model, ids, mask))


def explain(graph, given, rules="attnlrp", **options):
    return propagate(graph, given, target=TARGET, composite=rules, **options)


@pytest.mark.parametrize("name", names(ARCHITECTURES))
def test_logits_are_the_models_own_and_the_books_balance(name):
    model, graph = captured(name)
    given = inputs(model, tokens(3, 13))
    found = explain(graph, given, ledger=True)
    own = logits(model, given)
    torch.testing.assert_close(found.output, own.detach(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.explained, (own[:, 1] - own[:, 0]).detach(), rtol=1e-5, atol=1e-5)
    size = 1 + found.relevance["input_ids"].abs().sum(1) + sum(abs(sink) for sink in found.ledger.totals().values())
    assert (found.ledger.imbalance.abs() / size).max() < 1e-5
    assert found.relevance["input_ids"].abs().sum() > 0.01


@pytest.mark.parametrize("name", names(ARCHITECTURES))
def test_relevance_of_a_text_does_not_depend_on_its_neighbours(name):
    model, graph = captured(name)
    ids = tokens(3, 13)
    together = explain(graph, inputs(model, ids)).relevance["input_ids"]
    alone = torch.cat([explain(graph, inputs(model, row[None])).relevance["input_ids"] for row in ids])
    assert (together - alone).abs().max() < 1e-4 * together.abs().max()


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("name", names(ARCHITECTURES))
def test_relevance_does_not_depend_on_padding_where_the_logits_do_not(name, side):
    model, graph = captured(name)
    ids = tokens(3, 13)
    long, mask = padded(ids, side)
    given = inputs(model, long, mask)
    if "attention_mask" not in given:
        pytest.skip("the model takes no mask, so its texts are never padded")
    own = logits(model, inputs(model, ids)).detach()
    if side == "left" and (logits(model, given) - own).abs().max() > 1e-4 * own.abs().max():
        pytest.skip("padding on the left changes the model's own logits")
    plain = explain(graph, inputs(model, ids)).relevance["input_ids"]
    found = explain(graph, given).relevance["input_ids"]
    assert (found[mask == 1].reshape(plain.shape) - plain).abs().max() < 1e-4 * plain.abs().max()
    assert found[mask == 0].abs().max() < 1e-5 * plain.abs().max()


@pytest.mark.parametrize("name", names(ARCHITECTURES))
def test_without_biases_and_positions_tokens_and_the_constant_of_softmax_make_up_the_margin(name):
    model, graph = _without_biases_and_positions(name)
    given = inputs(model, tokens(3, 13))
    for rules, sinks in (("attnlrp", {"taylor"}), ("cp-lrp", set())):
        found = explain(graph, given, rules, ledger=True)
        booked = found.ledger.totals()
        assert booked.keys() <= sinks, rules
        total = found.relevance["input_ids"].sum(1) + sum(booked.values())
        torch.testing.assert_close(total, found.explained, rtol=1e-5, atol=1e-5)


def test_the_readme_names_these_architectures_and_no_others():
    rows = re.findall(r"^\| (.+) \| yes \|$", README.read_text(), re.MULTILINE)
    named = [re.sub(r" (with |in |\().*", "", name) for row in rows for name in row.split(", ")]
    assert sorted(named) == sorted({name.removesuffix(" eager").partition(",")[0] for name in ARCHITECTURES})


@functools.cache
def _without_biases_and_positions(name: str):
    model = build(name)
    for parameter_name, parameter in model.named_parameters():
        if re.search("bias|position|token_type|wpe", parameter_name):
            nn.init.zeros_(parameter)
    return model, capture(model, inputs(model, tokens(4, 9)))
