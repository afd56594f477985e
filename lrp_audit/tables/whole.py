"""Reading a whole table of decisions from CSV or Parquet, and refusing anything doubtful in one sentence."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from lrp_audit.errors import DataError
from lrp_audit.tables import csv_files
from lrp_audit.tables.cells import column

_PARQUET_MAGIC = b"PAR1"


def read_table(path: Path, *, text: Collection[str] = ()) -> pd.DataFrame:
    """The table at `path`, a row per decision.

    Columns of numbers become int64 or float64, columns of true and false bool, all others str. A column that mixes
    numbers with other words stays str, so that the row at fault can be named later.

    Args:
        path: a CSV file in UTF-8, separated by comma, semicolon or tab, or a Parquet file.
        text: columns kept as they are written: identifiers (`007`), versions (`1.10`), dates.

    Raises:
        DataError: the file is missing, empty, not a table, not UTF-8, ragged, or has no rows or two columns of a name.
    """
    if path.is_dir():
        raise DataError(f"{path}: this is a folder; a CSV or Parquet file is needed.")
    frame = _read_parquet(path, text) if is_parquet(path) else _read_csv(path, text)
    if frame.empty:
        raise no_rows(path)
    return frame


def is_parquet(path: Path) -> bool:
    """Whether a file says that it is Parquet. Raises DataError where there is no file."""
    if not path.exists():
        raise DataError(f"{path}: there is no such file.")
    with path.open("rb") as file:
        return file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC


def no_rows(path: object) -> DataError:
    """What is raised where there is nothing to decide on."""
    return DataError(f"{path}: the table has a header and no rows.")


def damaged(path: object) -> DataError:
    """What is raised where a Parquet file cannot be read."""
    return DataError(f"{path}: the Parquet file is damaged or truncated; write it again.")


def as_text(frame: pd.DataFrame, text: Collection[str]) -> pd.DataFrame:
    """The table with these columns as text; missing cells stay missing."""
    kept = [name for name in frame.columns if name in text]
    return frame.assign(**{name: frame[name].astype("str").where(frame[name].notna()) for name in kept})


def _read_parquet(path: Path, text: Collection[str]) -> pd.DataFrame:
    import pyarrow  # noqa: PLC0415  # a tenth of a second that a CSV does not need

    try:
        frame = pd.read_parquet(path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise damaged(path) from error
    frame.columns = frame.columns.map(str)
    csv_files.check_names(path, list(frame.columns))
    return as_text(frame, text)


def _read_csv(path: Path, text: Collection[str]) -> pd.DataFrame:
    names, *rows = csv_files.rows(path)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pd.DataFrame({name: column(cells, keep=name in text) for name, cells in zip(names, columns, strict=True)})
