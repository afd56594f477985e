"""What the tests of batches share: one open model, and processes that have it already."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lrp_audit.batch import executors, judgement, order, pool, work
from lrp_audit.batch.work import Setup, Work, open_batch_session, work_of
from lrp_audit.deciding.session import Session

FRESH = "LRP_AUDIT_TEST_FRESH"


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test with the marker `fresh_process` by a pytest of its own."""
    if pyfuncitem.get_closest_marker("fresh_process") is None or FRESH in os.environ:
        return None
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", pyfuncitem.nodeid]
    done = subprocess.run(
        command,
        env=os.environ | {FRESH: "1"},
        cwd=pyfuncitem.config.rootpath,
        capture_output=True,
        text=True,
        check=False,
    )
    if " passed" not in done.stdout:
        (pytest.skip if " skipped" in done.stdout and done.returncode == 0 else pytest.fail)(done.stdout[-4000:])
    return True


@pytest.fixture
def samples(sample_folder: Path) -> Path:
    return sample_folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the same bytes share a model, and processes of a pool start as copies of this one: both save time."""
    sessions: dict[str, Session] = {}

    def shared(config: Path, head: pd.DataFrame, *, trust: bool) -> Session:
        key = config.read_text()
        if key not in sessions:
            sessions[key] = open_batch_session(config, head, trust=trust)
        return sessions[key]

    def ready(setup: Setup) -> Work:
        return work_of(setup, shared(setup.config, pd.DataFrame(), trust=False))

    monkeypatch.setattr(order, "open_batch_session", shared)
    monkeypatch.setattr(work, "open_work", ready)
    monkeypatch.setattr(executors, "open_work", ready)
    monkeypatch.setattr(pool, "START", "fork")


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Have a function see the rows of a chunk before they are judged."""
    judge = judgement.judge_chunk

    def spy(look: Callable[..., Any]) -> None:
        def judged(session: Any, frame: Any, **others: Any) -> Any:
            look(frame)
            return judge(session, frame, **others)

        monkeypatch.setattr(judgement, "judge_chunk", judged)

    return spy
