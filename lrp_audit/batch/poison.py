"""Which rows of a chunk kill whoever works on them."""

from __future__ import annotations

from collections.abc import Callable

Rows = frozenset[int]  # places in a chunk


def killers(survives: Callable[[Rows], bool], rows: Rows) -> Rows:
    """The rows that kill, found by halves; none where it takes all of them together.

    Args:
        survives: works on some rows elsewhere, and tells whether that went well.
        rows: known to kill, at least together with others.
    """
    if survives(rows):
        return frozenset()
    if len(rows) == 1:
        return rows
    ordered = sorted(rows)
    middle = len(ordered) // 2
    return killers(survives, frozenset(ordered[:middle])) | killers(survives, frozenset(ordered[middle:]))
