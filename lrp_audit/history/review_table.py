"""Reviews from a table, for a lender whose reviewers work elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from lrp_audit.errors import DataError
from lrp_audit.history.reviews import VERDICTS, Review
from lrp_audit.language.display import plain
from lrp_audit.tables import read_table

COLUMNS = ("id", "verdict", "by", "role", "time")  # grounds and record_sha256 may be there too


def read_reviews(path: Path) -> list[tuple[str, Review]]:
    """Decision ids with their reviews, from a table with the columns id, verdict, by, role, time and grounds.

    Raises:
        DataError: the table cannot be read, or a row is no review; names the row.
    """
    frame = read_table(path, text=(*COLUMNS, "grounds", "record_sha256"))
    if missing := [name for name in COLUMNS if name not in frame.columns]:
        raise DataError(f"{path}: reviews need the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}.")
    found = []
    for number, row in enumerate(frame.to_dict("records"), start=1):
        cells = {str(name): str(plain(value) or "").strip() for name, value in row.items()}
        try:
            found.append((cells["id"], _review(cells)))
        except DataError as error:
            raise DataError(f"{path}, row {number}: {error}") from None
    return found


def _review(cells: Mapping[str, str]) -> Review:
    verdict = next((name for name in VERDICTS if name == cells["verdict"].lower()), None)
    if verdict is None:
        raise DataError(f"verdict {cells['verdict'][:40]!r} must be one of {', '.join(VERDICTS)}.")
    try:
        time = dt.datetime.fromisoformat(cells["time"])
    except ValueError:
        raise DataError(f"time {cells['time'][:40]!r} must be like 2026-11-16T14:30:00+01:00.") from None
    return Review(
        verdict, cells["by"], cells["role"], cells.get("grounds", ""), time, cells.get("record_sha256") or None
    )
