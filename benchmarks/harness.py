"""How the time and memory of methods are measured beside each other: what engine.py and text.py have in common.

All methods run in one process, one after the other in every round and in an order drawn anew for each round, so that a
slow moment of the machine falls on all of them. With one thread the clock is the process's own time on the processor,
so that other work on the machine counts little; with more threads, or on a CUDA device, it is the clock on the wall. A
line shows the median over rounds, the median over rounds of the ratio to forward + backward in the same round, and the
most memory that one call holds beyond its inputs, on a CUDA device there.
"""

import random
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

BASELINE = "forward + backward"
LEAST = 5  # rounds
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
        return f"{workload}, CUDA {str(self.dtype).removeprefix('torch.')}" if self.cuda else workload

    def clock(self) -> float:
        if self.cuda:
            torch.cuda.synchronize()
        own_time = torch.get_num_threads() == 1 and not self.cuda
        return time.process_time() if own_time else time.perf_counter()


PROCESSOR = Place("cpu", torch.float32)


def places() -> tuple[Place, ...]:
    """The processor, and where there is one a CUDA device in two precisions."""
    if not torch.cuda.is_available():
        return (PROCESSOR,)
    return PROCESSOR, Place("cuda", torch.float32), Place("cuda", torch.bfloat16)


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
    taken: dict[str, list[float]] = {name: [] for name in methods}
    end = time.monotonic() + budget
    while time.monotonic() < end or len(taken[BASELINE]) < LEAST:
        shuffle(order)
        for name in order:
            taken[name].append(seconds(methods[name], calls, place))
    timings = []
    for name, times in taken.items():
        ratio = statistics.median(t / base for t, base in zip(times, taken[BASELINE], strict=True))
        median = statistics.median(times)
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
