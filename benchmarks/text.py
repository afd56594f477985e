"""How long the relevance of words takes on a BERT-base, beside its own forward and backward pass, LXT and captum.

    python benchmarks/text.py                       # about ten minutes
    python benchmarks/text.py --quick               # two minutes: one text at a time, few steps of integrated gradients
    python benchmarks/text.py --lxt-python PATH     # LXT by another Python than that which `./run bench` set up

The network has BERT-base's size (12 layers, 768 wide) and random weights, 128 tokens, one text and eight at once; where
there is a CUDA device there too, with 128 texts besides, in float32 and bfloat16, and once with torch's own leave to
multiply float32 matrices as TF32. A model in half precision is explained in float32. Every method explains class 1
over class 0.
"forward + backward" is gradient x input at the word embeddings: one forward and one backward pass, the least that any
method of this kind takes. Capture is once per model and stands above the table. LXT patches classes for its whole
process, so it runs in another one; it takes its turn in every round all the same, and is left out where there is no
environment for it. Integrated gradients take minutes a call on a processor: they are timed once, between two
passes forward and backward, and their memory is that of two steps, since every step is a pass of its own. How to read a
line is said in README.md.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import harness  # the script beside this one
import torch
from harness import Place
from torch import Tensor
from transformers import BertConfig, BertForSequenceClassification

from lrp_audit.engine import RelevanceGraph, capture, preset, propagate

TOKENS = 128
BATCHES = {"cpu": (1, 8), "cuda": (1, 8, 128)}
BUDGET = {"cpu": 60.0, "cuda": 5.0}  # seconds for a workload
TARGET = (1, 0)
LXT = "LXT 2.1"
LXT_PYTHON = Path(sys.prefix) / "lxt" / "bin" / "python"


class Worker:
    """LXT in the other process: `calls` explains once."""

    def __init__(self, python: str, place: Place) -> None:
        script, dtype = Path(__file__).parent / "peers" / "lxt_worker.py", str(place.dtype).removeprefix("torch.")
        command = [python, str(script), str(torch.get_num_threads()), place.device, dtype]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, line: str) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        answer = ""
        with suppress(BrokenPipeError):  # it has ended
            print(line, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("The environment of --lxt-python has no working lxt 2.1 with transformers 4.57.6.")
        return float(answer)


@contextmanager
def worker(python: str | None, place: Place) -> Iterator[Worker | None]:
    """The process of LXT, ended on leaving; None where no environment is named."""
    if python is None:
        yield None
        return
    other = Worker(python, place)
    try:
        yield other
    finally:
        other.process.kill()
        other.process.wait()


def network(place: Place) -> BertForSequenceClassification:
    torch.manual_seed(0)
    return BertForSequenceClassification(BertConfig()).eval().requires_grad_(False).to(place.device, place.dtype)


def token_ids(batch: int, device: str) -> Tensor:
    return torch.randint(1000, 30000, (batch, TOKENS), generator=torch.Generator().manual_seed(1)).to(device)


def margin(logits: Tensor) -> Tensor:
    return logits[:, TARGET[0]] - logits[:, TARGET[1]]


def forward(model: BertForSequenceClassification, ids: Tensor) -> Tensor:
    with torch.no_grad():
        return model(ids, attention_mask=torch.ones_like(ids)).logits


def gradient(model: BertForSequenceClassification, ids: Tensor) -> Tensor:
    embedded = model.get_input_embeddings()(ids).requires_grad_()
    logits = model(inputs_embeds=embedded, attention_mask=torch.ones_like(ids)).logits
    return (torch.autograd.grad(margin(logits).sum(), embedded)[0] * embedded).sum(-1)


def inputs(ids: Tensor) -> dict[str, Tensor]:
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def ours(graph: RelevanceGraph, ids: Tensor) -> dict[str, harness.Method]:
    attnlrp, cp_lrp, given = preset("attnlrp"), preset("cp-lrp"), inputs(ids)
    return {
        "lrp_audit attnlrp": lambda: propagate(graph, given, target=TARGET, composite=attnlrp),
        "lrp_audit attnlrp, with ledger": lambda: propagate(
            graph, given, target=TARGET, composite=attnlrp, ledger=True
        ),
        "lrp_audit cp-lrp": lambda: propagate(graph, given, target=TARGET, composite=cp_lrp),
    }


def in_tf32(method: harness.Method) -> harness.Method:
    def run() -> object:
        torch.set_float32_matmul_precision("high")
        try:
            return method()
        finally:
            torch.set_float32_matmul_precision("highest")

    return run


def integrated_gradients(
    model: BertForSequenceClassification, ids: Tensor, steps: int, place: Place
) -> Iterator[harness.Timing]:
    """captum's, with one gradient pass per step, as its `internal_batch_size` asks for; nothing without captum."""
    try:
        from captum.attr import LayerIntegratedGradients
    except ImportError:
        return
    twin = network(place)
    method = LayerIntegratedGradients(
        lambda tokens: margin(twin(tokens, attention_mask=torch.ones_like(tokens)).logits), twin.get_input_embeddings()
    )
    mask = torch.full_like(ids, 103)

    def taking(count: int) -> harness.Method:
        return lambda: method.attribute(ids, mask, n_steps=count, internal_batch_size=len(ids))

    memory = harness.peak_memory(taking(2), place)
    base = partial(gradient, model, ids)
    before, took, after = (harness.seconds(way, 1, place) for way in (base, taking(steps), base))
    name = f"captum integrated gradients, {steps} steps"
    ratio = took / statistics.mean((before, after))
    yield harness.Timing(place.named(workload_name(len(ids))), name, took, ratio, memory, len(ids) / took)


def workload(
    model: BertForSequenceClassification,
    graph: RelevanceGraph,
    batch: int,
    other: Worker | None,
    budget: float,
    place: Place,
) -> list[harness.Timing]:
    ids = token_ids(batch, place.device)
    own = ours(graph, ids)
    methods: dict[str, harness.Method | harness.Elsewhere] = {
        "forward": lambda: forward(model, ids),
        harness.BASELINE: lambda: gradient(model, ids),
        **own,
    }
    if place.cuda:
        methods["lrp_audit attnlrp, matrices in TF32"] = in_tf32(own["lrp_audit attnlrp"])
    if other is not None:
        other.ask(f"prepare {batch} {TOKENS}")
        methods[LXT] = harness.Elsewhere(lambda: other.ask("run"), lambda: other.ask("memory"))
    return harness.measure(workload_name(batch), methods, rows=batch, budget=budget, place=place)


def workload_name(batch: int) -> str:
    return f"{batch} text{'s' * (batch > 1)} of {TOKENS} tokens"


def run(place: Place, other: Worker | None, *, quick: bool) -> tuple[float, list[harness.Timing]]:
    model = network(place)
    started = time.perf_counter()
    graph = capture(model, inputs(token_ids(2, place.device)))
    captured = time.perf_counter() - started
    timings: list[harness.Timing] = []
    for batch in BATCHES[place.device][: 1 if quick else None]:
        timings += workload(model, graph, batch, other, budget=0 if quick else BUDGET[place.device], place=place)
        ids = token_ids(batch, place.device)
        timings += integrated_gradients(model, ids, steps=8 if quick else 32, place=place)
    return captured, timings


def main() -> None:
    parser = harness.parser(__doc__ or "")
    default = str(LXT_PYTHON) if LXT_PYTHON.exists() else None
    parser.add_argument("--lxt-python", default=default, help="Python with lxt 2.1 and transformers 4.57.6")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for device in [arguments.device] if arguments.device else harness.devices():
        timings: list[harness.Timing] = []
        seconds = {}
        for place in harness.places(device):
            with harness.quiet(), worker(arguments.lxt_python, place) as other:
                seconds[place.named("capture")], found = run(place, other, quick=arguments.quick)
            timings += found
        packages = ("torch", "transformers", "captum")
        harness.keep("text", device, timings, *packages, quick=arguments.quick, capture_seconds=seconds)


if __name__ == "__main__":
    main()
