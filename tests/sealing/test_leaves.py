"""A leaf binds what it was made for, and without its salt says nothing about it."""

from __future__ import annotations

import hashlib
import hmac

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.sealing.leaves import SCHEMA, Content, altered, leaves_of_chunk, record_content

SECRET = b"secret of the batch"
digests = st.binary().map(lambda content: hashlib.sha256(content).hexdigest())
contents = st.lists(
    st.builds(Content, st.sampled_from(["record", "document"]), st.integers(0, 99), st.text(max_size=20), digests),
    max_size=8,
    unique_by=lambda item: (item.row, item.kind, item.name),
).filter(lambda items: all(c < "\ud800" or c > "\udfff" for item in items for c in item.name))


def test_a_leaf_is_the_documented_hash() -> None:
    item = record_content(7, hashlib.sha256(b"{}").hexdigest())
    table = leaves_of_chunk([item], SECRET)
    salt = hmac.new(SECRET, b"records/7", hashlib.sha256).digest()
    expected = hashlib.sha256(b"\0" + salt + b"record\0records/7\0" + hashlib.sha256(b"{}").digest()).digest()
    assert table.column("leaf").to_pylist() == [expected]
    assert table.column("salt").to_pylist() == [salt]


@given(contents, st.randoms())
def test_leaves_do_not_depend_on_the_order_they_were_made_in(items: list[Content], random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    table = leaves_of_chunk(items, SECRET)
    assert table.equals(leaves_of_chunk(shuffled, SECRET))
    assert table.column("row").to_pylist() == sorted(item.row for item in items)
    assert altered(table) == []


CHANGES = [
    *((column, value) for column in ("name", "sha256", "salt") for value in ("other", None)),
    ("kind", "document"),
    ("leaf", "other"),
]


@pytest.mark.parametrize(("column", "value"), CHANGES)
def test_whatever_is_changed_or_removed_alone_shows(column: str, value: str | None) -> None:
    table = leaves_of_chunk([record_content(row, hashlib.sha256(b"%d" % row).hexdigest()) for row in range(3)], SECRET)
    values = table.column(column).to_pylist()
    values[1] = value if value is None or column in {"kind", "name", "sha256"} else value.encode().ljust(32)
    field = SCHEMA.field(column)
    changed = table.set_column(table.schema.get_field_index(column), field, pa.array(values, field.type))
    assert altered(changed) == [1]


def test_another_secret_gives_other_leaves() -> None:
    item = record_content(7, hashlib.sha256(b"{}").hexdigest())
    assert leaves_of_chunk([item], SECRET).column("leaf") != leaves_of_chunk([item], b"another").column("leaf")
