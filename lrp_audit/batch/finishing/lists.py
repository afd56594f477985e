"""decisions.csv and worklist.csv: a decision a line, safe to open in a spreadsheet.

UTF-8 with a byte order mark, every text in quotes. A text that a spreadsheet could take for a formula begins with an
apostrophe: what starts with `=`, `+`, `-`, `@`, a tab or a line break (OWASP, CSV injection).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from lrp_audit.batch.finishing.rows import NEEDED, listed
from lrp_audit.files import write_file
from lrp_audit.report.counting import Columns
from lrp_audit.sealing import layout

_BEGIN = b"\xef\xbb\xbf"
_FORMULA = "^[=+\\-@\\t\\r\\n＝＋－＠]"
_COLUMNS = (
    "row", "id", "outcome", "state", "next_step", "notice_due", "reasons", "flags", "failure", "letter", "audit",
)  # fmt: skip
_UNDATED = "9999-99-99"  # sorts behind every date


def write_lists(columns: Columns, folder: Path) -> None:
    """Write both lists: all decisions in the order of the source, and those that ask for work by their due date.

    Raises:
        ReportError: a file cannot be written.
    """
    write_file(folder / layout.TABLE, lambda file: _write(file, (_lines(_safe(part)) for part in _parts(columns))))
    write_file(folder / layout.WORKLIST, lambda file: _write(file, _by_date(columns)))


def _parts(columns: Columns) -> Iterator[pa.Table]:
    return (listed(part) for part in columns(NEEDED))


def _write(file: BinaryIO, parts: Iterator[bytes]) -> None:
    file.write(_BEGIN + ",".join(f'"{name}"' for name in _COLUMNS).encode() + b"\n")
    for part in parts:
        file.write(part)


def _by_date(columns: Columns) -> Iterator[bytes]:
    """Lines by due date, then in the order of the source.

    They wait for their date in compressed form: some 30 bytes each, where a million may wait.
    """
    waiting: dict[str, list[bytes]] = {}
    for part in _parts(columns):
        work = part.filter(part["work"])
        dates = work["notice_due"].cast(pa.string()).fill_null(_UNDATED).to_numpy()
        order = np.argsort(dates, kind="stable")
        dates, ordered = dates[order], _safe(work).take(pa.array(order))
        starts = np.flatnonzero(np.r_[True, dates[1:] != dates[:-1]]) if len(dates) else order
        for start, end in pairwise([*starts, len(dates)]):
            lines = zlib.compress(_lines(ordered.slice(start, end - start)), 1)
            waiting.setdefault(dates[start], []).append(lines)
    return (zlib.decompress(lines) for date in sorted(waiting) for lines in waiting[date])


def _lines(rows: pa.Table) -> bytes:
    target = pa.BufferOutputStream()
    csv.write_csv(rows, target, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    found: bytes = target.getvalue().to_pybytes()
    return found


def _safe(part: pa.Table) -> pa.Table:
    """The columns of the lists, without a formula among their texts."""
    return pa.table({name: _without_formulas(part[name]) for name in _COLUMNS})


def _without_formulas(values: Any) -> Any:
    if values.type != pa.string():
        return values
    return pc.if_else(pc.match_substring_regex(values, _FORMULA), pc.binary_join_element_wise("'", values, ""), values)
