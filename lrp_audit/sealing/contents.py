"""What lies in the folder of a batch: its files and its leaves, read and written as they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lrp_audit.errors import ReportError
from lrp_audit.files import write_file
from lrp_audit.parquet import open_parquet
from lrp_audit.sealing import layout
from lrp_audit.sealing.leaves import SCHEMA

_UNFINISHED = re.compile(r"\..+\.\d+\.part")  # what a killed write leaves behind


def sealed_names(folder: Path) -> list[str]:
    """The files that are nobody's alone, by name: all but documents and what the manifest does not speak of."""
    return sorted(_walk(folder, {*layout.UNSEALED, layout.DOCUMENTS, layout.EDITIONS}))


def document_names(folder: Path) -> Iterator[str]:
    """Every file below `documents/`, in no order."""
    for name in _walk(folder / layout.DOCUMENTS, set()):
        yield f"{layout.DOCUMENTS}/{name}"


def remove_unfinished(folder: Path) -> None:
    """Remove what killed writes left behind, anywhere in the folder."""
    for name in list(_walk(folder, set())):
        if is_unfinished(name.rpartition("/")[2]):
            (folder / name).unlink()


def is_unfinished(name: str) -> bool:
    """Whether a file is what a killed write left behind, by its name."""
    return _UNFINISHED.fullmatch(name) is not None


def _walk(folder: Path, apart: set[str], below: str = "") -> Iterator[str]:
    """Names of all that is no folder; a link counts as a file, and is not followed."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name in apart:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), set(), f"{below}{entry.name}/")
        else:
            yield f"{below}{entry.name}"


def chunk_files(folder: Path, room: str) -> list[Path]:
    """The files of all chunks in `records`, `addressees` or `leaves`, in the order of the rows."""
    found = (folder / room).glob("*.parquet")
    return sorted(found, key=lambda path: (len(path.name), path.name))


def leaf_tables(folder: Path) -> Iterator[pa.Table]:
    """The leaves of every chunk, in the order of the rows. Raises ReportError where a file is not as it was written."""
    for path in chunk_files(folder, layout.LEAVES):
        table = read_table(path)
        if not table.schema.equals(SCHEMA):
            raise ReportError(f"{path} does not hold leaves as they were written.")
        yield table


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A small Parquet file. Raises ReportError where it cannot be read."""
    try:
        with open_parquet(path) as file:  # `pq.read_table` would load pandas
            return file.read(columns=columns, use_threads=False)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _damaged(path, error) from None


def batches(path: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """A Parquet file of any size, some rows at a time. Raises ReportError where it cannot be read."""
    try:
        with open_parquet(path) as file:
            names = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
            yield from file.iter_batches(columns=names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def write_table(path: Path, table: pa.Table) -> Path:
    """Write a Parquet file, the same bytes for the same table. Raises ReportError."""
    return write_groups(path, table.schema, [table])


def write_groups(path: Path, schema: pa.Schema, groups: Iterable[pa.Table]) -> Path:
    """Write a Parquet file of any size, a row group for each of some tables. Raises ReportError."""

    def write(file: object) -> None:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for rows in groups:
                writer.write_table(rows)

    return write_file(path, write)


def _damaged(path: Path, error: Exception) -> ReportError:
    if isinstance(error, FileNotFoundError):
        return ReportError(f"{path} is missing.")
    return ReportError(f"{path} cannot be read as Parquet: it is damaged.")
