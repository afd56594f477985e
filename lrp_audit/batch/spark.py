"""Judging the rows of a Spark table where they are: a function for `DataFrame.mapInPandas`.

Spark hands over partitions, which have no order and know nothing of each other: nobody notices that an id is repeated
in another one, and no folder, report or manifest comes of it. For those, write the table to Parquet and run
`lrp-audit batch`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import pandas as pd

from lrp_audit.batch.work import open_batch_session
from lrp_audit.deciding.judged import judge_chunk
from lrp_audit.deciding.session import Session
from lrp_audit.errors import ConfigError
from lrp_audit.settings.config import load

COLUMNS = (
    "id string, outcome string, score double, cutoff double, state string, next_step string, reasons array<string>, "
    "record_sha256 string, record string"
)
"""The schema of what `judged` gives, as Spark takes it."""

ROWS = 256  # judged together; fewer are filled up, so that no bit depends on how Spark cut the table


def judged(frames: Iterable[pd.DataFrame], config: str, as_of: str | None = None) -> Iterator[pd.DataFrame]:
    """Judge rows, and give a row of `COLUMNS` for each, in their order.

    Args:
        frames: pieces of a partition, of any size.
        config: where audit.toml lies, on every machine.
        as_of: the date of notices, YYYY-MM-DD.

    Raises:
        ConfigError: the settings name no id, or no reference data.
        LrpAuditError: model, data or settings cannot be used.
    """
    session = _session(config)
    notice = None if as_of is None else dt.date.fromisoformat(as_of)
    for frame in frames:
        for start in range(0, len(frame), ROWS):
            piece = frame.iloc[start : start + ROWS].reset_index(drop=True)
            found = judge_chunk(session, piece, notice=notice, chunk_rows=ROWS)
            table = found.decisions.select(["id", "outcome", "score", "cutoff", "state", "next_step"]).to_pandas()
            reasons = found.decisions.column("reasons").to_pylist()
            yield table.assign(
                reasons=[[reason["text"] for reason in some or ()] for some in reasons],
                record_sha256=found.decisions.column("record_sha256").to_pylist(),
                record=[record.decode() for record in found.records or ()],
            )


@lru_cache(maxsize=1)
def _session(config: str) -> Session:
    """The model, opened once in every process."""
    settings = load(config)
    if settings.facts.id is None:
        raise ConfigError("Rows of a Spark table have no order: name the column with their ids in facts.id.")
    if settings.reference.data is None and settings.text is None:
        raise ConfigError("A partition is no population: name a table of it in [reference] data.")
    return open_batch_session(Path(config), pd.DataFrame(), trust=False)
