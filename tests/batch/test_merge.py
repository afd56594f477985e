"""The parts of all chunks become one table, in row groups of one size."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lrp_audit.batch import merge
from lrp_audit.sealing import layout


@pytest.mark.parametrize("sizes", [(1,), (3, 3, 3), (7, 1, 2), (10, 10), (4, 4, 4, 1)])
def test_groups_have_one_size_whatever_a_chunk_holds(
    sizes: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "ROW_GROUP", 4)
    start = 0
    for number, size in enumerate(sizes):
        for name in (layout.DECISIONS, layout.RELEVANCE):
            part = tmp_path / layout.part_name(name, number)
            part.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table({"row": range(start, start + size)}), part)
        start += size
    merge.merge(tmp_path, len(sizes))
    for name in (layout.DECISIONS, layout.RELEVANCE):
        file = pq.ParquetFile(tmp_path / name)
        assert file.read().column("row").to_pylist() == list(range(start))
        groups = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        assert groups == [4] * (start // 4) + [start % 4] * bool(start % 4)
