"""How the time and memory of methods are measured beside each other: what engine.py and text.py have in common.

All methods run in one process, one after the other in every round and in an order drawn anew for each round, so that a
slow moment of the machine falls on all of them; a method much slower than the others sits out after two rounds. With
one thread the clock is the process's own time on the processor, so that other work on the machine counts little; with
more threads, or on a CUDA device, it is the clock on the wall. A line shows the median over rounds, the median over
rounds of the ratio to forward + backward in the same round, and the most memory that one call holds beyond its inputs,
on a CUDA device there.
"""

import argparse
import random
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import kept  # the script beside this one
import torch
from torch.profiler import ProfilerActivity, profile

BASELINE = "forward + backward"
LEAST = 5  # rounds
SLOW, ENOUGH = 100, 2  # a method that takes as many times the baseline sits out after as many rounds
Method = Callable[[], object]


@dataclass(frozen=True)
class Place:
    """Where a workload runs, and in which numbers."""

    device: str
    dtype: torch.dtype

    @property
    def cuda(self) -> bool:
        return self.device == "cuda"

    def named(self, workload: str) -> str:
        if self == PROCESSOR:
            return workload
        return f"{workload}, {'CUDA ' * self.cuda}{str(self.dtype).removeprefix('torch.')}"

    def clock(self) -> float:
        if self.cuda:
            torch.cuda.synchronize()
        own_time = torch.get_num_threads() == 1 and not self.cuda
        return time.process_time() if own_time else time.perf_counter()


PROCESSOR = Place("cpu", torch.float32)
PRECISIONS = {"cpu": (torch.float32,), "cuda": (torch.float32, torch.bfloat16)}


def places(device: str) -> tuple[Place, ...]:
    return tuple(Place(device, dtype) for dtype in PRECISIONS[device])


def devices() -> tuple[str, ...]:
    """What this machine has of them."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def parser(description: str) -> argparse.ArgumentParser:
    """The arguments that both scripts have."""
    found = argparse.ArgumentParser(description=description.partition("\n")[0])
    found.add_argument("--quick", action="store_true", help="fewer rounds")
    found.add_argument("--threads", type=int, default=1, help="threads that torch may use (default: 1)")
    found.add_argument("--device", choices=devices(), help="measure on this one only (default: on all there are)")
    return found


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


def seconds(method: Method | Elsewhere, calls: int, place: Place = PROCESSOR) -> float:
    if isinstance(method, Elsewhere):
        return sum(method.seconds() for _ in range(calls)) / calls
    start = place.clock()
    for _ in range(calls):
        method()
    return (place.clock() - start) / calls


def peak_memory(method: Method | Elsewhere, place: Place = PROCESSOR) -> float:
    """MiB that one call holds at most, counted by torch's own allocator."""
    if isinstance(method, Elsewhere):
        return method.memory()
    if place.cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        method()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
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
    place: Place = PROCESSOR,
) -> list[Timing]:
    """Take rounds for `budget` seconds, and at least `LEAST`."""
    for method in methods.values():
        seconds(method, calls, place)  # caches fill and threads start
    memory = {name: peak_memory(method, place) for name, method in methods.items()}
    order, shuffle = list(methods), random.Random(0).shuffle
    rounds: list[dict[str, float]] = []
    end = time.monotonic() + budget
    while time.monotonic() < end or len(rounds) < LEAST:
        shuffle(order)
        rounds.append({name: seconds(methods[name], calls, place) for name in order})
        if len(rounds) == ENOUGH:
            order = [name for name in order if rounds[-1][name] < SLOW * rounds[-1][BASELINE]]
    timings = []
    for name in methods:
        taken = [(one[name], one[name] / one[BASELINE]) for one in rounds if name in one]
        median, ratio = (statistics.median(values) for values in zip(*taken, strict=True))
        timings.append(Timing(place.named(workload), name, median, ratio, memory[name], rows / median))
    return timings


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum says on every call that it registers hooks
        yield


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


def keep(name: str, device: str, timings: list[Timing], *packages: str, quick: bool, **found: object) -> None:
    """Print a table, and keep it: that of a CUDA device apart, since it may come from another machine."""
    facts = kept.environment(*packages, threads=torch.get_num_threads())
    if device == "cuda":
        name += "-cuda"
        facts |= {"device": torch.cuda.get_device_name(), "CUDA": torch.version.cuda}
    print(", ".join(f"{fact} {value}" for fact, value in facts.items()))
    print(table(timings))
    kept.keep(name, facts, {**found, "timings": [asdict(t) for t in timings]}, quick=quick)
