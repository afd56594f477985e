"""Real tables of loan decisions with a pipeline trained on each; skipped where the data are absent.

Codes follow the data's own code books; what each table is, and its licence, is told in the data's README.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Lender:
    """A table, the column that says what became of each loan, and how it is modelled."""

    name: str
    frame: pd.DataFrame
    adverse: pd.Series
    categories: tuple[str, ...]
    cutoff: float

    def split(self) -> tuple[Pipeline, pd.DataFrame]:
        """A pipeline trained on three quarters, and the last quarter with ids of its own."""
        rows = np.random.default_rng(0).permutation(len(self.frame))
        held = len(rows) // 4
        train, test = rows[held:], rows[:held]
        numbers = [name for name in self.frame if name not in self.categories]
        prepare = ColumnTransformer(
            [
                ("numbers", StandardScaler(), numbers),
                ("codes", OneHotEncoder(handle_unknown="ignore"), list(self.categories)),
            ]
        )
        network = MLPClassifier((64, 32), random_state=0, max_iter=60, early_stopping=True)
        outcome = np.where(self.adverse, "denied", "approved")
        pipeline = make_pipeline(prepare, network).fit(self.frame.iloc[train], outcome[train])
        return pipeline, self.frame.iloc[test].reset_index(drop=True)


def taiwan() -> Lender:
    frame = pd.read_csv(_path("taiwan_default/taiwan_default.csv.gz"))
    adverse = frame.pop("default.payment.next.month") == 1
    frame = frame.drop(columns="ID")
    return Lender("taiwan", frame, adverse, ("SEX", "EDUCATION", "MARRIAGE"), 0.3)


def south_german() -> Lender:
    frame = pd.read_csv(_path("south_german_credit/SouthGermanCredit.asc"), sep=r"\s+")
    adverse = frame.pop("kredit") == 0
    numbers = {"laufzeit", "hoehe", "alter"}
    return Lender("south-german", frame, adverse, tuple(name for name in frame if name not in numbers), 0.4)


def hmda() -> Lender:
    frame = pd.read_csv(_path("hmda_boston_1990/hmda_boston_1990.csv"))
    adverse = frame.pop("deny") == "yes"
    frame = frame.drop(columns=["rownames", "afam", "single", "insurance"])
    return Lender("hmda", frame, adverse, ("phist", "selfemp", "condomin", "hschool"), 0.2)


def _path(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not among the development data here")
    return path


LENDERS = {lender.__name__: lender for lender in (taiwan, south_german, hmda)}
