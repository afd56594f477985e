"""LXT in a process and an environment of its own (see `lxt_models.py`), for `text.py`.

Reads `prepare BATCH TOKENS`, `run` and `memory` from its standard input, one a line, and answers each with one number:
`run` with the seconds that one call took, `memory` with the MiB that it held.
"""

import sys
import time

import torch
from lxt_models import patched, relevance  # the file beside this one
from torch.profiler import ProfilerActivity, profile


def bert_base() -> torch.nn.Module:
    """A BERT-base of random weights in LXT's own classes."""
    modeling = patched("bert")
    torch.manual_seed(0)
    return modeling.BertForSequenceClassification(modeling.BertConfig()).eval().requires_grad_(False)


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


def seconds(model: torch.nn.Module, ids: torch.Tensor) -> float:
    """By the clock of `engine.clock`."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    relevance(model, ids)
    return clock() - start


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]))
    model = bert_base()
    ids = torch.empty(0)
    for line in sys.stdin:
        command, *numbers = line.split()
        if command == "prepare":
            batch, tokens = map(int, numbers)
            ids = torch.randint(1000, 30000, (batch, tokens), generator=torch.Generator().manual_seed(1))
        print(peak_memory(model, ids) if command == "memory" else seconds(model, ids), flush=True)


if __name__ == "__main__":
    main()
