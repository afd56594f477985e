"""Pages of our own templates are read as XML: the tree has to be the one that a reader of HTML makes of them."""

from __future__ import annotations

from typing import Any

import pytest
import trees
import weasyprint
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from lrp_audit import report
from lrp_audit.report import page
from lrp_audit.report.page import own_page
from lrp_audit.report.render import _Nothing
from lrp_audit.report.specimens import Specimen, specimens

LETTERS = ("us-notice", "eu-letter", "uk-letter")


def same(html: str) -> bool:
    return trees.of(own_page(html, _Nothing())) == trees.of(weasyprint.HTML(string=html))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is left to the reader of HTML."""
    strings: list[str] = []

    def html(string: str, **options: Any) -> weasyprint.HTML:
        strings.append(string)
        return weasyprint.HTML(string=string, **options)

    monkeypatch.setattr(page, "HTML", html)
    return strings


def printed(document: str, found: Specimen) -> str:
    if document == "audit":
        return report.audit_html(found.record, found.config)
    return report.letter_html(found.record, found.addressee, found.config, draft=True)


@pytest.mark.parametrize("document", [*LETTERS, "audit"])
def test_every_page_is_the_tree_that_a_reader_of_html_makes(document: str, read: list[str]) -> None:
    for found in specimens(document):
        html = printed(document, found)
        assert same(html)
    assert set(read) == {""}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_text_says(text: str) -> None:
    said = escape(text)
    assert same(f"<!DOCTYPE html><html lang='en'><head></head><body><p>{said}<br>{said}</p></body></html>")


@pytest.mark.parametrize("broken", ["\x01", "&nbsp;", "<p>", "<br></br>", "<p class=a></p>"])
def test_what_is_no_xml_is_read_as_html(broken: str, read: list[str]) -> None:
    html = f"<!DOCTYPE html><html><head></head><body><p>a</p>{broken}</body></html>"
    assert same(html)
    assert read == [html]
