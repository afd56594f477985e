"""Processes of the pool, apart from what they work on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from lrp_audit.batch.pool import Pool
from lrp_audit.batch.work import Setup

PATIENCE = 60  # seconds


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
