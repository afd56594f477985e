"""Against LXT 2.1 ("efficient") with transformers 4.57.6, by its authors: the same weights in both, float64.

LXT patches classes for its whole process, so every comparison has a process of its own, in the environment that
`./run test --all` sets up. Biases are random, so that a rule for them would show.

AttnLRP: no rule differs. LXT divides activations by x + 1e-10 where the engine divides by x and takes the limit at 0;
that is all that remains (below 1e-7 of the largest relevance). It would differ where f(0) is not 0 (a sigmoid or
softplus on the path at x = 0), which no activation of these architectures is.

CP-LRP: LXT also holds the gate of a gated network constant, so that all relevance goes through the other factor. Our
preset holds attention weights alone, as Ali et al. 2022 do, and gives each factor half; one more case says the same.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from oracle_networks import assert_same
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lrp_audit.engine import Attribution, Case, Composite, Constant, capture, preset, propagate

PYTHON = Path(sys.prefix) / "lxt" / "bin" / "python"
SCRIPT = Path(__file__).with_name("lxt_process.py")
PEERS = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"
VOCABULARY = 64
CONFIGURATION = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
    "pad_token_id": 1,
    "num_labels": 3,
    "initializer_range": 0.3,
}
OWN = {
    "Bert": {},
    "GPT2": {"n_embd": 16, "n_layer": 3, "n_head": 4, "n_positions": 32},
    "Llama": {"num_key_value_heads": 2},
    "Qwen2": {"num_key_value_heads": 2},
    "Qwen3": {"num_key_value_heads": 2, "head_dim": 8},
}
CONSTANT_GATE = Case(Constant(), operator="silu*")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="there is no environment with LXT; `./run test --all` sets one up"),
]


def classifier(kind: str) -> nn.Module:
    config = getattr(transformers, f"{kind}Config")(**CONFIGURATION, **OWN[kind])
    model = transformers.AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa")
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.3)
    model.config.use_cache = False
    return model.double().eval().requires_grad_(False)


def token_ids(rows: int, length: int) -> Tensor:
    return torch.randint(3, VOCABULARY, (rows, length))


def by_lxt(folder: Path, kind: str, model: nn.Module, ids: Tensor, rules: str) -> dict[str, Tensor]:
    settings: dict[str, Any] = {
        "architecture": kind.lower(),
        "class": type(model).__name__,
        "configuration": CONFIGURATION | OWN[kind],
        "rules": rules,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    save_file(model.state_dict(), folder / "weights.safetensors")
    save_file({"ids": ids}, folder / "ids.safetensors")
    environment = {**os.environ, "PYTHONPATH": str(PEERS), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [PYTHON, SCRIPT, folder], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return load_file(folder / "found.safetensors")


def by_us(model: nn.Module, ids: Tensor, rules: Composite) -> Attribution:
    """Captured at another batch and length."""
    graph = capture(model, _inputs(token_ids(2, 7)))
    return propagate(graph, _inputs(ids), target=(1, 0), composite=rules)


def _inputs(ids: Tensor) -> dict[str, Tensor]:
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


@pytest.mark.parametrize("kind", OWN)
def test_attnlrp(tmp_path: Path, kind: str) -> None:
    model, ids = classifier(kind), token_ids(4, 13)
    theirs = by_lxt(tmp_path, kind, model, ids, "attnLRP")
    ours = by_us(model, ids, preset("attnlrp"))
    assert_same(ours.output, theirs["logits"])
    assert_same(ours.relevance["input_ids"], theirs["relevance"])


@pytest.mark.parametrize("kind", ["GPT2", "Llama", "Qwen2"])
def test_cp_lrp(tmp_path: Path, kind: str) -> None:
    model, ids = classifier(kind), token_ids(4, 13)
    theirs = by_lxt(tmp_path, kind, model, ids, "cp_LRP")
    rules = preset("cp-lrp")
    plain = by_us(model, ids, rules).relevance["input_ids"]
    if kind == "GPT2":  # no gate
        assert_same(plain, theirs["relevance"])
        return
    assert (plain - theirs["relevance"]).abs().max() > 0.01 * theirs["relevance"].abs().max()
    held = by_us(model, ids, Composite((*rules.cases, CONSTANT_GATE)))
    assert_same(held.relevance["input_ids"], theirs["relevance"])
