"""A run of `lrp-audit batch`, watched from outside: when it said what, its processor time, and its memory (Linux).

Memory is the proportional set size of the whole tree of processes: what several of them share counts once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PAUSE = 0.25  # seconds between looks at the memory


@dataclass(frozen=True)
class Moment:
    """An event of the run, when it was said, and the processor time of all processes until then."""

    event: str
    rows: int
    letters: int
    wall: float
    cpu: float


@dataclass(frozen=True)
class Run:
    """What was seen. `seconds` are those of the whole command, `peak` is in MiB."""

    moments: tuple[Moment, ...]
    seconds: float
    peak: float

    def at(self, event: str) -> float:
        """Seconds from the start until the first event of this kind."""
        return next(moment.wall for moment in self.moments if moment.event == event)

    def steady(self, workers: int) -> tuple[Moment, Moment] | None:
        """The time in which every worker was at work: its first chunk behind it, its last one not ended.

        As many chunks for every worker: they often end together. None where the run was too short for that.
        """
        chunks = [moment for moment in self.moments if moment.event == "chunk"]
        first, each = workers - 1, (len(chunks) - 2 * workers + 1) // workers
        return (chunks[first], chunks[first + each * workers]) if each > 0 else None


def watch(*arguments: str) -> Run:
    """Run the command with these arguments, in processes of one thread each."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "lrp_audit", "batch", *arguments, "--json"]
    start, peak = time.perf_counter(), [0.0]
    moments: list[Moment] = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        ended = threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, peak, ended))
        sampler.start()
        assert process.stdout is not None
        for line in process.stdout:
            said, wall = json.loads(line), time.perf_counter() - start
            done = said["done"]
            moments.append(Moment(said["event"], done["rows"], done["letters"], wall, _cpu(process.pid)))
        ended.set()
        sampler.join()
    if process.returncode:
        raise RuntimeError(f"lrp-audit batch ended with {process.returncode}.")
    return Run(tuple(moments), time.perf_counter() - start, peak[0])


def _sample(root: int, peak: list[float], ended: threading.Event) -> None:
    """Keep the peak. Adding up what is shared takes the kernel 13 ms a process: it is asked when they have grown."""
    highest = 0
    while not ended.wait(PAUSE):
        processes = list(tree(root))
        resident = sum(map(_resident, processes))
        if resident > highest:
            highest = resident
            peak[0] = max(peak[0], sum(map(_pss, processes)) / 1024)


def tree(root: int) -> Iterator[int]:
    """A process and all below it."""
    yield root
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{root}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has ended
        return
    for child in children:
        yield from tree(child)


def _resident(process: int) -> int:
    """In pages, shared ones included; 0 where the process has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0


def _pss(process: int) -> int:
    """In KiB; 0 where the process has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _cpu(root: int) -> float:
    """Seconds of all processes of the tree, and of those of them that have ended and were waited for."""
    return sum(map(_ticks, tree(root))) / TICKS


def _ticks(process: int) -> int:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:15])
