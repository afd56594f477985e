"""Runs in processes of their own that are killed at instants of their phases, whatever a machine makes of the clock."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from disks import fork
from runs import batch

from lrp_audit.batch.events import Event
from lrp_audit.batch.executors import Executor
from lrp_audit.batch.order import Order
from lrp_audit.batch.work import Setup
from lrp_audit.deciding.session import Session
from lrp_audit.sealing import layout

PHASES = ("reading", "judging", "merging", "reporting", "sealing", "tidying")  # of a run, in their order
_BEGUN_BY = {"begun": "judging", "sealing": "merging"}  # events of a run
_BEGUN_WITH = {layout.RELEVANCE: "reporting", layout.README: "sealing", layout.SUMS: "tidying"}  # files that are whole

Made = Callable[[Setup, Session], Executor]


@dataclass(frozen=True)
class Running:
    """A run in a process of its own, which leads a group of those that work for it.

    Attributes:
        process: its id, and that of its group.
        phases: a pipe with a byte for every phase that began.
    """

    process: int
    phases: int

    @classmethod
    def start(cls, asked: Order, executor: Made | None) -> Running:
        """Begin a batch, or go on with it."""
        ours, theirs = os.pipe()

        def act() -> None:
            os.setsid()
            os.close(ours)
            _run(asked, executor, lambda phase: os.write(theirs, bytes([PHASES.index(phase)])))

        process = fork(act)
        os.close(theirs)
        return cls(process, ours)

    def begun(self) -> str | None:
        """The phase that begins next; None where the run ends."""
        said = os.read(self.phases, 1)
        return PHASES[said[0]] if said else None

    def ended(self) -> int:
        """How the run ended; waits for it."""
        os.close(self.phases)
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)


def timed(asked: Order) -> dict[str, float]:
    """Run to the end, undisturbed; how many seconds every phase took that there was."""
    running = Running.start(asked, None)
    moments = []
    while (phase := running.begun()) is not None:
        moments.append((phase, time.monotonic()))
    assert running.ended() == 0
    return {phase: after - begun for (phase, begun), (_, after) in pairwise([*moments, ("", time.monotonic())])}


def killed(asked: Order, executor: Made | None, phase: str, seconds: float) -> str | None:
    """Run until some time after the begin of a phase, and kill the whole group; in which phase, or None at its end."""
    running = Running.start(asked, executor)
    while (last := running.begun()) not in {phase, None}:
        pass
    if last is None:
        assert running.ended() == 0
        return None
    time.sleep(seconds)
    os.killpg(running.process, signal.SIGKILL)
    while (later := running.begun()) is not None:  # until nobody of the group is left
        last = later
    code = running.ended()
    assert code in {0, -signal.SIGKILL}
    return last if code else None


def killed_before_naming(asked: Order, name: str) -> None:
    """Run until a file of the batch is written and only to be renamed, and be killed there."""

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename" and Path(os.fsdecode(arguments[1])) == asked.out / name:
            os.kill(os.getpid(), signal.SIGKILL)

    def act() -> None:
        sys.addaudithook(audit)
        batch(asked)

    _, status = os.waitpid(fork(act), 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def _run(asked: Order, executor: Made | None, begin: Callable[[str], object]) -> None:
    whole = {asked.out / name: phase for name, phase in _BEGUN_WITH.items()}

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename" and (phase := whole.get(Path(os.fsdecode(arguments[1])))) is not None:
            begin(phase)

    def watch(event: Event) -> None:
        if event.kind in _BEGUN_BY:
            begin(_BEGUN_BY[event.kind])

    sys.addaudithook(audit)
    begin("reading")
    batch(asked, executor, watch=watch)
