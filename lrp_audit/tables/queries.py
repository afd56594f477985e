"""The rows of a database query, put into Parquet files once, so that they can be read like any other table.

Columns are of the kinds that `cells` knows, by the values that the database gives: numbers of any kind, true and false,
and text for everything else. A column that gives numbers here and words there (SQLite) is text.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lrp_audit.errors import DataError
from lrp_audit.tables import csv_files
from lrp_audit.tables.streams import ROWS
from lrp_audit.tables.whole import no_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import CursorResult, Engine


def shown(url: str) -> str:
    """A database's address without its password. Raises DataError where it is none."""
    return str(_engine(url).url.set(query={}).render_as_string(hide_password=True))


def save(url: str, query: str, folder: Path) -> None:
    """Run a query and put its rows into a folder, as a Parquet file for every so many.

    Args:
        url: of the database, as SQLAlchemy takes it: `sqlite:///loans.db`, `postgresql+psycopg://user@host/name`.
        query: what to ask, in the database's own SQL.
        folder: an empty one.

    Raises:
        DataError: the database cannot be reached or does not answer, or the query gives no rows.
    """
    import sqlalchemy  # noqa: PLC0415

    engine = _engine(url)
    try:
        with engine.connect().execution_options(stream_results=True, max_row_buffer=ROWS) as connection:
            _save(connection.execute(sqlalchemy.text(query)), folder)
    except sqlalchemy.exc.SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        raise DataError(f"The query of {shown(url)} failed: {why}.") from None
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    try:
        import sqlalchemy  # noqa: PLC0415
    except ImportError:
        raise DataError("Databases are read through SQLAlchemy; type: pip install 'lrp_audit[sql]'.") from None
    try:
        return sqlalchemy.create_engine(url)
    except sqlalchemy.exc.ArgumentError:
        raise DataError("--sql needs the address of a database, such as sqlite:///loans.db, and a query.") from None
    except ImportError as error:
        raise DataError(f"The driver of this database is not installed ({error.name}).") from None


def _save(result: CursorResult[Any], folder: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    if not result.returns_rows:
        raise DataError("--sql: the query returns no rows: it has to be a SELECT.")
    names = [str(name) for name in result.keys()]  # noqa: SIM118  # no mapping
    csv_files.check_names("--sql", names)
    kinds: list[set[str]] = [set() for _ in names]
    pieces = []
    for number, piece in enumerate(result.partitions(ROWS)):
        arrays = [_array(cells) for cells in zip(*piece, strict=True)]
        for found, array in zip(kinds, arrays, strict=True):
            found.update({str(array.type)} - {"null"})
        pieces.append(folder / f"{number:05}.parquet")
        pq.write_table(pa.table(arrays, names=names), pieces[-1])
    if not pieces:
        raise no_rows("--sql")
    mixed = [position for position, found in enumerate(kinds) if len(found) > 1 and found != {"int64", "double"}]
    for path in pieces if mixed else ():
        table = pq.read_table(path)
        for position in mixed:
            table = table.set_column(position, names[position], _words(table.column(position).to_pylist()))
        pq.write_table(table, path)


def _array(cells: Sequence[object]) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415

    values = [_value(cell) for cell in cells]
    kinds = {type(value) for value in values} - {type(None)}
    try:
        if kinds == {int, float}:
            return pa.array([None if value is None else float(value) for value in values])
        return pa.array(values) if len(kinds) <= 1 else _words(values)
    except (pa.ArrowInvalid, OverflowError):  # beyond 64 bits
        return pa.array([None if value is None else float(value) for value in values])


def _words(values: Sequence[object]) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415

    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _value(cell: object) -> Any:
    """A value of the database as one that a table holds."""
    if cell is None or isinstance(cell, (bool, int, str)):
        return cell
    if isinstance(cell, (float, decimal.Decimal)):
        return float(cell)
    if isinstance(cell, (bytes, memoryview)):
        raise DataError("--sql: the query returns binary data; leave that column out.")
    if isinstance(cell, (dt.datetime, pd.Timestamp)):
        return cell.isoformat(sep=" ")
    return str(cell)
