"""The decisions of a batch as lists need them: what to do about each, by when, and where its documents lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lrp_audit.parquet import open_parquet
from lrp_audit.report.batch_report import LETTERS
from lrp_audit.report.counting import Columns
from lrp_audit.sealing import layout

AUDITS = ("audit.pdf",)
ROWS = 8192  # in memory at once
NEEDED = (
    "row",
    "id",
    "folder",
    "outcome",
    "state",
    "next_step",
    "notice_due",
    "reasons",
    "flags",
    "failure",
    "documents",
)
BETWEEN = " · "  # reasons that share a cell
NO_WORK = "NOT_ADVERSE"  # the one state that asks nothing of anybody


def columns_of(path: Path) -> Columns:
    """The columns of a Parquet file of any size."""

    def read(names: Sequence[str]) -> Iterator[pa.Table]:
        with open_parquet(path) as file:
            for batch in file.iter_batches(ROWS, columns=list(names)):
                yield pa.Table.from_batches([batch])

    return read


def cut(parts: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of `size`, the last one with what is left. Nothing is copied."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        while sum(len(table) for table in waiting) >= size:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, size)
            waiting = [joined.slice(size)]
    if any(len(table) for table in waiting):
        yield pa.concat_tables(waiting)


def listed(part: pa.Table) -> pa.Table:
    """A row for each decision: texts, and null for what there is not.

    `reasons` are those that a letter states; where the letter is refused there are none. `letter` and `audit` are
    names of files in the batch. `work` says whether somebody has to look at the decision.
    """
    refused, failed = pc.is_valid(part["state"]), pc.is_valid(part["failure"])
    asks = pc.and_(refused, pc.not_equal(part["state"], NO_WORK).fill_null(False))
    flags = part["flags"].fill_null(0)
    return pa.table(
        {
            "row": part["row"],
            "id": part["id"],
            "outcome": part["outcome"],
            "state": part["state"],
            "next_step": part["next_step"],
            "notice_due": part["notice_due"],
            "reasons": _joined(part["reasons"], "text", pc.invert(pc.or_(refused, failed))),
            "flags": flags,
            "failure": part["failure"],
            "letter": _file(part, LETTERS),
            "audit": _file(part, AUDITS),
            "work": pc.or_(pc.or_(asks, failed), pc.greater(flags, 0)),
        }
    )


def _joined(lists: Any, name: str, keep: Any) -> pa.Array:
    """The texts of a field of every list, in one; null where there are none, or they are not to be kept."""
    array = lists.combine_chunks()
    counts = pc.list_value_length(array).fill_null(0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(counts).cast(pa.int32())])
    texts = pa.ListArray.from_arrays(offsets, pc.list_flatten(array).field(name))
    present = pc.and_(pc.greater(counts, 0), keep.combine_chunks())
    return pc.if_else(present, pc.binary_join(texts, BETWEEN), pa.scalar(None, pa.string()))


def _file(part: pa.Table, names: Sequence[str]) -> pa.Array:
    """Where the document of one of these names lies in the batch; null where there is none."""
    documents = part["documents"].combine_chunks()
    found = pc.list_flatten(documents).field("name")
    chosen = pc.is_in(found, pa.array(names))
    files = np.full(part.num_rows, None, dtype=object)
    files[pc.list_parent_indices(documents).filter(chosen)] = found.filter(chosen)
    folders = part["folder"].combine_chunks()
    shards = pc.utf8_slice_codeunits(folders, 0, layout.SHARD_DIGITS)
    return pc.binary_join_element_wise(layout.DOCUMENTS, shards, folders, pa.array(files, pa.string()), "/")
