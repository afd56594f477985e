"""What the tests of batches share: one open model, and processes that have it already."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lrp_audit.batch import executors, judgement, order, pool, work
from lrp_audit.batch.work import Setup, Work, open_batch_session, work_of
from lrp_audit.deciding.session import Session


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
