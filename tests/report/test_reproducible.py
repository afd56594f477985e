"""One record, one set of versions, the same bytes: in any process, hash seed, locale, time zone and folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lrp_audit import report
from lrp_audit.deciding.libraries import recorded_libraries
from lrp_audit.report.specimens import Specimen, specimens

PRINT_DIGESTS = "import test_reproducible as here; print('\\n'.join(here.digests()))"
ELSEWHERE = {
    "plain": {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"},
    "far": {
        "PYTHONHASHSEED": "4711", "LC_ALL": "", "LANG": "tr_TR.UTF-8", "LANGUAGE": "tr", "PANGO_LANGUAGE": "ar",
        "TZ": "Asia/Kathmandu", "SOURCE_DATE_EPOCH": "1", "COLUMNS": "7", "TERM": "dumb",
    },
}  # fmt: skip


def digests() -> list[str]:
    """Of the first specimen of every document, in two languages where it has them, PDF and HTML."""
    return [hashlib.sha256(content).hexdigest() for content in _documents()]


def _documents() -> list[bytes]:
    made = []
    for document in ("us-notice", "eu-letter", "uk-letter"):
        item = next(iter(specimens(document)))
        made.append(report.letter_pdf(item.record, item.addressee, item.config))
        made.append(report.letter_html(item.record, item.addressee, item.config).encode())
    item = next(iter(specimens("audit")))
    for language in ("en", "de"):
        made.append(report.audit_pdf(item.record, _in(item, language).config))
        made.append(report.audit_html(item.record, _in(item, language).config).encode())
    return made


def _in(item: Specimen, language: str) -> Specimen:
    documents = item.config.documents.model_copy(update={"audit_language": language})
    config = item.config.model_copy(update={"documents": documents})
    return Specimen(item.name, item.record, item.addressee, config)


@pytest.mark.rule("G-10")
def test_documents_are_the_same_bytes_in_another_process_and_surroundings(tmp_path: Path) -> None:
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent), *sys.path])
    expected = digests()
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", PRINT_DIGESTS],
            env=os.environ | changes | {"PYTHONPATH": path},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        )
        for changes in ELSEWHERE.values()
    ]
    assert len(set(expected)) == len(expected)
    for run in runs:
        output, _ = run.communicate(timeout=120)
        assert output.split() == expected


@pytest.mark.rule("G-10")
def test_a_second_making_gives_the_same_bytes() -> None:
    assert digests() == digests()


def test_a_record_names_the_libraries_that_bytes_depend_on() -> None:
    found = recorded_libraries()
    assert set(found) == {"pango", "harfbuzz", "harfbuzz subset", "zlib"}
    assert all(found.values())
