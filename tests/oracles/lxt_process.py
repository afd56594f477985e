"""What LXT finds, for test_lxt.py: run by the Python of LXT's environment, with benchmarks/peers on its path.

Takes a folder with settings.json (architecture, model class, configuration, rules), weights.safetensors and
ids.safetensors; adds found.safetensors with relevance (N, tokens) and logits (N, classes), in float64.
"""

import json
import sys
from pathlib import Path

import torch
from lxt_models import patched, relevance
from safetensors.torch import load_file, save_file


def main() -> None:
    folder = Path(sys.argv[1])
    settings = json.loads((folder / "settings.json").read_text())
    modeling = patched(settings["architecture"], settings["rules"])
    model_class = getattr(modeling, settings["class"])
    configuration = model_class.config_class(**settings["configuration"])
    model = model_class._from_config(configuration, attn_implementation="sdpa", dtype=torch.float64)
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    found, logits = relevance(model.eval().requires_grad_(False), load_file(folder / "ids.safetensors")["ids"])
    save_file({"relevance": found, "logits": logits}, folder / "found.safetensors")


if __name__ == "__main__":
    main()
