"""A user's own templates: copied, edited, run in a sandbox, and checked for what they leave out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
import pytest
import records

from lrp_audit import report
from lrp_audit.errors import ReportError
from lrp_audit.report import look, render
from lrp_audit.report.template_check import check
from lrp_audit.report.template_copy import DOCUMENTS, copy
from lrp_audit.report.user_templates import read_folder
from lrp_audit.resources import templates
from lrp_audit.settings.config import AuditConfig


@pytest.fixture(autouse=True)
def quiet_weasyprint() -> None:
    """Templates of a user may make WeasyPrint speak; the check repeats what it says."""


SECRET = "hunter2-of-the-machine"


def using(folder: Path) -> AuditConfig:
    plain = records.config()
    read_folder.cache_clear()
    return plain.model_copy(
        update={"documents": plain.documents.model_copy(update={"templates": str(folder)})},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy("us-notice", tmp_path / "mine")
    return tmp_path / "mine"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def html(folder: Path) -> str:
    return report.letter_html(records.record(), records.addressee(), using(folder))


def test_pages_of_own_templates_are_read_as_html(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "own_page", None)  # it knows how the package's templates are written, and no others
    assert report.letter_pdf(records.record(), records.addressee(), using(folder)).startswith(b"%PDF")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_copy_prints_what_the_original_does(tmp_path: Path, document: str) -> None:
    written = copy(document, tmp_path)
    assert {path.suffix for path in written} == {".html", ".css"}
    assert all(path.read_bytes() == (templates() / path.relative_to(tmp_path)).read_bytes() for path in written)
    if document == "audit":
        assert report.audit_pdf(records.record(), using(tmp_path)) == pages.audit("ordinary")
    if document == "us-notice":
        assert report.letter_pdf(records.record(), records.addressee(), using(tmp_path)) == pages.letter("ordinary")


def test_other_documents_stay_the_packages_own(folder: Path) -> None:
    assert report.audit_pdf(records.record(), using(folder)) == pages.audit("ordinary")


def test_a_copy_overwrites_nothing_and_keeps_edited_shared_files(folder: Path) -> None:
    sheet = folder / "base" / "print.css"
    sheet.write_text("/* mine */")
    with pytest.raises(ReportError, match="us-notice exists already"):
        copy("us-notice", folder)
    assert all("base" not in path.parts or path.name != "print.css" for path in copy("audit", folder))
    assert sheet.read_text() == "/* mine */"
    with pytest.raises(ReportError, match="There is no document 'notice'; there are us-notice"):
        copy("notice", folder)


def test_edits_are_printed_and_change_the_recorded_digest(folder: Path) -> None:
    before = look.versions(using(folder))
    edit(folder / "us-notice" / "document.html", '<div class="disclosure">', "<p>Own words</p><div>")
    assert "Own words" in html(folder)
    after = look.versions(using(folder))
    assert set(before) == set(after) == {"templates"}
    assert before != after
    assert look.versions(records.config()) == {}


ATTACKS = [
    "{{ letter.__class__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ letter.refusals.__class__.__base__.__subclasses__() }}",
    "{{ letter.__init__.__globals__ }}",
    "{{ letter|attr('__class__') }}",
    "{{ [letter]|map(attribute='__class__')|join }}",
    "{{ ('{0.__class__.__init__.__globals__}').format(letter) }}",
    "{{ ('{0.__class__}'|e).format(letter) }}",
    "{{ say('{x.__class__.__init__.__globals__}', x=letter) }}",
    "{{ say('{x[0]}', x=letter.address) }}",
    "{{ say.plural('{x.y}', '{x.y}', 2, x=letter) }}",
    "{{ say._catalogue }}",
    "{{ say.__call__.__globals__ }}",
    "{{ letter.title.upper() }}",
    "{{ letter.model_copy() }}",
    "{{ brand.signatory.model_json_schema() }}",
    "{{ carried.__dict__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{% include '/etc/passwd' %}",
    "{% include '../secret.html' %}",
    "{% include 'base/../../secret.html' %}",
    "{% import 'os' as os %}",
    "{% autoescape false %}{{ letter.name }}{% endautoescape %}",
    "{{ letter.name|safe }}",
    "{% set letter.name = 'x' %}",
    "{{ range(10000000)|list }}",
    "{% for a in [1] %}",
    "{{ missing }}",
    "{{ 1 / 0 }}",
    "{{ 'a' * 3 + 4 }}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_template_reaches_nothing_but_its_context(folder: Path, attack: str) -> None:
    (folder.parent / "secret.html").write_text(SECRET)
    edit(folder / "base" / "letter.html", "{% block body %}", "{% block body %}" + attack)
    with pytest.raises(ReportError, match=r"The template \S+, line \d+: ") as error:
        html(folder)
    assert SECRET not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "use",
    [
        "{{ letter.name|upper }}",
        "{% set n = namespace(i=0) %}{% for line in letter.address %}{% set n.i = n.i + 1 %}{% endfor %}{{ n.i }}",
        "{% for i in range(3) %}{{ loop.cycle('a', 'b') }}{% endfor %}",
        "{{ say('Refusals') }}{{ say.language }}{{ say.plural('{count} a', '{count} b', 2) }}",
        "{% macro own(x) %}<b>{{ x }}</b>{% endmacro %}{{ own(letter.name) }}{{ self.title() }}",
    ],
)
def test_what_templates_are_for_still_works(folder: Path, use: str) -> None:
    edit(folder / "us-notice" / "document.html", '<div class="disclosure">', use + '<div class="disclosure">')
    assert "Maria Alvarez" in html(folder)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("us-notice/document.css", "body{background:url(http://127.0.0.1:9/x)}"),
        ("base/letter.html", "{% block body %}<img alt=a src=file:///etc/passwd>"),
        ("base/letter.html", "{% block body %}<link rel=attachment href=file:///etc/passwd>"),
    ],
)
def test_sheets_and_pages_of_a_user_fetch_nothing(folder: Path, place: str, text: str) -> None:
    path = folder / place
    if path.suffix == ".css":
        path.write_text(text + path.read_text())
    else:
        edit(path, "{% block body %}", text)
    with pytest.raises(ReportError, match="asks for the resource"):
        report.letter_pdf(records.record(), records.addressee(), using(folder))


def _link(folder: Path) -> None:
    (folder.parent / "secret.html").write_text(SECRET)
    (folder / "base" / "x.html").symlink_to(folder.parent / "secret.html")


def _large(folder: Path) -> None:
    (folder / "base" / "x.css").write_text(" " * 500_001)


def _encoded(folder: Path) -> None:
    (folder / "base" / "x.css").write_bytes(b"\xff\xfe")


def _lacking(folder: Path) -> None:
    (folder / "base" / "tokens.css").unlink()


def _empty(folder: Path) -> None:
    for path in folder.rglob("*.*"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_link, "x.html leads out of"),
        (_large, "more than 500,000 bytes"),
        (_encoded, "x.css is not UTF-8"),
        (_lacking, r"lacks base/tokens\.css"),
        (_empty, "holds 0 templates"),
        (lambda folder: folder.rename(folder.parent / "moved"), "no folder"),
    ],
    ids=["link", "large", "encoding", "lacking", "empty", "missing"],
)
def test_a_folder_that_cannot_be_used_is_one_sentence(folder: Path, spoil: Callable[[Path], Any], why: str) -> None:
    spoil(folder)
    with pytest.raises(ReportError, match=rf"documents\.templates: .*{why}"):
        report.letter_pdf(records.record(), records.addressee(), using(folder))


def problems(folder: Path) -> str:
    return "\n".join(problem for item in check(folder) for problem in item.problems)


def test_untouched_copies_pass_every_case(folder: Path) -> None:
    found = list(check(folder))
    assert len(found) > 8
    assert [item for item in found if item.problems] == []


@pytest.mark.parametrize(
    ("place", "old", "new", "expected"),
    [
        ("us-notice/document.html", '<div class="disclosure">', '<div style="display:none">', "letter.disclosures"),
        ("base/letter.html", "{{ letter.date }}", "", "letter.date is not printed"),
        ("base/letter.html", "{{ open_points(letter) }}", "", "letter.gaps"),
        ("base/letter.html", "{{ letter.subject }}", "{{ letter.topic }}", "has no attribute 'topic'"),
        ("base/letter.html", "<h1>", "<h1 style='white-space:nowrap;font-size:90pt'>", "leaves the paper"),
        ("base/letter.html", "<h1>", "<h1 style='break-before:page;height:30in'>", "pages, where"),
        ("us-notice/document.css", "@page {", "@import url(file:///etc/passwd);@page {", "WeasyPrint: @import"),
        ("us-notice/document.css", "@page {", "p { colour: red } @page {", "WeasyPrint: Ignored `colour"),
        ("base/letter.html", "<h1>", "<svg viewBox='0 0 1 1'><path d='M0 0h1'/></svg><h1>", "PDF_UA_1"),
    ],
    ids=["hidden", "dropped", "gaps", "undefined", "off the paper", "pages", "import", "ignored", "invalid"],
)
def test_the_check_finds_what_is_missing_or_invalid(
    folder: Path, place: str, old: str, new: str, expected: str
) -> None:
    edit(folder / place, old, new)
    assert expected in problems(folder)


def test_the_command_copies_and_checks(command: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    result = command("template", "copy", "us-notice", folder)
    assert (result.code, (folder / "us-notice" / "document.html").is_file()) == (0, True)
    assert command("template", "copy", "us-notice", folder).code == 2
    edit(folder / "base" / "letter.html", "{{ letter.date }}", "")
    result = command("template", "check", folder)
    assert result.code == 1
    assert "letter.date is not printed" in result.out
    assert command("template", "check", tmp_path / "nowhere").code == 2
    assert os.listdir(tmp_path) == ["mine"]
