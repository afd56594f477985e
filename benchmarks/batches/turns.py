"""Letters of a batch and bare WeasyPrint taking turns in one process, so that a slow moment is one of both.

It is a batch with all that belongs to it, from its source to its sealed folder, but for the one that works on the
chunks: behind every eight letters as many pages are printed without us, in time that the letters are not charged with.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
from documents import Maker, bare

from lrp_audit.batch.chunk import Put, work_chunk
from lrp_audit.batch.collector import collector_spared
from lrp_audit.batch.executors import Stop
from lrp_audit.batch.order import Order
from lrp_audit.batch.run import run
from lrp_audit.batch.source import read_piece, read_repeated
from lrp_audit.batch.store import store
from lrp_audit.batch.tally import Tally
from lrp_audit.batch.work import Setup, Work, work_of
from lrp_audit.deciding.session import Session
from lrp_audit.report import letter_file
from lrp_audit.settings.config import load

OURS, ELSE = "ours", "all else"
VARIANTS = {"bare": None, "tagged": "pdf/ua-1"}  # of PDF: without tags, and tagged as letters have to be
WARM = 4  # pages before the clocks start
TURN = 8  # documents in a row: the first finds the caches of the processor full of what is not its own


@dataclass(frozen=True)
class Each:
    """What one document takes, in seconds on the wall and of the processor."""

    wall: float
    cpu: float


def turns(order: Order, pages: Sequence[str], processes: int) -> dict[str, Each]:
    """What a letter takes (`OURS`), and a page in each of the `VARIANTS`, in so many processes side by side.

    Every process runs the whole order. They begin with their second chunk together; what was before does not count.

    Args:
        order: its `out` is a folder for those of the runs.
        pages: of letters like those of the order.
        processes: how many.
    """
    context = get_context("spawn")
    barrier = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, _meet, (barrier,)) as pool:
        found = list(pool.map(_run, [order] * processes, [pages] * processes))
    spent = {name: sum(each[name] for each in found) for name in (OURS, *VARIANTS)}
    return {
        name: Each(float(wall / documents), float(cpu / documents)) for name, (documents, wall, cpu) in spent.items()
    }


_barrier: Barrier


def _meet(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603  # a barrier cannot be sent as an argument
    _barrier = barrier


def _run(order: Order, pages: Sequence[str]) -> dict[str, np.ndarray]:
    config, clock = load(order.config), _Clock()
    makers = [(name, bare(page, config, variant)) for page in pages for name, variant in VARIANTS.items()]
    for _, make in makers[:WARM]:
        make()
    with tempfile.TemporaryDirectory(dir=order.out) as out:
        own = replace(order, out=Path(out) / "batch")

        def executor(setup: Setup, session: Session) -> _TakingTurns:
            return _TakingTurns(own.out, work_of(setup, session), itertools.cycle(makers), clock)

        run(own, executor, lambda event: None, lambda: False)
    return dict(clock.spent)


class _Clock:
    """Charges time to whoever was named last. `spent` are documents, and seconds on the wall and of the processor."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.spent: dict[str, np.ndarray] = defaultdict(_nothing)
        self._name, self._since = ELSE, _now()

    def charge(self, name: str, documents: int = 0) -> None:
        """From now on charge `name`; whoever was charged until now has made so many documents."""
        now = _now()
        self.spent[self._name] += [documents, *(now - self._since)]
        self._name, self._since = name, now


def _nothing() -> np.ndarray:
    return np.zeros(3)


def _now() -> np.ndarray:
    return np.array([time.perf_counter(), time.process_time()])


@dataclass(frozen=True)
class _TakingTurns:
    """An `Executor` that prints some of the pages after as many letters."""

    folder: Path
    work: Work
    makers: Iterator[tuple[str, Maker]]
    clock: _Clock

    def run(self, chunks: Sequence[int], stop: Stop) -> Iterator[tuple[int, Tally]]:
        """See `lrp_audit.batch.executors.Executor`."""
        repeated = read_repeated(self.folder)
        with collector_spared():
            for number in chunks:
                if number == chunks[1]:
                    _barrier.wait()
                    self.clock.restart()
                self.clock.charge(OURS)
                tally = self._finish(number, repeated)
                self.clock.charge(ELSE)
                yield number, tally

    def _finish(self, number: int, repeated: frozenset[int]) -> Tally:
        """As `lrp_audit.batch.executors.Bench` does."""
        piece = read_piece(self.folder, number, self.work.plan.chunk_rows, repeated)
        return store(self.folder, number, lambda put: work_chunk(self.work, number, piece, self._between(put)))

    def _between(self, put: Put) -> Put:
        """Puts files, and after some of letters prints pages."""
        letter, since = f"{letter_file(self.work.session.config)}.pdf", itertools.count(1)

        def put_and_print(name: str, content: bytes) -> None:
            put(name, content)
            if name.endswith(letter):
                self.clock.charge(OURS, documents=1)
                for variant, make in itertools.islice(self.makers, 0 if next(since) % TURN else TURN):
                    self.clock.charge(variant)
                    make()
                    self.clock.charge(OURS, documents=1)

        return put_and_print
