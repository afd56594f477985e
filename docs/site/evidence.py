"""The page of the evidence: which tests hold the results against something else, how closely, and in how many cases."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {
    "tests/oracles": "Against other implementations and forms",
    "tests/engine": "Rules, operators and books",
    "tests/adapters": "Models, tables and texts; conservation on every architecture",
    "tests/checks": "Checks",
    "tests/aggregate": "Many decisions, with planted truths",
    "tests/real": "Real tables, which the repository does not hold",
}
HEAD = """# Evidence

Written from the tests when the site is built. Cases are what pytest collects; tolerances are those that stand in the
file, relative or absolute. A test shows what it tests: agreement with another implementation is no proof that both are
right, so the same quantities are also held against closed forms and hand-worked numbers.
"""
CLOSE = {"atol", "rtol", "abs", "rel", "relative", "tolerance"}


def page() -> str:
    """The page as Markdown."""
    cases = Counter(_collected())
    return HEAD + "".join(_section(folder, title, cases) for folder, title in GROUPS.items())


def _section(folder: str, title: str, cases: Counter[str]) -> str:
    files = [name for name in sorted(cases) if name.startswith(f"{folder}/")]
    lines = [f"\n## {title}\n", "| Test | States | Cases | Tolerances |", "| --- | --- | --- | --- |"]
    for name in files:
        tree = _parsed(ROOT / name)
        close = sorted(tolerances(tree) | helpers_tolerances(tree, (ROOT / name).parent))
        lines.append(f"| `{name}` | {_states(tree)} | {cases[name]} | {', '.join(f'{x:g}' for x in close)} |")
    lines.append(f"| | together | {sum(cases[name] for name in files)} | |")
    return "\n".join(lines) + "\n"


def _collected() -> Iterator[str]:
    """The file of every case, once for each."""
    line = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", *GROUPS]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    for name, count in re.findall(r"^(tests/\S+\.py): (\d+)$", done.stdout, re.MULTILINE):
        yield from [name] * int(count)


def _states(tree: ast.Module) -> str:
    return (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def tolerances(tree: ast.Module) -> set[float]:
    """Numbers that say how close is close enough: arguments such as `atol`, constants, and upper limits below 0.01."""
    found: set[float] = set()
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg=name, value=value) if name in CLOSE:
                found |= set(_numbers(value))
            case ast.Compare(ops=[*_, ast.Lt() | ast.LtE()], comparators=[*_, value]):
                found |= {number for number in _numbers(value) if number < 0.01}
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=float(number))) if name.isupper():
                found |= {number} if number < 0.01 else set()
    return found - {0.0}


def helpers_tolerances(tree: ast.Module, folder: Path) -> set[float]:
    """The same of functions that come from files beside the test: what they hold to where nothing else is said."""
    found: set[float] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (path := folder / f"{node.module}.py").exists():
            names = {alias.name for alias in node.names}
            for function in ast.walk(_parsed(path)):
                if isinstance(function, ast.FunctionDef) and function.name in names:
                    found |= set(_defaults(function))
    return found


def _defaults(function: ast.FunctionDef) -> Iterator[float]:
    for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if argument.arg in CLOSE and default is not None:
            yield from _numbers(default)


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _numbers(tree: ast.AST) -> Iterator[float]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.value
