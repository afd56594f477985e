"""Merkle trees of RFC 9162, section 2.1, over SHA-256.

A leaf and a node are hashed with different first bytes, so that neither can pass for the other. The tree is built level
by level; an odd node at the end of a level goes up as it is, which is the same tree as the RFC's recursive one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice

_LEAF, _NODE = b"\x00", b"\x01"
_SUBTREE = 1 << 16  # leaves; a power of two, so that whole ones are nodes of the tree


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(_LEAF + data).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes (section 2.1.1), of which few are held at a time."""
    parts = iter(leaves)
    tops = [_top(part) for part in iter(lambda: list(islice(parts, _SUBTREE)), [])]
    return _top(tops) if tops else hashlib.sha256().digest()


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The proof that the leaf at `index` is in the tree: the siblings of its way up (section 2.1.3.1)."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"a tree of {len(leaves)} leaves has no leaf {index}")
    level, path = list(leaves), []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _above(level), index // 2
    return path


def includes(root_hash: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof leads from a leaf hash to the root of a tree of `size` leaves (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, left = leaf, size - 1, list(reversed(path))
    while last:
        if index % 2 or index < last:
            if not left:
                return False
            sibling = left.pop()
            node = _node(sibling, node) if index % 2 else _node(node, sibling)
        index, last = index // 2, last // 2
    return not left and node == root_hash


def _top(level: list[bytes]) -> bytes:
    while len(level) > 1:
        level = _above(level)
    return level[0]


def _above(level: list[bytes]) -> list[bytes]:
    """The level above; one flat loop, since a batch has a million leaves."""
    sha256 = hashlib.sha256
    pairs = zip(level[::2], level[1::2], strict=False)
    found = [sha256(_NODE + left + right).digest() for left, right in pairs]
    return [*found, level[-1]] if len(level) % 2 else found


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
