"""The page of the rooms: what each is for and which others it imports, from contracts and code."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "lrp_audit"
BOX, GAP, MARGIN = (132, 34), (12, 16), 8  # pixels
PAGE = """# Rooms and arrows

The package consists of rooms. A room imports only rooms below it, never one beside or above, so data moves one way: a
model file becomes a graph, the graph relevance, relevance reasons, reasons a record, and the record a document.
`./run lint` holds the order and the other contracts; this page is written from them and from the imports themselves.

{picture}

| Room | What it is for | Imports |
| --- | --- | --- |
{rows}

## Contracts

{contracts}
"""


def page() -> str:
    """The page as Markdown."""
    contracts = _contracts()
    layers = [[room.strip() for room in layer.split("|")] for layer in contracts[0]["layers"]]
    imports = _imports()
    rooms = [room for layer in layers for room in layer]
    rows = (f"| `{room}` | {_purpose(room)} | {_listed(imports.get(room, ()), rooms)} |" for room in rooms)
    said = "\n".join(f"* {contract['name']}{_forbidden(contract)}" for contract in contracts)
    return PAGE.format(picture=_picture(layers), rows="\n".join(rows), contracts=said)


def _contracts() -> Sequence[Mapping[str, list[str]]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, list[str]]] = settings["tool"]["importlinter"]["contracts"]
    return found


def _forbidden(contract: Mapping[str, list[str]]) -> str:
    if "forbidden_modules" not in contract:
        return ""
    names = ", ".join(f"`{name}`" for name in contract["source_modules"])
    return f": {names} must not import {', '.join(f'`{name}`' for name in contract['forbidden_modules'])}"


def _imports() -> dict[str, set[str]]:
    """Room -> the rooms that any module in it imports."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in sorted(graph.modules):
        here = _room(module)
        for other in graph.find_modules_directly_imported_by(module):
            if here and _room(other) and _room(other) != here:
                found.setdefault(here, set()).add(_room(other))
    return found


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _listed(names: set[str] | tuple[()], order: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names, key=order.index))


def _purpose(room: str) -> str:
    """First sentence of the room's docstring."""
    folder = ROOT / PACKAGE / room
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n", 1)[0].replace("\n", " ").replace("|", "\\|")


def _picture(layers: Sequence[Sequence[str]]) -> str:
    """Boxes in rows, the higher ones importing the lower ones."""
    width = max(map(len, layers)) * (BOX[0] + GAP[0]) + 2 * MARGIN
    height = len(layers) * (BOX[1] + GAP[1]) + 2 * MARGIN
    shapes = "".join(_boxes(layers, width))
    title = "Rooms in rows: each imports rooms of lower rows only"
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}" style="max-width:{width}px" '
        f'font-size="13" fill="none" stroke="currentColor">{shapes}</svg>'
    )


def _boxes(layers: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    for row, layer in enumerate(layers):
        top = MARGIN + row * (BOX[1] + GAP[1])
        left = (width - len(layer) * (BOX[0] + GAP[0]) + GAP[0]) / 2
        for name in layer:
            yield f'<rect x="{left:g}" y="{top}" width="{BOX[0]}" height="{BOX[1]}" rx="4"/>'
            yield (
                f'<text x="{left + BOX[0] / 2:g}" y="{top + 22}" text-anchor="middle" fill="currentColor" '
                f'stroke="none">{escape(name)}</text>'
            )
            left += BOX[0] + GAP[0]
        if row + 1 < len(layers):
            middle, below = width / 2, top + BOX[1]
            yield f'<path d="M{middle:g} {below + 2} v10 m-4 -5 l4 5 l4 -5"/>'
