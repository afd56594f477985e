"""What workers of a Dask cluster do. A scheduler imports this as well, so all that is heavy is imported at work."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrp_audit.batch.tally import Tally
    from lrp_audit.batch.work import Work

Rows = frozenset[int]  # places in a chunk


@dataclass(frozen=True)
class Worked:
    """What comes back of a chunk. `versions` are those of the worker that judged it."""

    files: tuple[tuple[str, bytes], ...]
    tally: Tally
    versions: dict[str, str]


def produced(setup: bytes, number: int, piece: bytes, poisoned: Rows = frozenset()) -> Worked:
    """Work on a chunk; `setup` and `piece` are pickled."""
    from lrp_audit.batch.chunk import work_chunk  # noqa: PLC0415

    work, files = _opened(setup), list[tuple[str, bytes]]()
    put = files.append
    tally = work_chunk(work, number, pickle.loads(piece), lambda name, content: put((name, content)), poisoned)
    return Worked(tuple(files), tally, dict(work.session.versions))


def tried(setup: bytes, piece: bytes, rows: Rows) -> None:
    """Try some rows of a chunk."""
    from lrp_audit.batch.chunk import try_rows  # noqa: PLC0415

    try_rows(_opened(setup), pickle.loads(piece), rows)


@lru_cache(maxsize=1)
def _opened(setup: bytes) -> Work:
    """The model, opened once in every worker."""
    from lrp_audit.batch.work import open_work  # noqa: PLC0415

    return open_work(pickle.loads(setup))
