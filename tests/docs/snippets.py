"""Code blocks of the documentation, and what running a page means.

A page is worked through from top to bottom in a folder that holds a copy of `data_samples/`:

* `python` runs, all blocks of a page in one namespace;
* `sh` runs in bash, and fails where any command fails, unless `<!-- exits with 1 -->` stands before it;
* `text` is what the block before it printed, `...` standing for whatever is left out;
* a block with a title (```toml title="audit.toml"```) is the content of that file, or what is added to it;
* any other `toml` is part of an audit.toml: its keys and values are checked;
* `<!-- not run: REASON -->` before a block leaves it out.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from pydantic import ValidationError

from lrp_audit.settings.config import AuditConfig, _tuples

_TITLE = re.compile(r'title="([\w./-]+)"')
_NOT_RUN = re.compile(r"<!-- not run: .+ -->")
_CODE = re.compile(r"<!-- exits with (\d+) -->")
_SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Snippet:
    """A code block: its language, the remark before it, and where it stands."""

    language: str
    title: str | None
    text: str
    remark: str
    line: int

    @property
    def runs(self) -> bool:
        return _NOT_RUN.search(self.remark) is None

    @property
    def code(self) -> int:
        """The exit code that is expected."""
        match = _CODE.search(self.remark)
        return int(match[1]) if match else 0


def snippets(page: str) -> list[Snippet]:
    """The code blocks of a page, in order. One that is made by indenting has no language."""
    found, remark = [], ""
    for token in MarkdownIt().enable("table").parse(page):
        line = token.map[0] + 1 if token.map else 0
        if token.type in {"fence", "code_block"}:
            language, _, options = token.info.partition(" ")
            title = _TITLE.search(options)
            found.append(Snippet(language, title[1] if title else None, token.content, remark, line))
        remark = token.content if token.type == "html_block" else ""
    return found


def is_slow(page: list[Snippet]) -> bool:
    """Whether a page starts programs of its own."""
    return any(item.language == "sh" and item.runs for item in page)


@dataclass
class Session:
    """A page in progress."""

    folder: Path
    environment: Mapping[str, str]
    names: dict[str, Any]
    printed: str = ""

    def work_through(self, page: str) -> None:
        """Run every block of a page."""
        for item in snippets(page):
            self.run(item)

    def run(self, item: Snippet) -> None:
        """Do what a reader would do with the block, and check what can be checked."""
        if item.title is not None:
            with (self.folder / item.title).open("a", encoding="utf-8") as file:
                file.write(item.text)
        elif item.language == "text":
            same = doctest.OutputChecker().check_output(item.text, self.printed, _SAME)
            assert same, f"line {item.line}: it says\n{item.text}\nbut what was printed is\n{self.printed}"
        elif item.runs:
            getattr(self, f"_{item.language}")(item)

    def _python(self, item: Snippet) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile("\n" * item.line + item.text, "<page>", "exec"), self.names)
        self.printed = printed.getvalue()

    def _sh(self, item: Snippet) -> None:
        line = ["bash", "-euo", "pipefail", "-c", item.text]
        done = subprocess.run(
            line, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, input=""
        )
        assert done.returncode == item.code, (
            f"line {item.line}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        )
        assert "Traceback" not in done.stderr
        self.printed = done.stdout + done.stderr

    def _toml(self, item: Snippet) -> None:
        wrong = list(mistakes(item.text))
        assert not wrong, f"line {item.line}: {wrong}"


def mistakes(toml: str) -> Iterator[str]:
    """What is wrong with a part of an audit.toml, apart from what it leaves out."""
    try:
        AuditConfig.model_validate({"model": {"file": "m"}, **_tuples(tomllib.loads(toml))}, strict=True)
    except ValidationError as error:
        for detail in error.errors():
            if detail["type"] != "missing":
                yield f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"


def shell_environment(folder: Path, python: str, root: Path) -> dict[str, str]:
    """The environment of a reader who has installed the package: `lrp-audit` and `python` are this one's."""
    programs = folder / ".bin"
    programs.mkdir()
    for name, arguments in {"lrp-audit": "-m lrp_audit", "python": ""}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {python} {arguments} "$@"\n')
        program.chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(root), "COLUMNS": "100", "NO_COLOR": "1"}
