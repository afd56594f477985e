"""Every code block of the README and the documentation does what it says."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from snippets import Session, is_slow, mistakes, shell_environment, snippets

from lrp_audit.resources import samples

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="not a source checkout")

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "data_samples").rglob("*.md"))]
RUN = {"python", "sh", "toml"}
KNOWN = RUN | {"text", "csv", "jinja"}


def pages() -> Iterator[object]:
    for path in PAGES:
        found = snippets(path.read_text(encoding="utf-8"))
        if found:
            marks = [pytest.mark.slow] if is_slow(found) else []
            yield pytest.param(path, id=path.relative_to(ROOT).as_posix(), marks=marks)


@pytest.mark.parametrize("path", list(pages()))
def test_a_page_can_be_worked_through(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(samples(), tmp_path / "data_samples", ignore=shutil.ignore_patterns("*.key", "__pycache__"))
    (tmp_path / "reports").mkdir()
    monkeypatch.chdir(tmp_path)
    session = Session(tmp_path, shell_environment(tmp_path, sys.executable, ROOT), {"__name__": "__page__"})
    session.work_through(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_block_says_what_it_is(path: Path) -> None:
    for item in snippets(path.read_text(encoding="utf-8")):
        assert item.language in KNOWN, f"line {item.line}"


def test_a_block_that_is_only_indented_has_no_language() -> None:
    (found,) = snippets("Type\n\n    lrp-audit demo\n")
    assert (found.language, found.line) == ("", 3)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("```python\nprint(1)\n```\n```text\n2\n```\n", "it says"),
        ("```sh\nfalse\n```\n", "exit code 1"),
        ("<!-- exits with 2 -->\n\n```sh\nfalse\n```\n", "exit code 1"),
        ('```toml\n[documents]\nleter = "us-notice"\n```\n', "documents.leter"),
        ("```toml\n[checks]\nnear_tie = -1\n```\n", "near_tie"),
    ],
)
def test_a_page_that_is_wrong_fails(page: str, said: str, tmp_path: Path) -> None:
    session = Session(tmp_path, shell_environment(tmp_path, sys.executable, ROOT), {})
    with pytest.raises(AssertionError, match=said):
        session.work_through(page)


def test_what_a_part_of_the_settings_leaves_out_is_no_mistake() -> None:
    assert not list(mistakes('[approval]\nby = "A. Example"\n'))


def test_blocks_before_and_after_belong_together(tmp_path: Path) -> None:
    session = Session(tmp_path, shell_environment(tmp_path, sys.executable, ROOT), {})
    session.work_through(
        '```toml title="a.toml"\nx = 1\n```\n```toml title="a.toml"\ny = 2\n```\n'
        "```python\nn = 41\n```\n```python\nprint(n + 1)\n```\n```text\n4...\n```\n"
        "<!-- not run: it would fail -->\n\n```sh\nfalse\n```\n"
    )
    assert (tmp_path / "a.toml").read_text() == "x = 1\ny = 2\n"
