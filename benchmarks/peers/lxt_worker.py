"""LXT in a process and an environment of its own (see `lxt_models.py`), for `text.py`.

Reads `prepare BATCH TOKENS`, `run` and `memory` from its standard input, one a line, and answers each with one number:
`run` with the seconds that one call took, `memory` with the MiB that it held.
"""

import sys
from pathlib import Path

import torch
from lxt_models import patched, relevance  # the file beside this one

sys.path.append(str(Path(__file__).resolve().parents[1]))
from harness import Place, peak_memory, seconds  # of the folder above


def bert_base(place: Place) -> torch.nn.Module:
    """A BERT-base of random weights in LXT's own classes."""
    modeling = patched("bert")
    torch.manual_seed(0)
    model = modeling.BertForSequenceClassification(modeling.BertConfig()).eval().requires_grad_(False)
    return model.to(place.device, place.dtype)


def main() -> None:
    threads, device, dtype = sys.argv[1:]
    torch.set_num_threads(int(threads))
    place = Place(device, getattr(torch, dtype))
    model = bert_base(place)
    ids = torch.empty(0)

    def explain() -> object:
        return relevance(model, ids)

    for line in sys.stdin:
        command, *numbers = line.split()
        if command == "prepare":
            batch, tokens = map(int, numbers)
            drawn = torch.randint(1000, 30000, (batch, tokens), generator=torch.Generator().manual_seed(1))
            ids = drawn.to(place.device)
        print(peak_memory(explain, place) if command == "memory" else seconds(explain, 1, place), flush=True)


if __name__ == "__main__":
    main()
