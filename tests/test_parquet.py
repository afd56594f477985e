"""Parquet files are read some rows at a time and leave nothing in memory."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lrp_audit.parquet import open_parquet


def test_what_was_read_is_not_kept(tmp_path: Path) -> None:
    path, rows = tmp_path / "numbers.parquet", 200_000
    numbers = np.random.default_rng(0).normal(size=(rows, 4))
    pq.write_table(pa.table({f"c{i}": numbers[:, i] for i in range(4)}), path, row_group_size=rows // 20)
    before, seen, most = pa.total_allocated_bytes(), 0, 0
    with open_parquet(path) as file:
        for batch in file.iter_batches(1000):
            seen += len(batch)
            most = max(most, pa.total_allocated_bytes() - before)
    assert seen == rows
    assert most < numbers.nbytes / 4
