"""The tables of a batch are read as they are by the tools that people have."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest
import records
from finished import merged

from lrp_audit.deciding.decision_row import DECISIONS, DOCUMENTS
from lrp_audit.sealing import layout

BATCH = [case.record for case in records.cases()]
FAILED = {"f1": "ReportError at report/render.py:12"}
WRITTEN = {0: {"audit.pdf": records.HASH, "notice.pdf": records.HASH}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    merged(tmp_path, BATCH, failed=FAILED, documents=WRITTEN)
    return tmp_path


def test_pandas_reads_both_tables(folder: Path) -> None:
    decisions = pd.read_parquet(folder / layout.DECISIONS)
    relevance = pd.read_parquet(folder / layout.RELEVANCE)
    assert list(decisions.columns) == [*DECISIONS.names, DOCUMENTS.name]
    assert decisions["row"].tolist() == relevance["row"].tolist() == list(range(len(BATCH) + 1))
    assert decisions["id"].tolist() == relevance["id"].tolist()
    stated = [reason["text"] for reason in decisions["reasons"][0]]
    assert stated == [reason.text for reason in BATCH[0].reasons]
    explained = relevance.drop(columns=["row", "id"]).loc[0].dropna()
    assert explained.to_dict() == {item.column: item.relevance for item in BATCH[0].contributions}
    assert relevance.drop(columns=["row", "id"]).iloc[-1].isna().all()


def test_duckdb_reads_both_tables(folder: Path) -> None:
    with duckdb.connect() as database:
        database.execute(f"CREATE VIEW d AS SELECT * FROM '{folder / layout.DECISIONS}'")
        database.execute(f"CREATE VIEW r AS SELECT * FROM '{folder / layout.RELEVANCE}'")
        rows = database.execute("SELECT count(*) FROM d JOIN r USING (row, id)").fetchall()
        assert rows == [(len(BATCH) + 1,)]
        query = "SELECT r.text, count(*) FROM (SELECT unnest(reasons) AS r FROM d WHERE state IS NULL) GROUP BY 1"
        counted = dict(database.execute(query).fetchall())
        texts = [reason.text for record in BATCH if record.refusal is None for reason in record.reasons]
        assert counted == {text: texts.count(text) for text in texts}
        measured = database.execute(
            "SELECT c.measured['random'] FROM (SELECT unnest(checks) AS c FROM d WHERE row = 0) WHERE c.id = 'put-back'"
        ).fetchall()
        assert measured in ([(0.21,)], [([0.21],)])  # a list in older versions
        assert database.execute("SELECT notice_due FROM d WHERE row = 0").fetchone() == (
            BATCH[0].decision.dates.notice_due,
        )


def test_spark_reads_both_tables(folder: Path) -> None:
    sql = pytest.importorskip("pyspark.sql")
    session = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        decisions = session.read.parquet(str(folder / layout.DECISIONS))
        relevance = session.read.parquet(str(folder / layout.RELEVANCE))
        assert decisions.join(relevance, ["row", "id"]).count() == len(BATCH) + 1
        assert decisions.filter("state is null").selectExpr("explode(reasons) as r").count() > 0
        first = decisions.filter("row = 0").selectExpr("checks[0].measured['random'] as m").collect()
        assert first[0]["m"] == pytest.approx(0.21)
    finally:
        session.stop()
