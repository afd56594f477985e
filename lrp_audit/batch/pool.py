"""Processes on this machine that work on chunks, each with its own model, and without each other.

A process that is killed is replaced, and its chunk worked on again. A chunk that kills twice is searched, by halves,
for the rows that do it; those are booked as failures. Processes are replaced from time to time as well, so that what
libraries keep does not add up.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from lrp_audit.batch.chunk import try_rows
from lrp_audit.batch.collector import collector_spared
from lrp_audit.batch.executors import Bench, Stop
from lrp_audit.batch.judgement import place_of
from lrp_audit.batch.poison import killers
from lrp_audit.batch.source import read_piece
from lrp_audit.batch.tally import Tally
from lrp_audit.batch.work import Setup
from lrp_audit.errors import LrpAuditError, ReportError

CHUNKS_OF_A_PROCESS = 200
START: Literal["spawn"] = "spawn"  # a fork would share threads and locks of libraries that do not expect it
DEATHS = 5  # of one chunk whose rows alone do no harm, or of processes that do not even start
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_BEGUN, _READY = "begun", "ready"  # what a process says before its first tally


@dataclass(frozen=True)
class Task:
    """A chunk to finish without the poisoned rows, or, with `tried`, rows to see whether they kill."""

    number: int
    poisoned: frozenset[int] = frozenset()
    tried: frozenset[int] | None = None


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection[Any, Any]
    task: Task | None = None
    begun: bool = False
    ready: bool = False
    finished: int = 0


@dataclass
class Pool:
    """See `Executor`. `size` processes work at a time."""

    folder: Path
    setup: Setup
    size: int
    _workers: list[_Worker] = field(default_factory=list)
    _stillborn: int = 0

    def run(self, chunks: Sequence[int], stop: Stop) -> Iterator[tuple[int, Tally]]:
        """See `Executor`."""
        waiting, deaths = deque(map(Task, chunks)), Counter[int]()
        try:
            while True:
                self._assign(waiting, stop)
                busy = [worker for worker in self._workers if worker.task is not None]
                if not busy:
                    return
                for worker in _answering(busy):
                    task = worker.task
                    assert task is not None
                    tally = self._answer(worker)
                    if tally is not None:
                        yield task.number, tally
                    elif worker.task is None:  # it was killed, at this task if it had come that far
                        deaths[task.number] += worker.ready
                        waiting.appendleft(self._again(task, deaths[task.number]))
        finally:
            self._close()

    def _assign(self, waiting: deque[Task], stop: Stop) -> None:
        """Give every process that has none a task, while there are tasks."""
        while waiting and not stop():
            idle = next((worker for worker in self._workers if worker.task is None), None)
            if idle is None and len(self._workers) == self.size:
                return
            _send(idle or self._start(), waiting.popleft())

    def _again(self, task: Task, deaths: int) -> Task:
        """The task that a process was killed at, without the rows that kill."""
        if deaths <= 1:
            return task
        if deaths > DEATHS:
            raise ReportError(
                f"Processes that work on chunk {task.number} keep being killed, most likely for want of memory; free "
                "some, or use fewer --workers, and run the same command again."
            )
        piece = read_piece(self.folder, task.number, self.setup.plan.chunk_rows, frozenset())
        rows = frozenset(range(len(piece.rows))) - task.poisoned
        found = killers(lambda some: self._survives(Task(task.number, tried=some)), rows)
        return Task(task.number, task.poisoned | found)

    def _survives(self, trial: Task) -> bool:
        while True:
            worker = self._start()
            _send(worker, trial)
            while worker.task is not None:
                self._answer(worker)
            self._dismiss(worker)
            if worker.ready:
                return worker.finished > 0

    def _start(self) -> _Worker:
        """A process that is being started.

        It gets the setup when it has begun: until then it imports for seconds, and whoever told it more than a pipe
        holds would wait that long before the next one could be started.
        """
        context = multiprocessing.get_context(START)
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.folder, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _answer(self, worker: _Worker) -> Tally | None:
        """What a process says: the tally of a finished chunk. One that was killed has no task afterwards.

        Raises:
            LrpAuditError: what the process met, if that is no matter of one row.
        """
        try:
            said = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            self._lost(worker)
            return None
        if isinstance(said, LrpAuditError):
            raise said
        if said == _BEGUN:
            worker.begun = True
            _tell(worker, self.setup)
            _tell(worker, worker.task)
            return None
        if said == _READY:  # its model is open
            worker.ready, self._stillborn = True, 0
            return None
        worker.task, worker.finished = None, worker.finished + 1
        if worker.finished >= CHUNKS_OF_A_PROCESS:
            self._dismiss(worker)
        tally: Tally = said
        return tally

    def _lost(self, worker: _Worker) -> None:
        worker.task = None
        self._dismiss(worker)
        if worker.ready:
            return
        self._stillborn += 1
        if self._stillborn >= DEATHS:
            raise ReportError(
                "Processes keep being killed while they open the model, most likely for want of memory; free some, or "
                "use fewer --workers, and run the same command again."
            )

    def _dismiss(self, worker: _Worker) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
            _tell(worker, None)
            worker.connection.close()
            worker.process.join()

    def _close(self) -> None:
        for worker in list(self._workers):
            if worker.task is not None:
                worker.process.kill()
            self._dismiss(worker)


def _answering(workers: Sequence[_Worker]) -> list[_Worker]:
    """Those who have something to say, or are dead; waits for the first."""
    heard = wait([worker.connection for worker in workers])
    return [worker for worker in workers if worker.connection in heard]


def _send(worker: _Worker, task: Task) -> None:
    worker.task = task
    if worker.begun:
        _tell(worker, task)


def _tell(worker: _Worker, what: Setup | Task | None) -> None:
    with contextlib.suppress(OSError):  # dead: it shows when its answer is awaited
        worker.connection.send(what)


def _serve(connection: Connection[Any, Any], folder: Path, parent: int) -> None:
    """What a process of the pool does until its connection is closed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the chunk is to be finished, and the parent says what comes next
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # nobody writes into a folder whose lock is gone
    if os.getppid() != parent:
        return
    with contextlib.suppress(EOFError, BrokenPipeError):
        connection.send(_BEGUN)
        setup: Setup | None = connection.recv()
        if setup is None:
            return
        try:
            bench = Bench.open(folder, setup)
            with collector_spared():
                connection.send(_READY)
                while (task := connection.recv()) is not None:
                    connection.send(_done(bench, task))
        except LrpAuditError as error:
            connection.send(error)
        except MemoryError:
            connection.send(ReportError("There is not enough memory; use fewer --workers, or smaller --chunk-rows."))
        except (EOFError, BrokenPipeError):
            raise
        except OSError as error:
            connection.send(ReportError(f"{error.filename or 'A file'}: {error.strerror or error}."))
        except Exception as error:
            connection.send(ReportError(f"A chunk cannot be worked on: {place_of(error)}."))


def _done(bench: Bench, task: Task) -> Tally:
    if task.tried is None:
        return bench.finish(task.number, task.poisoned)
    piece = read_piece(bench.folder, task.number, bench.work.plan.chunk_rows, bench.repeated)
    try_rows(bench.work, piece, task.tried)
    return Tally()
