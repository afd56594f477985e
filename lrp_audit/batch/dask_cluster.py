"""Chunks worked on by a Dask cluster: rows go out, files come back, and this process alone writes them.

So workers may die and join, and need no folder in common: only the settings, the model and the reference data, at the
same path as here. Work that was done twice is the same to the byte, unless packages or processors differ, which is
said.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrp_audit.batch.chunk import Put
from lrp_audit.batch.dask_tasks import Worked, produced, tried
from lrp_audit.batch.executors import Stop
from lrp_audit.batch.judgement import place_of
from lrp_audit.batch.poison import killers
from lrp_audit.batch.source import read_piece, read_repeated
from lrp_audit.batch.store import store
from lrp_audit.batch.tally import Tally
from lrp_audit.batch.work import Setup
from lrp_audit.errors import ConfigError, LrpAuditError, ReportError

if TYPE_CHECKING:
    from distributed import Client

WAIT = 30  # seconds for a scheduler to answer
AHEAD = 2  # chunks for every worker that are sent before they are worked on


@dataclass(frozen=True)
class Cluster:
    """See `Executor`.

    Attributes:
        folder: the batch.
        setup: for the workers.
        address: of the scheduler.
        say: takes sentences for whoever started the run.
    """

    folder: Path
    setup: Setup
    address: str
    say: Callable[[str], None]

    def run(self, chunks: Sequence[int], stop: Stop) -> Iterator[tuple[int, Tally]]:
        """See `Executor`."""
        client = _client(self.address)
        try:
            yield from self._run(client, chunks, stop)
        finally:
            client.close()

    def _run(self, client: Client, chunks: Sequence[int], stop: Stop) -> Iterator[tuple[int, Tally]]:
        from distributed import as_completed  # noqa: PLC0415  # an extra

        packed, repeated = pickle.dumps(self.setup), read_repeated(self.folder)
        waiting, pending, said = deque(chunks), as_completed(loop=client.loop), set[str]()
        numbers: dict[Any, int] = {}

        def send() -> None:
            if waiting and not stop():
                number = waiting.popleft()
                piece = read_piece(self.folder, number, self.setup.plan.chunk_rows, repeated)
                future = client.submit(produced, packed, number, pickle.dumps(piece), pure=False)
                numbers[future.key] = number
                pending.add(future)

        for _ in range(AHEAD * _require_workers(client)):
            send()
        for future in pending:
            number = numbers.pop(future.key)
            worked = self._result(client, future, packed, number, repeated)
            for sentence in _differences(self.setup.plan.versions, worked.versions) - said:
                said.add(sentence)
                self.say(sentence)
            yield number, store(self.folder, number, partial(_put, worked))
            send()

    def _result(self, client: Client, future: Any, packed: bytes, number: int, repeated: frozenset[int]) -> Worked:
        """What a worker made of a chunk; where it killed several, the chunk without the rows that do."""
        from distributed import KilledWorker  # noqa: PLC0415

        piece = read_piece(self.folder, number, self.setup.plan.chunk_rows, repeated)

        def survives(rows: frozenset[int]) -> bool:
            try:
                _answer(client.submit(tried, packed, pickle.dumps(piece), rows, pure=False))
            except KilledWorker:
                return False
            return True

        try:
            return _worked(future)
        except KilledWorker:
            poisoned = killers(survives, frozenset(range(len(piece.rows))))
        try:
            return _worked(client.submit(produced, packed, number, pickle.dumps(piece), poisoned, pure=False))
        except KilledWorker:
            raise ReportError(
                f"Workers that work on chunk {number} keep being killed, most likely for want of memory; give them "
                "more, and run the same command again."
            ) from None


def _worked(future: Any) -> Worked:
    worked: Worked = _answer(future)
    return worked


def _answer(future: Any) -> Any:
    from distributed import CancelledError, KilledWorker  # noqa: PLC0415

    try:
        return future.result()
    except (LrpAuditError, KilledWorker):
        raise
    except CancelledError as error:
        raise ReportError("The Dask scheduler was lost; run the same command again when it is there.") from error
    except OSError as error:
        raise ReportError(
            f"A worker of the cluster: {error.filename or 'a file'}: {error.strerror or error}."
        ) from error
    except Exception as error:
        raise ReportError(f"A worker of the cluster cannot work on a chunk: {place_of(error)}.") from error


def _put(worked: Worked, put: Put) -> Tally:
    for name, content in worked.files:
        put(name, content)
    return worked.tally


def _client(address: str) -> Client:
    try:
        from distributed import Client  # noqa: PLC0415
    except ImportError:
        raise ConfigError("--scheduler needs an extra: pip install 'lrp_audit[dask]'.") from None
    try:
        return Client(address, timeout=WAIT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(f"No Dask scheduler answers at {address} ({type(error).__name__}).") from None


def _require_workers(client: Client) -> int:
    """How many workers there are; each with one thread, as bits depend on it."""
    threads = client.nthreads()
    if not threads:
        try:
            client.wait_for_workers(1, timeout=WAIT)
        except TimeoutError:
            raise ConfigError(
                f"No worker has joined the Dask scheduler within {WAIT} seconds: start some with `dask worker`, and "
                "run the same command again."
            ) from None
        threads = client.nthreads()
    if any(count != 1 for count in threads.values()):
        raise ConfigError("Every Dask worker has to have one thread: start them with --nthreads 1.")
    return len(threads)


def _differences(planned: dict[str, str], found: dict[str, str]) -> set[str]:
    return {
        f"A worker has {name} {found.get(name, 'none')}, where the plan has {version}: bits may differ."
        for name, version in planned.items()
        if found.get(name) != version
    }
