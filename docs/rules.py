"""Writes docs/reference/rules.md: which tests show that a rule is kept, and where a document shows it.

Tests say it themselves, by `@pytest.mark.rule("US-03")`; docs/rules.toml holds the rules. Run by `./run docs`.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "rules.md"
HEAD = """# Rules, tests and places

Written by `./run docs` from the tests' markers and `docs/rules.toml`; do not edit. A rule id is that of the regulatory
reference that the documents are built from. A test shows what it tests, and no more: whether a document meets the law,
counsel says.
"""


@dataclass(frozen=True)
class Rule:
    """One rule; `home` is the part of the work that it is left to, where no test shows it yet."""

    id: str
    asks: str
    where: str
    home: str | None = None


def rules() -> tuple[dict[str, str], list[Rule]]:
    """Titles of groups by their prefix, and all rules in order."""
    raw = tomllib.loads((ROOT / "docs" / "rules.toml").read_text(encoding="utf-8"))
    return raw["groups"], [Rule(id=name, **fields) for name, fields in raw["rule"].items()]


def marked(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Rule -> the tests that carry it, as `path::name`, in order."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for rule in _ids(node):
                    found.setdefault(rule, []).append(f"{path.relative_to(folder.parent).as_posix()}::{node.name}")
    return found


def _ids(function: ast.FunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rule":
            yield from (ast.literal_eval(argument) for argument in decorator.args)


def page(groups: Mapping[str, str], listed: list[Rule], tests: Mapping[str, list[str]]) -> str:
    """The page as Markdown."""
    lines = [HEAD]
    for prefix, title in groups.items():
        lines += [f"## {title}", "", "| Rule | Asks | Where | Shown by |", "| --- | --- | --- | --- |"]
        for rule in listed:
            if rule.id.split("-")[0] == prefix:
                shown = "<br>".join(f"`{name}`" for name in tests.get(rule.id, ())) or f"left to: {rule.home}"
                lines.append(f"| {rule.id} | {rule.asks} | {rule.where} | {shown} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(*rules(), marked()), encoding="utf-8", newline="\n")
