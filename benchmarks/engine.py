"""How long relevance takes, beside a plain forward and backward pass, zennit and captum.

    python benchmarks/engine.py             # about three minutes
    python benchmarks/engine.py --quick     # half a minute, noisier
    python benchmarks/engine.py --threads 4

The networks are multilayer perceptrons with ReLU units: 64-256-256-2 in float32, for one row and for a batch of 4096,
with signed and with non-negative inputs; and 23-64-32-1 in float64, for a table of applicants and a population of 64.

All methods run in one process, one after the other in every round and in an order drawn anew for each round, so that a
slow moment of the machine falls on all of them. With one thread, the default, the clock is the process's own time on
the processor, so that other work on the machine counts little; with more threads it is the clock on the wall. A line
shows the median over rounds, the median over rounds of the ratio to forward + backward in the same round, and the most
memory that one call holds beyond its inputs. What a method does once per model (capture here, registering hooks in
zennit) is outside the timing; captum has no such step. A peer that is not installed is left out. The table goes to the
terminal, the same as JSON to benchmarks/results/engine.json.
"""

import argparse
import json
import platform
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from lrp_audit import Population
from lrp_audit.engine import capture, preset, propagate

RESULTS = Path(__file__).parent / "results" / "engine.json"
BASELINE = "forward + backward"
TARGET = 1
OURS = ("lrp0", "epsilon", "gamma", "alpha-beta", "zplus")
Method = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """One line of the table; times in seconds per call, memory in MiB, ratio to forward + backward."""

    workload: str
    method: str
    seconds: float
    ratio: float
    memory: float
    rows_per_second: float


@dataclass(frozen=True)
class Elsewhere:
    """A method in another process, which takes the time and counts the memory of a call itself."""

    seconds: Callable[[], float]
    memory: Callable[[], float]


def perceptron(*widths: int, dtype: torch.dtype) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1]).to(dtype).eval().requires_grad_(False)


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


def zennit_methods(network: nn.Sequential, x: Tensor, hooks: ExitStack) -> Iterator[tuple[str, Method]]:
    """Yield every rule on a network of its own, whose hooks stay registered until `hooks` closes."""
    # zennit imports torchvision only for the canonizers of torchvision's own models
    sys.modules.setdefault("zennit.torchvision", ModuleType("zennit.torchvision"))
    try:
        from zennit import composites, rules, types
        from zennit.attribution import Gradient
    except ImportError:
        return
    seed = nn.functional.one_hot(torch.tensor(TARGET), network(x[:1]).shape[1]).to(x)
    for name, rule in {
        "epsilon": rules.Epsilon(),
        "gamma": rules.Gamma(),
        "alpha-beta": rules.AlphaBeta(),
        "zplus": rules.ZPlus(),
    }.items():
        composite = composites.LayerMapComposite([(types.Activation, rules.Pass()), (nn.Linear, rule)])
        attribute = hooks.enter_context(Gradient(copy_of(network), composite))
        yield f"zennit {name}", lambda attribute=attribute: attribute(x.detach().requires_grad_(), lambda z: z * seed)


def captum_methods(network: nn.Sequential, x: Tensor, *, signed: bool) -> Iterator[tuple[str, Method]]:
    """Yield ε, and on non-negative inputs the two rules that captum defines for them alone."""
    try:
        from captum.attr import LRP
        from captum.attr._utils import lrp_rules
    except ImportError:
        return
    network = copy_of(network)

    def method(rule: Callable[[], Any]) -> Method:
        def attribute() -> object:
            for layer in network:
                if isinstance(layer, nn.Linear):
                    layer.rule = rule()
            return LRP(network).attribute(x, target=TARGET)

        return attribute

    yield "captum epsilon", method(lambda: lrp_rules.EpsilonRule(1e-6))
    if not signed:
        yield "captum gamma", method(lrp_rules.GammaRule)
        yield "captum zplus", method(lrp_rules.Alpha1_Beta0_Rule)


def copy_of(network: nn.Sequential) -> nn.Sequential:
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    widths = [layer.in_features for layer in layers] + [layers[-1].out_features]
    twin = perceptron(*widths, dtype=layers[0].weight.dtype)
    twin.load_state_dict(network.state_dict())
    return twin.requires_grad_(True)  # both peers need it


def dense_workload(rows: int, *, signed: bool, hooks: ExitStack) -> dict[str, Method]:
    network = perceptron(64, 256, 256, 2, dtype=torch.float32)
    x = torch.randn(rows, 64, generator=torch.Generator().manual_seed(1))
    x = x if signed else x.abs()
    return {
        "forward": lambda: forward(network, x),
        BASELINE: lambda: gradient(network, x),
        **dict(ours(network, x)),
        **dict(zennit_methods(network, x, hooks)),
        **dict(captum_methods(network, x, signed=signed)),
    }


def population_workload(rows: int, members: int = 64) -> dict[str, Method]:
    """Relevance of `rows` applicants over `members` references; the baseline differentiates as many pairs."""
    network = perceptron(23, 64, 32, 1, dtype=torch.float64)
    random_rows = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 23, generator=random_rows, dtype=torch.float64)
    reference = torch.randn(members, 23, generator=random_rows, dtype=torch.float64)
    graph, composite, population = capture(network, x), preset("lrp0"), Population({"input": reference})
    pairs = x.repeat_interleave(members, dim=0)

    def pair_gradients() -> Tensor:
        leaf = pairs.detach().requires_grad_()
        return torch.autograd.grad(network(leaf).sum(), leaf)[0]

    methods: dict[str, Method] = {
        BASELINE: pair_gradients,
        "lrp_audit lrp0": lambda: propagate(graph, x, target=0, composite=composite, reference=population),
    }
    try:
        from captum.attr import DeepLiftShap
    except ImportError:
        return methods
    twin = copy_of(network)
    return methods | {"captum DeepLiftShap": lambda: DeepLiftShap(twin).attribute(x, reference, target=0)}


def clock() -> float:
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def seconds(method: Method | Elsewhere, calls: int) -> float:
    if isinstance(method, Elsewhere):
        return sum(method.seconds() for _ in range(calls)) / calls
    start = clock()
    for _ in range(calls):
        method()
    return (clock() - start) / calls


def peak_memory(method: Method | Elsewhere) -> float:
    """MiB that one call holds at most, counted by torch's own allocator."""
    if isinstance(method, Elsewhere):
        return method.memory()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
        method()
    held = most = 0
    events = [event for event in trace.profiler.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most / 2**20


def measure(
    workload: str,
    methods: Mapping[str, Method | Elsewhere],
    *,
    rows: int,
    budget: float,
    calls: int = 1,
    least: int = 5,
) -> list[Timing]:
    """Take rounds for `budget` seconds, and at least `least`."""
    for method in methods.values():
        seconds(method, calls)  # caches fill and threads start
    memory = {name: peak_memory(method) for name, method in methods.items()}
    order, shuffle = list(methods), random.Random(0).shuffle
    taken: dict[str, list[float]] = {name: [] for name in methods}
    end = time.monotonic() + budget
    while time.monotonic() < end or len(taken[BASELINE]) < least:
        shuffle(order)
        for name in order:
            taken[name].append(seconds(methods[name], calls))
    timings = []
    for name, times in taken.items():
        ratio = statistics.median(t / base for t, base in zip(times, taken[BASELINE], strict=True))
        median = statistics.median(times)
        timings.append(Timing(workload, name, median, ratio, memory[name], rows / median))
    return timings


def run(*, quick: bool) -> list[Timing]:
    budget, applicants = (6.0, 100) if quick else (45.0, 1000)
    timings = []
    with quiet(), ExitStack() as hooks:
        for signed in (True, False):
            methods = dense_workload(4096, signed=signed, hooks=hooks)
            name = f"4096 rows, {'signed' if signed else 'non-negative'} inputs"
            timings += measure(name, methods, rows=4096, budget=budget)
        methods = dense_workload(1, signed=True, hooks=hooks)
        timings += measure("1 row, signed inputs", methods, rows=1, budget=budget, calls=20)
        methods = population_workload(applicants)
        name = f"{applicants} rows, population of 64, float64"
        timings += measure(name, methods, rows=applicants, budget=budget)
    return timings


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum says on every call that it registers hooks
        yield


def environment() -> dict[str, str | int]:
    found: dict[str, str | int] = {"python": platform.python_version(), "threads": torch.get_num_threads()}
    for package in ("torch", "zennit", "captum"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found | {"processor": processor()}


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def table(timings: list[Timing]) -> str:
    lines: list[str] = []
    workload = ""
    for t in timings:
        if t.workload != workload:
            workload = t.workload
            lines += ["", f"{workload:<44}{'ms':>10}{'ratio':>9}{'MiB':>8}{'rows/s':>12}"]
        lines.append(
            f"  {t.method:<42}{1e3 * t.seconds:>10.3f}{t.ratio:>9.2f}{t.memory:>8.1f}{t.rows_per_second:>12,.0f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--threads", type=int, default=1, help="threads that torch may use (default: 1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    timings = run(quick=arguments.quick)
    facts = environment()
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(table(timings))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"environment": facts, "timings": [asdict(t) for t in timings]}, indent=2) + "\n")
    print(f"\nwritten to {RESULTS.relative_to(Path(__file__).parent.parent)}")


if __name__ == "__main__":
    main()
