"""Processes may die: what they worked on is done again, and only rows that kill are lost, by name."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from runs import batch, contents, copied, decisions, order

from lrp_audit.batch import judgement
from lrp_audit.batch.events import logged
from lrp_audit.batch.order import Order
from lrp_audit.batch.pool import Pool
from lrp_audit.batch.run import Ended
from lrp_audit.batch.work import Setup
from lrp_audit.errors import ReportError
from lrp_audit.sealing import layout
from lrp_audit.tables import read_table

Judge = Callable[..., Any]

PATIENCE = 60  # seconds


def pooled(asked: Order, size: int = 2) -> Ended:
    return batch(asked, lambda setup, _: Pool(asked.out, setup, size))


def once(marker: Path, act: Callable[[], None]) -> None:
    """Act the first time that any process comes here."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return
    act()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.usefixtures("opened")
def test_a_killed_process_costs_nothing(samples: Path, tmp_path: Path, before: Callable[[Judge], None]) -> None:
    asked = order(samples, tmp_path / "batch")
    batch(asked, stop=lambda: True)
    alone = copied(asked, tmp_path / "alone")
    batch(alone)
    before(lambda frame: once(tmp_path / "killed", die))
    assert pooled(asked).tally.failed == 0
    assert (tmp_path / "killed").exists()
    assert contents(asked.out) == contents(alone.out)


@pytest.mark.fresh_process
@pytest.mark.usefixtures("opened")
def test_rows_that_kill_are_booked(samples: Path, tmp_path: Path, before: Callable[[Judge], None]) -> None:
    asked = order(samples, tmp_path / "batch", documents="audits", documents_sample=1)
    ids = read_table(samples / "synthetic_applications.csv")["application_id"]
    poison = set(ids[[1, 6]])
    before(lambda frame: die() if poison & set(frame["application_id"]) else None)
    ended = pooled(asked)
    found = decisions(asked.out)
    assert set(found["id"][found["failure"].notna()]) == poison
    assert set(found["failure"].dropna()) == {judgement.KILLED}
    assert found["id"].is_unique
    assert ended.tally.failed == 2
    assert ended.tally.rows == 10


@pytest.mark.usefixtures("opened")
def test_a_chunk_that_kills_only_as_a_whole_ends_the_run(
    samples: Path, tmp_path: Path, before: Callable[[Judge], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrp_audit.batch.pool.DEATHS", 3)
    monkeypatch.setattr("lrp_audit.batch.pool.Pool._survives", lambda pool, trial: True)
    asked = order(samples, tmp_path / "batch")
    before(lambda frame: die())
    with pytest.raises(ReportError, match="for want of memory"):
        pooled(asked, 1)


@pytest.mark.usefixtures("opened")
def test_what_a_process_raises_is_said(samples: Path, tmp_path: Path, before: Callable[[Judge], None]) -> None:
    asked = order(samples, tmp_path / "batch")

    def full(frame: object) -> None:
        raise OSError(28, "No space left on device", "records")

    before(full)
    with pytest.raises(ReportError, match="records"):
        pooled(asked, 1)


@pytest.mark.usefixtures("opened")
def test_a_row_that_cannot_be_judged_is_a_failure_without_its_words(
    samples: Path, tmp_path: Path, before: Callable[[Judge], None]
) -> None:
    asked = order(samples, tmp_path / "batch")

    def fail(frame: Any) -> None:
        if "A-00003" in set(frame["application_id"]):
            raise ValueError("Maria Ortiz of Main Street")

    before(fail)
    ended = batch(asked, watch=logged(asked.out))
    found = decisions(asked.out)
    failed = found[found["failure"].notna()]
    assert failed["id"].tolist() == ["A-00003"]
    assert failed["failure"].tolist()[0].startswith("builtins.ValueError in test_pool.py, line ")
    assert "Ortiz" not in (asked.out / layout.LOG).read_text() + str(failed.to_dict())
    assert ended.tally.failed == 1


@pytest.mark.usefixtures("opened")
def test_a_document_that_cannot_be_rendered_leaves_its_record(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = order(samples, tmp_path / "batch", documents="letters", limit=3)

    def broken(*_: object, **__: object) -> bytes:
        raise RecursionError("deep")

    monkeypatch.setattr("lrp_audit.report.letter_pdf", broken)
    ended = batch(asked, watch=logged(asked.out))
    found = decisions(asked.out)
    failed = found["failure"].notna()
    assert failed.any()
    assert ended.tally.failed == failed.sum()
    assert found["record_sha256"].notna().all()
    assert not any(len(documents) for documents in found["documents"])


@pytest.mark.slow
def test_two_workers_write_what_one_writes(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch", documents="letters", limit=6, chunk_rows=2)
    batch(asked, stop=lambda: True)
    alone = copied(asked, tmp_path / "alone")
    assert batch(alone).root == pooled(asked).root
    assert contents(asked.out) == contents(alone.out)


@dataclass(frozen=True)
class Gate:
    """In the place of a folder: a process that is sent it stands still until the file is there, as if it imported."""

    file: Path

    def __setstate__(self, state: dict[str, Path]) -> None:
        end = time.monotonic() + PATIENCE
        while not state["file"].exists():
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(0.01)
        object.__setattr__(self, "file", state["file"])


@pytest.mark.slow
def test_starting_a_process_does_not_wait_for_its_imports_however_large_the_setup(tmp_path: Path) -> None:
    gate: Any = Gate(tmp_path / "open")
    plan: Any = None
    pool = Pool(gate, Setup(config=tmp_path, plan=plan, secret=b"", head=bytes(10_000_000)), size=2)
    starting = Thread(target=lambda: [pool._start() for _ in range(2)], daemon=True)
    try:
        starting.start()
        starting.join(PATIENCE / 2)
        assert not starting.is_alive()
        processes = [worker.process for worker in pool._workers]
    finally:
        gate.file.touch()
        starting.join()
        pool._close()
    assert [process.exitcode for process in processes] == [0, 0]
