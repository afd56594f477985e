"""Reading a table of decisions from CSV or Parquet, and refusing anything doubtful in one sentence.

What counts as missing in a CSV is decided here and nowhere else: an empty cell, and in a column whose other cells are
all numbers also the words in `MISSING_WORDS`. In a column of text those words are text, so a category that is called
`NA` or `None` stays one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lrp_audit.errors import DataError

if TYPE_CHECKING:
    import _csv

MISSING_WORDS = frozenset({"NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>"})
SEPARATORS = (",", ";", "\t")
_TRUTH = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
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
    if not path.exists():
        raise DataError(f"{path}: there is no such file.")
    if path.is_dir():
        raise DataError(f"{path}: this is a folder; a CSV or Parquet file is needed.")
    with path.open("rb") as file:
        parquet = file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
    frame = _read_parquet(path, text) if parquet else _read_csv(path, text)
    if frame.empty:
        raise DataError(f"{path}: the table has a header and no rows.")
    return frame


def _read_parquet(path: Path, text: Collection[str]) -> pd.DataFrame:
    import pyarrow  # noqa: PLC0415  # a tenth of a second that a CSV does not need

    try:
        frame = pd.read_parquet(path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: the Parquet file is damaged or truncated; write it again.") from error
    frame.columns = frame.columns.map(str)
    _check_names(path, list(frame.columns))
    kept = [column for column in frame.columns if column in text]
    return frame.assign(**{column: frame[column].astype("str").where(frame[column].notna()) for column in kept})


def _read_csv(path: Path, text: Collection[str]) -> pd.DataFrame:
    content = _decode(path)
    separator = _separator(path, content)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    rows = _rows(path, reader)
    names = next(rows)
    if names[0] == "":
        names[0] = "Unnamed: 0"  # the index that pandas writes by default
    _check_names(path, names)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pd.DataFrame({name: _column(cells, keep=name in text) for name, cells in zip(names, columns, strict=True)})


def _decode(path: Path) -> str:
    content = path.read_bytes()
    if not content.strip():
        raise DataError(f"{path}: the file is empty.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path}: the file is UTF-16; save it as UTF-8.")
    if b"\0" in content:
        raise DataError(f"{path}: this is a binary file, not a CSV; a CSV or Parquet file is needed.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte {error.start} in line {line} (0x{content[error.start]:02x})"
        raise DataError(f"{path}: {byte} is not UTF-8; save the file as UTF-8.") from None


def _separator(path: Path, content: str) -> str:
    """The separator that cuts the header into most names."""
    header = next(line for line in content.splitlines() if line.strip())
    counts = {separator: len(next(csv.reader([header], delimiter=separator))) for separator in SEPARATORS}
    best = max(SEPARATORS, key=counts.__getitem__)
    if counts[best] == 1:
        raise DataError(
            f"{path}: this is not a CSV table: its first line has one column only, "
            "and names separated by comma, semicolon or tab are needed."
        )
    return best


def _rows(path: Path, reader: _csv.Reader) -> Iterator[list[str]]:
    """The rows that are not blank, header first, all of the header's width."""
    width = None
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DataError(f"{path}: line {reader.line_num} cannot be read as CSV ({error}).") from None
        if row is None:
            return
        if not row:
            continue
        width = width or len(row)
        if len(row) != width:
            raise DataError(f"{path}: line {reader.line_num} has {len(row)} cells and the header {width}.")
        yield row


def _check_names(path: Path, names: list[str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"{path}: the header names {', '.join(map(repr, doubled))} more than once.")


def _column(cells: tuple[str, ...], *, keep: bool) -> pd.Series[Any]:
    values = pd.Series(cells, dtype="object")
    blank = values.str.strip() == ""
    if not keep:
        numbers = _numbers(values.mask(blank | values.isin(MISSING_WORDS)))
        if numbers is not None:
            return numbers
        if values.isin(list(_TRUTH)).all():
            return values.map(_TRUTH).astype(bool)
    return values.astype("str").mask(blank)


def _numbers(values: pd.Series[Any]) -> pd.Series[Any] | None:
    """The cells as numbers, or None where one is something else."""
    try:
        numbers = pd.to_numeric(values)
    except (ValueError, TypeError):
        return None
    return numbers.astype("float64") if numbers.dtype == object else numbers  # object: beyond 64 bits
