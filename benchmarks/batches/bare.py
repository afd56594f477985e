"""Bare WeasyPrint in several processes side by side, as a run has workers: two threads of a core slow each other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

from documents import bare

from lrp_audit.settings.config import AuditConfig

WARM = 3  # pages before the clocks start


@dataclass(frozen=True)
class Rate:
    """Documents a second of all processes together, and seconds of processor time each."""

    documents: float
    cpu: float

    def mean(self, other: Rate) -> Rate:
        """What lies between two measurements."""
        return Rate((self.documents + other.documents) / 2, (self.cpu + other.cpu) / 2)


def side_by_side(pages: Sequence[str], config: AuditConfig, processes: int, variant: str | None = None) -> Rate:
    """Every process prints every page once, as `documents.bare` does.

    They start together, each with its fonts and style sheet ready.
    """
    context = get_context("spawn")
    barrier = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, _meet, (barrier,)) as pool:
        times = list(pool.map(_printed, [pages] * processes, [config] * processes, [variant] * processes))
    count = len(pages) * processes
    return Rate(count / max(wall for wall, _ in times), sum(cpu for _, cpu in times) / count)


_barrier: Barrier


def _meet(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603  # a barrier cannot be sent as an argument
    _barrier = barrier


def _printed(pages: Sequence[str], config: AuditConfig, variant: str | None) -> tuple[float, float]:
    """Seconds on the wall and of the processor."""
    makers = [bare(page, config, variant) for page in pages]
    for make in makers[:WARM]:
        make()
    _barrier.wait()
    wall, cpu = time.perf_counter(), time.process_time()
    for make in makers:
        make()
    return time.perf_counter() - wall, time.process_time() - cpu
