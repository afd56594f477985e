"""Tables that are read piece by piece, in pieces of one size, with the columns that `read_table` would give them.

What a column is shows only at its last row, so a table is read twice: for its columns, then for its rows. A folder of
Parquet files is one table, its files in the order of their names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lrp_audit.errors import DataError
from lrp_audit.tables import csv_files
from lrp_audit.tables.cells import Kind, as_kind, kind_of, merged
from lrp_audit.tables.whole import as_text, damaged, is_parquet, no_rows

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 65_536  # of the first pass


@dataclass(frozen=True)
class Stream:
    """A table: its columns, and its rows in pieces of so many, the last of which may be shorter."""

    columns: tuple[str, ...]
    frames: Callable[[int], Iterator[pd.DataFrame]]


def open_stream(path: Path, *, text: Collection[str] = ()) -> Stream:
    """Look through a table, to read it piece by piece; see `read_table`.

    Args:
        path: a CSV file, a Parquet file, or a folder of Parquet files.
        text: columns kept as they are written.

    Raises:
        DataError: what is there is no table; the sentences are those of `read_table`.
    """
    if path.is_dir():
        files = parquet_files(path)
        if not files:
            raise DataError(f"{path}: the folder holds no file whose name ends in .parquet.")
        return _parquet_stream(path, files, text)
    return _parquet_stream(path, [path], text) if is_parquet(path) else _csv_stream(path, text)


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files of a folder, in the order of their names; hidden ones are those of a write in progress."""
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith((".", "_")))


def _csv_stream(path: Path, text: Collection[str]) -> Stream:
    rows = csv_files.rows(path)
    names = next(rows)
    found: list[set[Kind]] = [set() for _ in names]
    for columns in _columns(rows, ROWS):
        for name, kinds, cells in zip(names, found, columns, strict=True):
            if name in text or kinds == {"str"}:
                kinds.add("str")
            else:
                kinds.add(kind_of(cells))
    if not found[0]:
        raise no_rows(path)
    whole = [merged(kinds) for kinds in found]

    def frames(size: int) -> Iterator[pd.DataFrame]:
        again = csv_files.rows(path)
        next(again)
        for columns in _columns(again, size):
            yield pd.DataFrame(
                {name: as_kind(cells, kind) for name, kind, cells in zip(names, whole, columns, strict=True)}
            )

    return Stream(tuple(names), frames)


def _columns(rows: Iterator[list[str]], size: int) -> Iterator[list[tuple[str, ...]]]:
    """The rows in pieces, turned into columns."""
    while piece := list(islice(rows, size)):
        yield list(zip(*piece, strict=True))


def _parquet_stream(path: Path, files: list[Path], text: Collection[str]) -> Stream:
    import pyarrow as pa  # noqa: PLC0415  # a tenth of a second that a CSV does not need

    try:
        schema, holed, rows = _survey(path, files)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path) from error
    if rows == 0:
        raise no_rows(path)

    def frames(size: int) -> Iterator[pd.DataFrame]:
        try:
            for table in _cut(_tables(files, schema), size):
                yield as_text(_frame(table, holed), text)
        except (pa.ArrowException, OSError) as error:
            raise damaged(path) from error

    return Stream(tuple(_frame(schema.empty_table(), holed).columns), frames)


def _survey(path: Path, files: list[Path]) -> tuple[pa.Schema, dict[str, np.dtype[Any]], int]:
    """The schema of all files, the pandas types of columns with a missing cell anywhere, and the rows."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    from lrp_audit.parquet import open_parquet  # noqa: PLC0415

    schemas = [_decoded(pq.read_schema(file)) for file in files]
    for file, schema in zip(files, schemas, strict=True):
        csv_files.check_names(file, schema.names)
        if set(schema.names) != set(schemas[0].names):
            raise DataError(f"{path}: {file.name} has other columns than {files[0].name}.")
    try:
        schema = pa.unify_schemas(schemas, promote_options="permissive").with_metadata(schemas[0].metadata)
    except pa.ArrowTypeError as error:
        raise DataError(f"{path}: a column is of one kind in one file and of another elsewhere ({error}).") from None
    types = {pa.types.is_integer: np.dtype(float), pa.types.is_boolean: np.dtype(object)}
    holes = {field.name: kind for field in schema for fits, kind in types.items() if fits(field.type)}
    missing: set[str] = set()
    for file in files:
        for batch in open_parquet(file).iter_batches(ROWS, columns=[name for name in holes if name not in missing]):
            missing.update(name for name in batch.schema.names if batch[name].null_count)
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    return schema, {name: kind for name, kind in holes.items() if name in missing}, rows


def _decoded(schema: pa.Schema) -> pa.Schema:
    """Dictionaries, whose codes differ between files, as what they stand for."""
    import pyarrow as pa  # noqa: PLC0415

    for position, field in enumerate(schema):
        if pa.types.is_dictionary(field.type):
            schema = schema.set(position, field.with_type(field.type.value_type))
    return schema


def _tables(files: list[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    import pyarrow as pa  # noqa: PLC0415

    from lrp_audit.parquet import open_parquet  # noqa: PLC0415

    for file in files:
        for batch in open_parquet(file).iter_batches(ROWS):
            yield pa.Table.from_batches([batch]).select(schema.names).cast(schema, safe=False)


def _cut(tables: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in pieces of one size."""
    import pyarrow as pa  # noqa: PLC0415

    kept: list[Any] = []
    for table in tables:
        kept.append(table)
        while sum(map(len, kept)) >= size:
            joined = pa.concat_tables(kept)
            yield joined.slice(0, size)
            kept = [joined.slice(size)]
    if sum(map(len, kept)):
        yield pa.concat_tables(kept)


def _frame(table: pa.Table, holed: dict[str, np.dtype[Any]]) -> pd.DataFrame:
    """A piece as pandas reads the whole: a column of whole numbers with a hole anywhere is float64."""
    frame: pd.DataFrame = table.to_pandas().reset_index(drop=True)
    frame.columns = frame.columns.map(str)
    for name, kind in holed.items():
        if name in frame.columns and not pd.api.types.is_extension_array_dtype(frame[name].dtype):
            frame[name] = frame[name].astype(kind)
    return frame
