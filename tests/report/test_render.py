"""Rendering: the same bytes everywhere, and hostile text is only ever text."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pages
import pikepdf
import pydyf
import pypdfium2
import pytest
import records
from weasyprint import HTML

from lrp_audit import report
from lrp_audit.errors import ReportError
from lrp_audit.report import render
from lrp_audit.report.fonts import faces
from lrp_audit.report.formats import decimals_for, long_date, measure, percent, scientific, signed
from lrp_audit.report.render import to_pdf

SETTINGS = records.config()
FACES = faces(SETTINGS)
INCH = 72

# Renders in another process, then again behind a forked child that ended normally. The child itself cannot: since
# version 1.52 Pango has a thread for its fonts, and waits for it for ever in a copy of the process.
ELSEWHERE = """
import hashlib, os, sys
import pages
import pikepdf
import pydyf
names = ("ordinary", "hostile")
print(*(hashlib.sha256(make(name)).hexdigest() for name in names for make in (pages.letter, pages.audit)))
sys.stdout.flush()
child = os.fork()
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
print(hashlib.sha256(pages.letter("greek")).hexdigest())
"""


@pytest.mark.rule("G-10")
def test_bytes_do_not_depend_on_process_hash_seed_time_zone_or_locale() -> None:
    here = Path(__file__).parent
    environment = os.environ | {
        "PYTHONHASHSEED": "4711",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C",
        "PYTHONPATH": os.pathsep.join([str(here), str(here.parent), *sys.path]),
    }
    result = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], env=environment, capture_output=True, text=True, check=True
    )
    made = [make(name) for name in ("ordinary", "hostile") for make in (pages.letter, pages.audit)]
    made.append(pages.letter("greek"))
    assert result.stdout.split() == [hashlib.sha256(pdf).hexdigest() for pdf in made]


@pytest.mark.parametrize("make", [pages.letter, pages.audit])
def test_objects_that_are_encoded_once_hold_what_pydyf_would_have_written(
    make: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = make("ordinary")
    monkeypatch.setattr(render, "_Encoded", lambda item: item)
    plainly = make.__wrapped__("ordinary")  # type: ignore[attr-defined]  # past its cache
    assert _objects(encoded) == _objects(plainly)
    assert len(encoded) < 1.02 * len(plainly)


def test_streams_end_clearly() -> None:
    """Data that end in CR would be read without it, since the line that follows them may begin with it."""
    drawn = random.Random(0)
    streams = [pydyf.Stream([drawn.randbytes(20)], {"Kind": "/Drawn"}, compress=True) for _ in range(2000)]
    written = [render._Encoded(stream).data for stream in streams]
    assert not any(data.endswith(b"\r\nendstream") for data in written)
    assert 0 < sum(b"FlateDecode" not in data for data in written) < 50


def _objects(pdf: bytes) -> list[tuple[bytes, bytes]]:
    """Every object of a file but its tables of objects, which hold places: what it is, and its uncompressed content."""
    found = []
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for item in opened.objects:
            if not isinstance(item, pikepdf.Stream):
                found.append((item.unparse(), b""))
            elif item.get("/Type") not in {"/ObjStm", "/XRef"}:
                said = {name: value for name, value in item.items() if name not in {"/Length", "/Filter"}}
                found.append((pikepdf.Dictionary(said).unparse(), item.read_bytes()))
    return found


@pytest.mark.parametrize("make", [pages.letter, pages.audit])
def test_pages_read_as_xml_are_printed_as_those_read_as_html(
    make: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = make("ordinary")
    monkeypatch.setattr(render, "own_page", lambda html, fetcher: HTML(string=html, url_fetcher=fetcher))
    assert make.__wrapped__("ordinary") == printed  # type: ignore[attr-defined]  # past its cache


@pytest.mark.parametrize("name", ["x" * 400, "word " * 80])
def test_a_long_name_leaves_the_date_alone_and_stays_within_the_margins(name: str) -> None:
    case = pages.CASES["ordinary"]
    addressee = case.addressee.model_copy(update={"name": name})
    with pypdfium2.PdfDocument(report.letter_pdf(case.record, addressee, case.config)) as document:
        text = document[0].get_textpage()
        boxes = [text.get_rect(place) for place in range(text.count_rects())]  # left, bottom, right, top
    assert min(left for left, *_ in boxes) > 0.8 * INCH
    assert max(right for _, _, right, _ in boxes) < 7.7 * INCH
    overlaps = [
        (one, other)
        for one, other in itertools.combinations(boxes, 2)
        if min(one[2], other[2]) - max(one[0], other[0]) > 0.5 and min(one[3], other[3]) - max(one[1], other[1]) > 4
    ]
    assert not overlaps


def test_bytes_do_not_depend_on_what_was_rendered_before() -> None:
    case = pages.CASES["bureau"]
    first = report.letter_pdf(case.record, case.addressee, case.config)
    pages.audit("wide")
    assert report.letter_pdf(case.record, case.addressee, case.config) == first


@pytest.mark.parametrize("name", ["letter", "audit"])
def test_hostile_text_is_printed_as_text(name: str) -> None:
    pdf = getattr(pages, name)("hostile")
    text = pages.text(pdf)
    assert "{{7*7}}" in text
    assert ("Dear {{7*7}}" if name == "letter" else "Decision audit {{7*7}}") in text
    for part in ("<img src=file:///etc/passwd>", "<link rel=attachment", "<style>*{display:none}</style>"):
        assert part in text
    assert "root:" not in text
    assert set(pages.attachments(pdf)) == ({"record.json"} if name == "audit" else set())


def test_hostile_text_fetches_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        text = (
            f'<img src="{url}"><link rel=stylesheet href={url}><style>@import url({url});</style>'
            f'<object data="{url}"></object><a rel=attachment href="{url}">a</a><svg><image href="{url}"/></svg>'
        )
        person = records.addressee(name=text)
        assert text.split(">", maxsplit=1)[0] in pages.text(report.letter_pdf(records.record(), person, SETTINGS))
        report.audit_pdf(records.record(decision=records.decision(id=text, product=text)), SETTINGS)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "element",
    [
        "<img alt=a src=file:///etc/passwd>",
        "<img alt=a src='data:image/svg+xml,<svg/>'>",
        "<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
        "<link rel=attachment href=file:///etc/passwd>",
        "<style>@import url(file:///etc/passwd)</style>",
        "<style>@font-face{font-family:x;src:url(file:///etc/passwd)}</style><p>a",
        "<p style='background:url(file:///etc/passwd)'>a",
    ],
)
def test_a_page_that_asks_for_a_resource_is_not_written(element: str) -> None:
    with pytest.raises(ReportError, match="asks for the resource"):
        to_pdf(f"<html lang=en><title>t</title>{element}</html>", "us-notice", FACES, identifier="x")


def test_templates_hold_no_legal_text_and_no_undefined_names() -> None:
    for template in Path(report.__file__).parents[2].glob("templates/*/document.html"):
        words = template.read_text(encoding="utf-8").lower()
        for phrase in ("equal credit", "fair credit", "creditors from discriminating", "| safe"):
            assert phrase not in words


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0.96, 3, "+0.960"),
        (-0.47, 2, "−0.47"),
        (0.0, 2, "0.00"),
        (-1e-9, 2, "0.00"),
        (-1e9, 0, "−1,000,000,000"),
        (3.2e17, 0, "+3.200e17"),
    ],
)
def test_contributions_carry_their_sign(value: float, decimals: int, expected: str) -> None:
    assert signed(value, decimals) == expected


def test_numbers_and_dates_read_as_in_print() -> None:
    import datetime as dt

    assert [decimals_for([v]) for v in (0.0, 0.96, 2.03, 41.0, 1e9, 1e-12)] == [2, 3, 2, 1, 0, 9]
    assert scientific(-3.1e-15) == "−3.1e−15"
    assert scientific(0.0) == "0"
    assert percent(0.884) == "88%"
    assert [measure(v) for v in (True, 3, "words", 1.98, -0.5)] == ["yes", "3", "words", "1.98", "−0.5"]
    assert long_date(dt.date(2026, 3, 3)) == "March 3, 2026"
