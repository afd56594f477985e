"""The tree is that of RFC 9162: its known answers, and its own recursive definition."""

from __future__ import annotations

import hashlib
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.sealing import merkle

# The test tree of RFC 6962's reference implementation (google/certificate-transparency), leaves and roots.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

trees = st.lists(st.binary(max_size=4), min_size=1, max_size=70).map(lambda data: [merkle.leaf_hash(d) for d in data])


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    return hashlib.sha256(b"\x01" + recursive_root(leaves[:cut]) + recursive_root(leaves[cut:])).digest()


def recursive_path(leaves: list[bytes], index: int) -> list[bytes]:
    """RFC 9162, section 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    if index < cut:
        return [*recursive_path(leaves[:cut], index), recursive_root(leaves[cut:])]
    return [*recursive_path(leaves[cut:], index - cut), recursive_root(leaves[:cut])]


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES[:size]]
    assert merkle.root(leaves).hex() == ROOTS[size - 1]


def test_a_tree_without_leaves_has_the_root_of_nothing() -> None:
    assert merkle.root([]) == hashlib.sha256(b"").digest()


@given(trees, st.integers(0, 7))
def test_the_root_is_the_recursive_one_however_many_leaves_are_held(leaves: list[bytes], height: int) -> None:
    with mock.patch.object(merkle, "_SUBTREE", 1 << height):
        assert merkle.root(iter(leaves)) == recursive_root(leaves)


@given(trees, st.data())
def test_every_leaf_is_proven_by_the_path_of_the_rfc_and_no_other_is(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = merkle.inclusion(leaves, index), merkle.root(leaves)
    assert path == recursive_path(leaves, index)
    assert merkle.includes(root, len(leaves), index, leaves[index], path)
    assert not merkle.includes(root, len(leaves), index, merkle.leaf_hash(b"another"), path)
    other = data.draw(st.integers(-1, len(leaves)))
    if other != index:
        same = 0 <= other < len(leaves) and leaves[other] == leaves[index]
        assert same or not merkle.includes(root, len(leaves), other, leaves[index], path)


@given(trees, st.data())
def test_a_path_that_was_changed_cut_or_lengthened_proves_nothing(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root, leaf = merkle.inclusion(leaves, index), merkle.root(leaves), leaves[index]
    assert not merkle.includes(root, len(leaves), index, leaf, [*path, root])
    if path:
        assert not merkle.includes(root, len(leaves), index, leaf, path[:-1])
        place, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
        flipped = int.from_bytes(path[place], "big") ^ (1 << bit)
        changed = [*path[:place], flipped.to_bytes(32, "big"), *path[place + 1 :]]
        assert not merkle.includes(root, len(leaves), index, leaf, changed)


def test_a_leaf_is_no_node() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.leaf_hash(left + right) != merkle.root([left, right])


def test_there_is_no_proof_of_a_leaf_beyond_the_tree() -> None:
    with pytest.raises(IndexError, match="a tree of 1 leaves has no leaf 1"):
        merkle.inclusion([merkle.leaf_hash(b"")], 1)
