"""Links lead somewhere. Those between pages of the site are checked by its strict build; all others here."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a source checkout")


def markdown_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / name for name in listed.stdout.split()]


def links(page: str) -> Iterator[str]:
    for block in MarkdownIt().enable("table").parse(page):
        for token in block.children or ():
            place = token.attrGet("href") or token.attrGet("src")
            if place:
                yield str(place)


def anchors(page: str) -> set[str]:
    """Headings as GitHub names them."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings_that_there_are(path: Path) -> None:
    in_site = path.is_relative_to(ROOT / "docs")
    for link in links(path.read_text(encoding="utf-8")):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in {"https", "mailto"}, link
            continue
        target = (path.parent / parts.path).resolve() if parts.path else path
        if in_site and target.is_relative_to(ROOT / "docs"):
            continue  # some are written when the site is built
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if parts.fragment and target.suffix == ".md":
            assert parts.fragment in anchors(target.read_text(encoding="utf-8")), link


def test_links_and_headings_are_found() -> None:
    assert list(links("[a](b.md#c) ![d](e.png)\n\n| [x](y) |\n|---|\n")) == ["b.md#c", "e.png", "y"]
    assert anchors("# How far to believe it?\n\n## `a` b\n") == {"how-far-to-believe-it", "a-b"}
