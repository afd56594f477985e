"""Parquet files of any size, read some rows at a time."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq


def open_parquet(path: Path) -> pq.ParquetFile:
    """A file that keeps nothing of what was read; with its defaults, pyarrow holds all of it until the file is closed.

    Raises:
        ArrowException, OSError: as pyarrow does.
    """
    return pq.ParquetFile(path, pre_buffer=False)
