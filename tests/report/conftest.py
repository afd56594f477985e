"""WeasyPrint says on its log what it ignored or could not load; in these tests that is a failure."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def quiet_weasyprint() -> Iterator[None]:
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, entry: logging.LogRecord) -> None:
            said.append(entry.getMessage())

    listener = Listener(logging.WARNING)
    logger = logging.getLogger("weasyprint")
    logger.addHandler(listener)
    yield
    logger.removeHandler(listener)
    assert said == []
