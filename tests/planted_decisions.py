"""Explained decisions of additive models, where the relevance of a column is known: its weight times its value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lrp_audit.aggregate.table import ExplainedTable

WEIGHTS = (1.0, 0.8, 0.6, 0.4)


def additive(n: int, seed: int = 0, *, prefix: str = "d", shift: float = 0.0) -> ExplainedTable:
    """Independent standard normal inputs; `shift` moves the first one."""
    values = np.random.default_rng(seed).normal(size=(n, len(WEIGHTS)))
    values[:, 0] += shift
    return tabled(values * WEIGHTS, values, prefix)


def tabled(relevance: np.ndarray, values: np.ndarray, prefix: str = "d") -> ExplainedTable:
    ids = pd.Index([f"{prefix}{number}" for number in range(len(relevance))], name="id")
    columns = [f"f{number}" for number in range(relevance.shape[1])]
    score = pd.Series(relevance.sum(1), index=ids)
    return ExplainedTable(pd.DataFrame(relevance, ids, columns), score > 0, score, pd.DataFrame(values, ids, columns))


def groups(table: ExplainedTable, labels: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"id": table.relevance.index, "group": labels})
