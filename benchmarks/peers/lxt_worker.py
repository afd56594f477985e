"""LXT in a process and an environment of its own, since it patches classes for the whole process (see `text.py`).

Needs lxt 2.1 and transformers 4.57, not the package measured. Reads `prepare BATCH TOKENS`, `run` and `memory` from its
standard input, one a line, and answers each with one line of JSON.
"""

import json
import sys
from types import ModuleType

import torch
from torch.profiler import ProfilerActivity, profile


def patched_bert() -> torch.nn.Module:
    """A BERT-base of random weights in LXT's own classes."""
    from transformers import BertConfig
    from transformers.models.bert import modeling_bert

    transformer = ModuleType("torchvision.models.vision_transformer")
    transformer.nn = torch.nn  # LXT imports torchvision for its vision models, which nothing here uses
    models = ModuleType("torchvision.models")
    models.vision_transformer = transformer
    sys.modules.update({"torchvision.models": models, "torchvision.models.vision_transformer": transformer})
    sys.modules["torchvision"] = ModuleType("torchvision")
    from lxt.efficient import monkey_patch

    monkey_patch(modeling_bert, verbose=False)
    torch.manual_seed(0)
    return modeling_bert.BertForSequenceClassification(BertConfig()).eval().requires_grad_(False)


def relevance(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    """Token relevance (N, tokens) of class 1 over class 0, as LXT's examples compute it."""
    embedded = model.get_input_embeddings()(ids).requires_grad_()
    logits = model(inputs_embeds=embedded, attention_mask=torch.ones_like(ids)).logits
    (logits[:, 1] - logits[:, 0]).sum().backward()
    return (embedded.grad * embedded).sum(-1)


def peak_memory(model: torch.nn.Module, ids: torch.Tensor) -> float:
    """MiB that one call holds at most, as `engine.peak_memory` counts."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
        relevance(model, ids)
    held = most = 0
    events = [event for event in trace.profiler.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most / 2**20


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]))
    model = patched_bert()
    ids = torch.empty(0)
    for line in sys.stdin:
        command, *numbers = line.split()
        if command == "prepare":
            batch, tokens = map(int, numbers)
            ids = torch.randint(1000, 30000, (batch, tokens), generator=torch.Generator().manual_seed(1))
        found = peak_memory(model, ids) if command == "memory" else relevance(model, ids).sum().item()
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
