"""Who works on the chunks: this process, others on this machine (`pool`), or a cluster (`dask_cluster`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lrp_audit.batch.chunk import work_chunk
from lrp_audit.batch.collector import collector_spared
from lrp_audit.batch.source import read_piece, read_repeated
from lrp_audit.batch.store import store
from lrp_audit.batch.tally import Tally
from lrp_audit.batch.work import Setup, Work, open_work

Stop = Callable[[], bool]  # whether no new chunk should be begun


class Executor(Protocol):
    """Works on chunks until all are finished, or it is told to stop."""

    def run(self, chunks: Sequence[int], stop: Stop) -> Iterator[tuple[int, Tally]]:
        """Work on chunks, and give every one that is finished, in whatever order.

        Raises:
            LrpAuditError: the work cannot go on; what is finished stays finished.
        """


@dataclass(frozen=True)
class InProcess:
    """One chunk after the other, in this process."""

    folder: Path
    work: Work

    def run(self, chunks: Sequence[int], stop: Stop) -> Iterator[tuple[int, Tally]]:
        """See `Executor`."""
        bench = Bench(self.folder, self.work, read_repeated(self.folder))
        with collector_spared():
            for number in chunks:
                if stop():
                    return
                yield number, bench.finish(number)


@dataclass(frozen=True)
class Bench:
    """Where one process works on the chunks of a folder."""

    folder: Path
    work: Work
    repeated: frozenset[int]

    @classmethod
    def open(cls, folder: Path, setup: Setup) -> Bench:
        """Raises LrpAuditError where the model or the settings cannot be used."""
        return cls(folder, open_work(setup), read_repeated(folder))

    def finish(self, number: int, poisoned: frozenset[int] = frozenset()) -> Tally:
        """Work on a chunk, write its files, and mark it as finished."""
        piece = read_piece(self.folder, number, self.work.plan.chunk_rows, self.repeated)
        return store(self.folder, number, lambda put: work_chunk(self.work, number, piece, put, poisoned))
