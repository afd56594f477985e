"""The tables of a batch folder: relevance and decisions by rows, values and words from its records where it keeps them.

relevance.parquet  row, id, and a column for every input of the model; nulls where a decision was not explained
decisions.parquet  row, outcome ("adverse" or "favourable"), margin, and more
records/*.parquet  row, id, record: canonical JSON
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lrp_audit.aggregate.table import ExplainedTable, TooFewDecisionsError
from lrp_audit.aggregate.words import ReadText, read_text
from lrp_audit.errors import DataError
from lrp_audit.parquet import open_parquet
from lrp_audit.sealing.layout import DECISIONS, RECORDS, RELEVANCE

_CHUNK = 8192  # rows in memory at once
_RECORDS_AT_ONCE = 200  # records, which are a hundred times as large
_VALUES_AT_ONCE = 1000  # rows of values, which take a tenth of the room in a frame
_KEYS = ("row", "id")


class BatchFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._relevance = _open(folder / RELEVANCE, _KEYS)
        self._decisions = _open(folder / DECISIONS, ("row", "outcome", "margin"))
        rows = [file.metadata.num_rows for file in (self._relevance, self._decisions)]
        if rows[0] != rows[1]:
            raise DataError(f"{folder}: relevance.parquet has {rows[0]} rows and decisions.parquet {rows[1]}.")
        self._records = sorted((folder / RECORDS).glob("*.parquet"))

    @property
    def parts(self) -> int:
        return max(1, -(-int(self._relevance.metadata.num_rows) // _CHUNK))

    def __iter__(self) -> Iterator[ExplainedTable]:
        left_out = seen = 0
        pairs = zip(
            _steps(self._relevance, None, _CHUNK),
            _steps(self._decisions, ["row", "outcome", "margin"], _CHUNK),
            strict=True,
        )
        for relevance, decisions in pairs:
            if not np.array_equal(relevance["row"], decisions["row"]):
                raise DataError(f"{self._folder}: relevance.parquet and decisions.parquet differ in their rows.")
            numbers = relevance.drop(columns=list(_KEYS)).astype("float64")
            explained = (numbers.notna().any(axis=1) & decisions["outcome"].notna()).to_numpy(dtype=bool)
            left_out += int((~explained).sum())
            seen += len(explained)
            if explained.any():
                ids = pd.Index(relevance["id"][explained].astype(str), name="id")
                yield ExplainedTable(
                    relevance=numbers[explained].set_axis(ids),
                    adverse=(decisions["outcome"][explained] == "adverse").set_axis(ids),
                    score=decisions["margin"][explained].astype("float64").set_axis(ids),
                    left_out=left_out,
                )
                left_out = 0
        if left_out == seen:
            raise TooFewDecisionsError(f"None of the {left_out} decisions was explained; explain decisions first.")

    def completed(self, sample: ExplainedTable) -> ExplainedTable:
        """The sample with the values of its records; without records there are none."""
        wanted = set(sample.ids)
        texts: set[str] = set()

        def of_sample(part: pyarrow.RecordBatch) -> pyarrow.Array:
            return pyarrow.array([item in wanted for item in part["id"].to_pylist()])

        def read() -> Iterator[tuple[str, dict[str, Any]]]:
            for name, record in self._read(of_sample):
                texts.update(item["column"] for item in record["text_evidence"])
                yield name, {item["column"]: item["value"] for item in record["contributions"]}

        found, frames = read(), []
        while rows := dict(islice(found, _VALUES_AT_ONCE)):
            frames.append(pd.DataFrame([*rows.values()], index=[*rows]))
        if not wanted <= {name for frame in frames for name in frame.index}:
            return sample
        values = pd.concat(frames).infer_objects()
        values = values[~values.index.duplicated(keep="last")].loc[sample.ids].set_axis(sample.relevance.index)
        known = [name for name in sample.columns if name in values and name not in texts]
        return replace(sample, values=values[known])

    def texts(self) -> Iterator[ReadText]:
        """One model made all decisions, so where the first one that was explained has no texts, none has."""
        for _, record in self._read(lambda part: pc.is_valid(part["record"])):
            if record["outcome"] is None:
                continue
            if not record["text_evidence"]:
                return
            yield read_text(record["text_evidence"], adverse=record["outcome"]["adverse"])

    def _read(self, wanted: Callable[[pyarrow.RecordBatch], pyarrow.Array]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Ids and records, where they are there; `wanted` says which of some to parse, since that takes long."""
        for path in self._records:
            for part in _open(path, (*_KEYS, "record")).iter_batches(
                batch_size=_RECORDS_AT_ONCE, columns=["id", "record"]
            ):
                kept = part.filter(wanted(part))
                for name, content in zip(kept["id"].to_pylist(), kept["record"].to_pylist(), strict=True):
                    if name is not None and content is not None:  # purged
                        yield name, json.loads(content)


def _open(path: Path, needed: Sequence[str]) -> pq.ParquetFile:
    try:
        file = open_parquet(path)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; name a folder that `lrp-audit batch` has finished.") from None
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged or cannot be read; restore it.") from error
    if lacks := [name for name in needed if name not in file.schema_arrow.names]:
        raise DataError(f"{path} has no column {lacks[0]!r}; name a folder that `lrp-audit batch` wrote.")
    return file


def _steps(file: pq.ParquetFile, columns: list[str] | None, size: int) -> Iterator[pd.DataFrame]:
    """Frames of `size` rows, the last one of fewer, however the file is cut into row groups."""
    kept: list[pyarrow.RecordBatch] = []
    count = 0
    for batch in file.iter_batches(batch_size=size, columns=columns):
        kept.append(batch)
        count += len(batch)
        while count >= size:
            table = pyarrow.Table.from_batches(kept)
            yield table.slice(0, size).to_pandas()
            kept, count = table.slice(size).to_batches(), count - size
    if count:
        yield pyarrow.Table.from_batches(kept).to_pandas()
