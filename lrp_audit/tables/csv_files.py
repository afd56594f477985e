"""CSV files: what is no table is refused in one sentence; the rows of the others come one by one."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lrp_audit.errors import DataError

if TYPE_CHECKING:
    import _csv

SEPARATORS = (",", ";", "\t")
_BLOCK = 1 << 20  # bytes looked at together


def rows(path: Path) -> Iterator[list[str]]:
    """The header, then the rows that are not blank, all of the header's width.

    Raises:
        DataError: the file is empty, not a table, not UTF-8 or ragged, or has two columns of a name.
    """
    _check_encoding(path)
    separator = _separator(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        found = _rows(path, csv.reader(file, delimiter=separator, strict=True))
        names = next(found)
        if names[0] == "":
            names[0] = "Unnamed: 0"  # the index that pandas writes by default
        check_names(path, names)
        yield names
        yield from found


def check_names(path: object, names: list[str]) -> None:
    """Raise DataError where two columns share a name."""
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"{path}: the header names {', '.join(map(repr, doubled))} more than once.")


def _check_encoding(path: Path) -> None:
    """Raise DataError unless the file is text in UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    blank, before, lines, block = True, 0, 0, b"-"
    with path.open("rb") as file:
        while block:
            block = file.read(_BLOCK)
            if before == 0 and block.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise DataError(f"{path}: the file is UTF-16; save it as UTF-8.")
            if b"\0" in block:
                raise DataError(f"{path}: this is a binary file, not a CSV; a CSV or Parquet file is needed.")
            carried = len(decoder.getstate()[0])  # bytes of a character that the block before began
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                at = error.start - carried
                line = lines + block.count(b"\n", 0, max(at, 0)) + 1
                byte = f"byte {before + at} in line {line} (0x{error.object[error.start]:02x})"
                raise DataError(f"{path}: {byte} is not UTF-8; save the file as UTF-8.") from None
            blank = blank and not block.strip()
            before, lines = before + len(block), lines + block.count(b"\n")
    if blank:
        raise DataError(f"{path}: the file is empty.")


def _separator(path: Path) -> str:
    """The separator that cuts the header into most names."""
    with path.open(encoding="utf-8-sig") as file:
        header = next((line for line in file if line.strip()), "").rstrip("\n")
    counts = {separator: len(next(csv.reader([header], delimiter=separator), [])) for separator in SEPARATORS}
    best = max(SEPARATORS, key=counts.__getitem__)
    if counts[best] <= 1:
        raise DataError(
            f"{path}: this is not a CSV table: its first line has one column only, "
            "and names separated by comma, semicolon or tab are needed."
        )
    return best


def _rows(path: Path, reader: _csv.Reader) -> Iterator[list[str]]:
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
