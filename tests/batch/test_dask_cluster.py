"""A cluster of processes writes what one process writes, also where some of them die."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from runs import batch, contents, copied, order

from lrp_audit.batch.dask_cluster import Cluster
from lrp_audit.batch.events import Event
from lrp_audit.errors import ConfigError

pytestmark = pytest.mark.slow


@dataclass
class Processes:
    """A scheduler and its workers. `workers` are the processes that do the work, of no nanny."""

    address: str
    workers: list[subprocess.Popen[bytes]]


def started(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", *arguments], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Processes]:
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    own = ["--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path / "dask")]
    scheduler = started("distributed.cli.dask_scheduler", "--port", "0", *common)
    workers = [started("distributed.cli.dask_worker", *common, *own) for _ in range(3)]
    while not (file.exists() and file.read_text().endswith("}")):
        assert scheduler.poll() is None
        time.sleep(0.2)
    yield Processes(json.loads(file.read_text())["address"], workers)
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


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


def test_a_scheduler_that_is_not_there_is_named(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrp_audit.batch.dask_cluster.WAIT", 1)
    asked = order(samples, tmp_path / "batch")
    with pytest.raises(ConfigError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        batch(asked, lambda setup, _: Cluster(asked.out, setup, "tcp://127.0.0.1:9", print))
