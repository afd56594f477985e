"""A cluster of processes writes what one process writes, also where some of them die."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from runs import batch, contents, copied, decisions, order

from lrp_audit.batch.dask_cluster import Cluster
from lrp_audit.batch.events import Event
from lrp_audit.batch.judgement import KILLED
from lrp_audit.errors import ConfigError

pytestmark = pytest.mark.slow


@dataclass
class Processes:
    """A scheduler and its workers. `workers` are the processes that do the work, of no nanny."""

    address: str
    workers: list[subprocess.Popen[bytes]]


def started(*arguments: str, **settings: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ, **settings},
    )  # fmt: skip


@contextmanager
def running(place: Path, count: int, *options: str) -> Iterator[Processes]:
    """A cluster whose workers have some more options; one death is enough for a task to be given up."""
    file = place / "scheduler.json"
    common = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    own = ["--nthreads", "1", "--local-directory", str(place / "dask"), *options]
    scheduler = started(
        "distributed.cli.dask_scheduler", "--port", "0", *common, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0"
    )
    workers = [started("distributed.cli.dask_worker", *common, *own) for _ in range(count)]
    try:
        while not (file.exists() and file.read_text().endswith("}")):
            assert scheduler.poll() is None
            time.sleep(0.2)
        yield Processes(json.loads(file.read_text())["address"], workers)
    finally:
        for process in (*workers, scheduler):
            process.terminate()  # a nanny then ends its worker
        for process in (*workers, scheduler):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Processes]:
    pytest.importorskip("distributed")
    with running(tmp_path, 3, "--no-nanny") as processes:
        yield processes


@pytest.mark.filterwarnings("ignore:::distributed")
def test_a_worker_that_dies_changes_nothing(samples: Path, tmp_path: Path, cluster: Processes) -> None:
    asked = order(samples, tmp_path / "batch", documents="letters", documents_sample=4, chunk_rows=1)
    batch(asked, stop=lambda: True)
    alone = copied(asked, tmp_path / "alone")
    batch(alone)
    said: list[str] = []

    def watch(event: Event) -> None:
        if event.kind == "chunk" and event.tally.rows == 2:
            os.kill(cluster.workers[0].pid, signal.SIGKILL)

    ended = batch(asked, lambda setup, _: Cluster(asked.out, setup, cluster.address, said.append), watch=watch)
    assert cluster.workers[0].wait(10) == -signal.SIGKILL
    assert ended.tally.rows == 10
    assert contents(asked.out) == contents(alone.out)
    assert said == []


KILLS = """
import os, signal
from lrp_audit.batch import dask_tasks

opened = dask_tasks.opened = getattr(dask_tasks, "opened", dask_tasks._opened)  # this is run twice

def deadly(setup):
    from lrp_audit.batch import judgement

    judgement.judge_chunk = judged
    return opened(setup)

def judged(session, frame, **others):
    from lrp_audit.deciding.judged import judge_chunk

    if "A-00007" in set(frame["application_id"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return judge_chunk(session, frame, **others)

dask_tasks._opened = deadly
"""


@pytest.mark.filterwarnings("ignore:::distributed")
def test_a_row_that_kills_workers_is_booked(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("lrp_audit.batch.dask_cluster.WAIT", 120)
    (tmp_path / "kills.py").write_text(KILLS)
    asked = order(samples, tmp_path / "batch", chunk_rows=2)
    with running(tmp_path, 2, "--preload", str(tmp_path / "kills.py")) as cluster:  # under nannies, which replace them
        ended = batch(asked, lambda setup, _: Cluster(asked.out, setup, cluster.address, print))
    found = decisions(asked.out)
    assert found["id"].is_unique
    assert found["id"][found["failure"].notna()].tolist() == ["A-00007"]
    assert found["failure"].dropna().tolist() == [KILLED]
    assert (ended.tally.rows, ended.tally.failed) == (10, 1)


@pytest.mark.filterwarnings("ignore:::distributed")
def test_a_scheduler_without_workers_is_named(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("lrp_audit.batch.dask_cluster.WAIT", 1)
    asked = order(samples, tmp_path / "batch", limit=1)
    with running(tmp_path, 0) as cluster, pytest.raises(ConfigError, match="No worker has joined the Dask scheduler"):
        batch(asked, lambda setup, _: Cluster(asked.out, setup, cluster.address, print))


def test_a_scheduler_that_is_not_there_is_named(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrp_audit.batch.dask_cluster.WAIT", 1)
    asked = order(samples, tmp_path / "batch")
    with pytest.raises(ConfigError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        batch(asked, lambda setup, _: Cluster(asked.out, setup, "tcp://127.0.0.1:9", print))
