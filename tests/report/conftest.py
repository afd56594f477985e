"""Here it is a failure if WeasyPrint ignores or cannot load something, or would have read a page otherwise."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import trees
from weasyprint import HTML
from weasyprint.urls import URLFetcher

from lrp_audit.report import render


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


@pytest.fixture(autouse=True)
def read_as_html_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    read = render.own_page

    def compared(html: str, fetcher: URLFetcher) -> HTML:
        page = read(html, fetcher)
        assert trees.of(page) == trees.of(HTML(string=html, url_fetcher=fetcher))
        return page

    monkeypatch.setattr(render, "own_page", compared)
