"""Prints what no test reached: the share of lines and branches by room, and the functions with the largest holes.

Called by `./run coverage` with the report that coverage writes as JSON. docs/quality/uncovered.md says why some stay.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE, LARGEST = "lrp_audit", 20
Files = Mapping[str, Mapping[str, Any]]
COUNTS = ("covered_lines", "covered_branches", "num_statements", "num_branches")


@dataclass(frozen=True)
class Hole:
    """Lines of one function, or of a file outside functions, that nothing reached."""

    file: str
    name: str
    lines: tuple[int, ...]


def shares(files: Files) -> dict[str, tuple[int, float]]:
    """Statements of every room, and the share of its lines and branches that something reached; then of all rooms."""
    counted: dict[str, list[int]] = {}
    for path, found in files.items():
        for room in (_room(path), "all"):
            sums = counted.setdefault(room, [0] * len(COUNTS))
            for place, count in enumerate(COUNTS):
                sums[place] += found["summary"][count]
    everything = counted.pop("all")
    rows = {**dict(sorted(counted.items())), "all": everything}
    return {room: (sums[2], sum(sums[:2]) / max(sum(sums[2:]), 1)) for room, sums in rows.items()}


def _room(path: str) -> str:
    inner = path.partition(f"{PACKAGE}/")[2]
    return inner.partition("/")[0].removesuffix(".py")


def holes(files: Files, most: int = LARGEST) -> list[Hole]:
    """Those with the most lines, largest first; equal ones in the order of files."""
    found = [
        Hole(path, name or "(outside functions)", tuple(part["missing_lines"]))
        for path, file in sorted(files.items())
        for name, part in file["functions"].items()
        if part["missing_lines"]
    ]
    return sorted(found, key=lambda hole: -len(hole.lines))[:most]


def stretches(lines: Sequence[int]) -> str:
    """Numbers with neighbours drawn together: `3–5, 9`."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][-1] + 1:
            runs[-1].append(line)
        else:
            runs.append([line])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def tables(files: Files) -> Iterator[str]:
    """Both tables as Markdown."""
    rooms = ((room, f"{statements:,}", f"{share:.1%}") for room, (statements, share) in shares(files).items())
    yield from _table(("Room", "Statements", "Reached"), rooms)
    yield ""
    largest = ((f"`{hole.file}`", f"`{hole.name}`", stretches(hole.lines)) for hole in holes(files))
    yield from _table(("File", "Where", "Lines"), largest)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield from (f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    print("\n".join(tables(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["files"])))
