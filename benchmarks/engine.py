"""How long relevance takes, beside a plain forward and backward pass, zennit, captum and shap.

    python benchmarks/engine.py             # about four minutes
    python benchmarks/engine.py --quick     # a minute, noisier
    python benchmarks/engine.py --threads 4

The networks are multilayer perceptrons with ReLU units: 64-256-256-2 in float32, for one row and for batches of 8 and
of 4096, with signed and with non-negative inputs; and 23-64-32-1 in float64, for a table of applicants and a
population of 64. Where there is a CUDA device, all of it is measured there too, the former in float32 and bfloat16.
"forward + backward" is gradient x input. How they are measured is said in harness.py. What a method does once per model
(capture here, registering hooks in zennit) is outside the timing; captum has no such step. A peer that is not installed
is left out. The table goes to the terminal, the same as JSON to benchmarks/results/engine.json, and what a CUDA device
did to engine-cuda.json.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product

import harness  # the script beside this one
import torch
from harness import BASELINE, PROCESSOR, Method, Place
from peers.relevance import captum_methods, perceptron, population_methods, zennit_methods
from torch import Tensor, nn

from lrp_audit import Population
from lrp_audit.engine import capture, preset, propagate

TARGET = 1
BUDGET = {"cpu": 35.0, "cuda": 5.0}  # seconds for a workload; on a CUDA device a call takes a millisecond
OURS = ("lrp0", "epsilon", "gamma", "alpha-beta", "zplus")


def forward(network: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return network(x)


def gradient(network: nn.Module, x: Tensor) -> Tensor:
    leaf = x.detach().requires_grad_()
    return torch.autograd.grad(network(leaf)[:, TARGET].sum(), leaf)[0] * x


def ours(network: nn.Module, x: Tensor, rules: tuple[str, ...] = OURS) -> Iterator[tuple[str, Method]]:
    graph = capture(network, x)

    def method(rule: str) -> Method:
        composite = preset(rule)
        return lambda: propagate(graph, x, target=TARGET, composite=composite)

    return ((f"lrp_audit {rule}", method(rule)) for rule in rules)


def dense_workload(rows: int, *, signed: bool, hooks: ExitStack, place: Place = PROCESSOR) -> dict[str, Method]:
    network = perceptron(64, 256, 256, 2, dtype=place.dtype).to(place.device)
    x = torch.randn(rows, 64, generator=torch.Generator().manual_seed(1))
    x = (x if signed else x.abs()).to(place.device, place.dtype)
    return {
        "forward": lambda: forward(network, x),
        BASELINE: lambda: gradient(network, x),
        **dict(ours(network, x)),
        **dict(zennit_methods(network, x, TARGET, hooks)),
        **dict(captum_methods(network, x, TARGET, signed=signed)),
    }


def population_workload(rows: int, members: int = 64, device: str = "cpu") -> dict[str, Method]:
    """Relevance of `rows` applicants over `members` references; the baseline differentiates as many pairs."""
    network = perceptron(23, 64, 32, 1, dtype=torch.float64).to(device)
    random_rows = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 23, generator=random_rows, dtype=torch.float64).to(device)
    reference = torch.randn(members, 23, generator=random_rows, dtype=torch.float64).to(device)
    graph, composite, population = capture(network, x), preset("lrp0"), Population({"input": reference})
    pairs = x.repeat_interleave(members, dim=0)

    def pair_gradients() -> Tensor:
        leaf = pairs.detach().requires_grad_()
        return torch.autograd.grad(network(leaf).sum(), leaf)[0]

    return {
        BASELINE: pair_gradients,
        "lrp_audit lrp0": lambda: propagate(graph, x, target=0, composite=composite, reference=population),
        **dict(population_methods(network, x, reference)),
    }


def run(device: str, *, quick: bool) -> list[harness.Timing]:
    budget, applicants = (4.0, 100) if quick else (BUDGET[device], 1000)
    timings: list[harness.Timing] = []
    with harness.quiet(), ExitStack() as hooks:
        workloads = ((4096, True, 1), (4096, False, 1), (8, True, 20), (1, True, 20))
        for place, (rows, signed, calls) in product(harness.places(device), workloads):
            methods = dense_workload(rows, signed=signed, hooks=hooks, place=place)
            name = f"{rows} row{'s' * (rows > 1)}, {'signed' if signed else 'non-negative'} inputs"
            timings += harness.measure(name, methods, rows=rows, budget=budget, calls=calls, place=place)
        methods = population_workload(applicants, device=device)
        name, place = f"{applicants} rows, population of 64", Place(device, torch.float64)
        timings += harness.measure(name, methods, rows=applicants, budget=budget, place=place)
    return timings


def main() -> None:
    arguments = harness.parser(__doc__ or "").parse_args()
    torch.set_num_threads(arguments.threads)
    for device in [arguments.device] if arguments.device else harness.devices():
        timings = run(device, quick=arguments.quick)
        harness.keep("engine", device, timings, "torch", "zennit", "captum", "shap", quick=arguments.quick)


if __name__ == "__main__":
    main()
