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


VARIANTS = {"bare": None, "tagged": "pdf/ua-1"}  # of PDF: without tags, and tagged as letters have to be


def side_by_side(pages: Sequence[str], config: AuditConfig, processes: int) -> dict[str, Rate]:
    """Every process prints every page once in every variant, as `documents.bare` does; the variants take turns.

    They start together, each with its fonts and style sheet ready.
    """
    context = get_context("spawn")
    barrier = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, _meet, (barrier,)) as pool:
        times = list(pool.map(_printed, [pages] * processes, [config] * processes))
    count = len(pages) * processes
    return {
        name: Rate(count / max(found[name][0] for found in times), sum(found[name][1] for found in times) / count)
        for name in VARIANTS
    }


_barrier: Barrier


def _meet(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603  # a barrier cannot be sent as an argument
    _barrier = barrier


def _printed(pages: Sequence[str], config: AuditConfig) -> dict[str, tuple[float, float]]:
    """Seconds on the wall and of the processor, by variant."""
    makers = [{name: bare(page, config, variant) for name, variant in VARIANTS.items()} for page in pages]
    for each in makers[:WARM]:
        for make in each.values():
            make()
    _barrier.wait()
    spent = dict.fromkeys(VARIANTS, (0.0, 0.0))
    for each in makers:
        for name, make in each.items():
            wall, cpu = time.perf_counter(), time.process_time()
            make()
            before = spent[name]
            spent[name] = before[0] + time.perf_counter() - wall, before[1] + time.process_time() - cpu
    return spent
