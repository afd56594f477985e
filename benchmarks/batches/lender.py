"""A lender that is made up, in the shape of the Taiwan data: 23 columns, three of them categories, and an MLP 64-32.

Nobody in these tables is real. Everything a run needs lies in one folder: model, population, settings, sources.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

CATEGORIES = {"SEX": 2, "EDUCATION": 4, "MARRIAGE": 3}
MONTHS = range(1, 7)
HISTORY, PIECE = 4000, 50_000  # rows of the population, and of a table that are made together
DENIED = 0.22  # share of all decisions
MODEL, POPULATION = "model.skops", "history.parquet"


def settings(folder: Path, level: str) -> Path:
    """Where the settings lie that check decisions at this level."""
    return folder / f"{level}.toml"


def make(folder: Path, rows: int) -> Path:
    """Train the model, write everything into the folder, and return the source of so many decisions."""
    history, adverse = _drawn(np.random.default_rng(0), HISTORY)
    model = _trained(history, adverse)
    skops.io.dump(model, folder / MODEL)
    history.to_parquet(folder / POPULATION)
    scores = model.predict_proba(history)[:, list(model.classes_).index("denied")]
    cutoff = round(float(np.quantile(scores, 1 - DENIED)), 4)
    for level in ("none", "letter"):
        settings(folder, level).write_text(_settings(history, level, cutoff), encoding="utf-8")
    source = folder / "decisions.parquet"
    writer: pq.ParquetWriter | None = None
    for piece in _decisions(rows):
        table = pa.Table.from_pandas(piece, preserve_index=False)
        writer = writer or pq.ParquetWriter(source, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return source


def frame(rows: int) -> pd.DataFrame:
    """The first rows of a source."""
    return next(_decisions(rows)).head(rows)


def _decisions(rows: int) -> Iterator[pd.DataFrame]:
    random = np.random.default_rng(1)
    for start in range(0, rows, PIECE):
        found, _ = _drawn(random, PIECE)
        number = np.arange(start, start + PIECE)
        found["case"] = [f"A-{item:08d}" for item in number]
        found["who"] = [f"Person {item % 9973}" for item in number]
        found["address"] = [f"{item % 997} Main Street; Springfield" for item in number]
        found["product"], found["decided"], found["completed"] = "credit card", "2026-10-15", "2026-10-10"
        yield found.head(rows - start)


def _drawn(random: np.random.Generator, rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Applicants and which of them did not pay, both from one hidden number and noise."""
    quality = random.normal(size=rows)
    limit = np.round(np.exp(11.6 + 0.5 * quality + 0.5 * random.normal(size=rows)), -4).clip(10_000)
    columns: dict[str, np.ndarray] = {"LIMIT_BAL": limit}
    columns |= {name: random.integers(1, count, rows, endpoint=True) for name, count in CATEGORIES.items()}
    columns["AGE"] = random.integers(21, 70, rows)
    late = [np.rint(-0.9 * quality + 0.8 * random.normal(size=rows)).clip(-2, 8) for _ in MONTHS]
    columns |= {f"PAY_{month}": late[month - 1].astype(int) for month in MONTHS}
    used = (0.4 - 0.2 * quality + 0.2 * random.normal(size=rows)).clip(0, 1.2)
    columns |= {f"BILL_AMT{month}": np.round(limit * used * random.uniform(0.7, 1.1, rows)) for month in MONTHS}
    columns |= {f"PAY_AMT{month}": np.round(np.exp(random.normal(7.5, 1.2, rows))) for month in MONTHS}
    odds = -1.6 - quality + 0.5 * late[0] + 0.4 * used
    return pd.DataFrame(columns), random.random(rows) < 1 / (1 + np.exp(-odds))


def _trained(history: pd.DataFrame, adverse: np.ndarray) -> Pipeline:
    numbers = [name for name in history if name not in CATEGORIES]
    encoder = ColumnTransformer(
        [("numbers", StandardScaler(), numbers), ("categories", OneHotEncoder(), list(CATEGORIES))]
    )
    network = MLPClassifier((64, 32), random_state=0, max_iter=40, alpha=1e-3, early_stopping=True)
    return make_pipeline(encoder, network).fit(history, np.where(adverse, "denied", "paid"))


def _settings(history: pd.DataFrame, level: str, cutoff: float) -> str:
    names = [str(name) for name in history]
    columns = (
        f'[columns.{name}]\nlabel = {json.dumps(name.replace("_", " ").title())}\nsource = "application form"\n'
        f"mutable = {json.dumps(name.startswith(('LIMIT', 'BILL', 'PAY_AMT')))}\n"
        for name in names
    )
    families = (
        f'[families.f_{name.lower()}]\nlabel = {json.dumps(name.title())}\ncolumns = ["{name}"]\n'
        f'text.en = "Statement {chr(65 + place)} of the lender"\n'
        for place, name in enumerate(names)
    )
    return _HEAD.format(model=MODEL, population=POPULATION, level=level, cutoff=cutoff) + "".join((*columns, *families))


_HEAD = """
[model]
file = "{model}"
name = "Made up"
version = "1"

[decision]
adverse = "denied"
cutoff = {cutoff}

[facts]
id = "case"
name = "who"
address = "address"
product = "product"
amount = "LIMIT_BAL"
decision_date = "decided"
completion_date = "completed"

[reference]
population = "near_cutoff"
data = "{population}"
date = 2026-09-30
members = 64

[checks]
level = "{level}"

[documents]
letter = "us-notice"

[approval]
by = "Nobody (made up)"
on = 2026-10-01
version = "1"

[institution]
name = "Bank (made up)"
address = ["1 Main Street", "Springfield"]
telephone = "(555) 555-0100"
agency = "cfpb"

"""
