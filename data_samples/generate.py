"""Makes the synthetic loan applications and the two models of this folder.

Everybody in these files is invented. An applicant is drawn from one hidden number, `quality`, from which the bureau's
columns follow with noise, so that they are correlated as real ones are. Whether a past loan was repaid is drawn from a
formula over the visible columns (`_default_probability`), with steps and one interaction that a linear model misses.

    python data_samples/generate.py            # the tables, scored by the models that are there
    python data_samples/generate.py --train    # train both models anew first

Equal seeds give equal bytes of the tables. Training anew gives the same model up to rounding; since recorded scores are
rounded to four decimals, the tables then stay the same as well.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

import numpy as np
import pandas as pd
import skops.io
import torch
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent
SEED = 20261101
HISTORY_ROWS = 3000
CUTOFF = 0.35
LETTERS = 26  # applications to decide that are denied and otherwise ordinary
APPROVALS = 6
MODEL_VERSION = "2026.10"

NUMBERS = [
    "annual_income",
    "loan_amount",
    "loan_term_months",
    "debt_to_income",
    "employment_months",
    "residence_months",
    "savings_balance",
    "bureau_inquiries_6m",
    "bureau_delinquencies_24m",
    "bureau_collections",
    "bureau_utilization",
    "bureau_oldest_account_months",
    "bureau_open_accounts",
]
CATEGORIES = ["employment_type", "housing", "purpose"]
BUREAU = [name for name in NUMBERS if name.startswith("bureau_")]
NETWORK_COLUMNS = [name for name in NUMBERS if name != "savings_balance"]  # the network has no imputer

GIVEN = ["Avery", "Blake", "Casey", "Dana", "Ellis", "Frankie", "Gray", "Harper", "Indigo", "Jules", "Kai", "Logan"]
FAMILY = ["Sample", "Testwood", "Exampleton", "Placeholder", "Mockford", "Fictitia", "Dummerly", "Specimen"]
STREETS = ["Example Street", "Sample Avenue", "Placeholder Road", "Mock Lane"]
TOWNS = ["Sampletown, ZZ 00000", "Exampleville, ZZ 00000", "Port Fiction, ZZ 00000"]
KEY_FACTORS = {
    "bureau_utilization": "Proportion of balances to credit limits on revolving accounts",
    "bureau_delinquencies_24m": "Number of accounts with delinquency",
    "bureau_collections": "Collection reported",
    "bureau_inquiries_6m": "Number of inquiries on credit report",
    "bureau_oldest_account_months": "Length of time accounts have been established",
    "bureau_open_accounts": "Number of accounts with balances",
}


def draw(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Applications with the model's inputs, the two protected columns, and the bureau's score."""
    quality = rng.normal(size=rows)
    age = np.clip(rng.gamma(5.0, 5.0, rows) + 18, 21, 84).round()
    employment = rng.choice(["salaried", "hourly", "self_employed", "seasonal"], rows, p=[0.56, 0.27, 0.12, 0.05])
    income = np.exp(10.75 + 0.18 * quality + 0.05 * (employment == "salaried") + rng.normal(0, 0.38, rows))
    amount = np.clip(income * np.exp(rng.normal(-1.5, 0.55, rows)), 1000, 60000)
    term = rng.choice([24, 36, 48, 60], rows, p=[0.2, 0.4, 0.2, 0.2])
    debt = 100 * _logistic(-0.95 - 0.3 * quality + rng.normal(0, 0.5, rows))
    thin = rng.random(rows) < 0.05
    frame = pd.DataFrame(
        {
            "annual_income": income.round(-2),
            "loan_amount": amount.round(-2),
            "loan_term_months": term,
            "debt_to_income": (debt + 1200 * amount / term / income).round(1),
            "employment_months": np.minimum(rng.gamma(1.1, 62, rows), 12 * (age - 18)).round(),
            "employment_type": employment,
            "residence_months": np.minimum(rng.gamma(1.0, 58, rows), 12 * age).round(),
            "housing": rng.choice(["mortgage", "rent", "own", "other"], rows, p=[0.37, 0.43, 0.15, 0.05]),
            "purpose": rng.choice(
                ["debt_consolidation", "car", "home_improvement", "medical", "other"],
                rows,
                p=[0.4, 0.2, 0.2, 0.08, 0.12],
            ),
            "savings_balance": np.exp(rng.normal(8.0 + 0.5 * quality, 1.1)).round(-1),
            "bureau_inquiries_6m": rng.poisson(np.exp(0.35 - 0.45 * quality)),
            "bureau_delinquencies_24m": rng.poisson(np.exp(-0.9 - 0.75 * quality)),
            "bureau_collections": rng.poisson(np.exp(-2.4 - 0.8 * quality)),
            "bureau_utilization": (100 * _logistic(-0.35 - 0.8 * quality + rng.normal(0, 0.7, rows))).round(1),
            "bureau_oldest_account_months": np.minimum(
                rng.gamma(2.2, 40 + 8 * quality.clip(-2, 2)), 12 * (age - 18)
            ).round(),
            "bureau_open_accounts": rng.poisson(np.exp(1.75 + 0.15 * quality)),
            "age": age,
            "marital_status": np.where(rng.random(rows) < _logistic((age - 36) / 10), "married", "unmarried"),
            "bureau_score": (665 + 55 * quality + rng.normal(0, 20, rows)).clip(300, 850).round(),
        }
    )
    frame.loc[thin, [*BUREAU, "bureau_score"]] = np.nan  # no credit file
    frame.loc[rng.random(rows) < 0.03, "employment_months"] = np.nan
    frame.loc[rng.random(rows) < 0.12, "savings_balance"] = np.nan
    return frame


def history(rng: np.random.Generator) -> pd.DataFrame:
    """Past applications and what became of the loans: what the models learn from, and the reference population."""
    frame = draw(rng, HISTORY_ROWS)
    defaulted = rng.random(HISTORY_ROWS) < _default_probability(frame)
    frame.insert(0, "application_id", [f"H-{row + 1:05d}" for row in range(HISTORY_ROWS)])
    frame["loan_status"] = np.where(defaulted, "defaulted", "repaid")
    return _whole(frame)


def _default_probability(frame: pd.DataFrame) -> np.ndarray:
    filled = frame.fillna(frame[NUMBERS].median())
    score = (
        -2.7
        + 0.045 * (filled["debt_to_income"] - 35)
        + 0.022 * (filled["bureau_utilization"] - 40)
        + 0.020 * np.minimum(filled["bureau_utilization"] - 75, 0)
        + 0.55 * np.minimum(filled["bureau_delinquencies_24m"], 4)
        + 0.80 * (filled["bureau_collections"] > 0)
        + 0.22 * np.minimum(filled["bureau_inquiries_6m"], 8)
        - 0.010 * np.minimum(filled["employment_months"], 96)
        - 0.004 * np.minimum(filled["bureau_oldest_account_months"], 180)
        - 0.25 * np.log1p(filled["savings_balance"] / 2000)
        + 1.3 * (filled["loan_amount"] / filled["annual_income"])
        + 0.8 * ((filled["debt_to_income"] > 45) & (filled["bureau_utilization"] > 60))
        + 0.7 * (filled["employment_type"] == "seasonal")
        + 0.3 * (filled["housing"] == "rent")
        + 0.4 * frame["bureau_score"].isna()
        + 1.1
    )
    return np.asarray(_logistic(score))


def _logistic(value: Any) -> Any:
    return 1 / (1 + np.exp(-value))


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of whole numbers as integers, missing ones included, so that 36 is not written as 36.0."""
    for name in frame.select_dtypes("number"):
        if (frame[name].dropna() % 1 == 0).all():
            frame[name] = frame[name].astype("Int64")
    return frame


def train_pipeline(past: pd.DataFrame) -> Pipeline:
    """A scikit-learn pipeline: imputation with indicators, scaling, one-hot encoding, and a small MLP."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    columns = ColumnTransformer([("numbers", numbers, NUMBERS), ("categories", OneHotEncoder(), CATEGORIES)])
    network = MLPClassifier((24, 12), alpha=1.0, learning_rate_init=0.003, max_iter=40, random_state=SEED, tol=0)
    return Pipeline([("columns", columns), ("network", network)]).fit(past[NUMBERS + CATEGORIES], past["loan_status"])


class Network(nn.Module):
    """Raw numbers in, logits of `repaid` and `defaulted` out; the scaling is part of the network."""

    def __init__(self, inputs: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", inputs.mean(0))
        self.register_buffer("scale", inputs.std(0))
        width = inputs.shape[1]
        self.layers = nn.Sequential(nn.Linear(width, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 2))

    def forward(self, applications: Tensor) -> Tensor:
        """Logits (N, 2) of applications (N, columns)."""
        return self.layers((applications - self.mean) / self.scale)


def train_network(past: pd.DataFrame) -> Network:
    """A torch network on the columns of numbers, trained on the applications that lack none of them."""
    complete = past.dropna(subset=NETWORK_COLUMNS)
    inputs = torch.tensor(complete[NETWORK_COLUMNS].to_numpy(np.float64), dtype=torch.float32)
    labels = torch.tensor((complete["loan_status"] == "defaulted").to_numpy(), dtype=torch.long)
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        network = Network(inputs)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    return network.eval()


def save_models(folder: Path, past: pd.DataFrame) -> None:
    """Train both models and write them."""
    skops.io.dump(train_pipeline(past), folder / "synthetic_pipeline.skops", compression=ZIP_DEFLATED)
    example = torch.zeros(2, len(NETWORK_COLUMNS))
    rows = {0: torch.export.Dim("rows", min=1)}
    program = torch.export.export(train_network(past), (example,), dynamic_shapes={"applications": rows})
    torch.export.save(program, folder / "synthetic_network.pt2")


def load_pipeline(folder: Path) -> Pipeline:
    """The pipeline in `folder`, which this script made."""
    path = folder / "synthetic_pipeline.skops"
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def applications(rng: np.random.Generator, pipeline: Pipeline) -> pd.DataFrame:
    """Applications to decide: ordinary denials first, then approvals, then one for every refusal state of a row."""
    pool = draw(rng, 1000)
    score = pipeline.predict_proba(pool[NUMBERS + CATEGORIES])[:, list(pipeline.classes_).index("defaulted")]
    pool["recorded_score"] = score.round(4)
    clear = pool[np.abs(score - CUTOFF) > 0.001]
    denied = clear[(clear["recorded_score"] > CUTOFF) & (clear["age"] < 62)]
    approved = clear[clear["recorded_score"] < CUTOFF]
    parts = [denied[:LETTERS], approved[:APPROVALS], denied[LETTERS : LETTERS + len(SPECIAL)]]
    frame = _whole(pd.concat(parts, ignore_index=True)).astype("object")
    frame = pd.concat([_identity(rng, len(frame)), frame, _paperwork(rng, frame)], axis=1)
    for offset, edit in enumerate(SPECIAL):
        for column, value in edit.items():
            frame.loc[LETTERS + APPROVALS + offset, column] = value
    frame.loc[3, "applicant_name"] = "Avery <b>O'Sample</b> {{ 7 * 7 }}"  # printed as the text that it is
    frame.loc[4, "applicant_name"] = "Žofie Señora-Łukasz Sample"
    return frame


# What is odd about the last applications, and what becomes of each.
SPECIAL: list[dict[str, Any]] = [
    {"decided_by": "rule", "decided_reasons": "Unable to verify income"},  # a letter with the rule's own reason
    {"decided_by": "human", "decided_reasons": "Temporary residence;Length of employment"},  # ... the person's
    {"decided_by": "rule"},  # DECIDED_BY_RULE: the rule's reason is missing
    {"decided_by": "human"},  # DECIDED_BY_HUMAN: the person's reasons are missing
    {"recorded_score": 0.2512},  # DECISION_NOT_REPRODUCED: the model computes another one
    {"recorded_outcome": "approved"},  # DECISION_NOT_REPRODUCED: the score means denial
    {"decision_date": None},  # PROVENANCE_INCOMPLETE
    {"applicant_name": "\u793a\u4f8b Sample"},  # UNPRINTABLE_TEXT: the document font has no Chinese characters
    {"debt_to_income": "inf"},  # INVALID_INPUT
    {"annual_income": "about 40k"},  # INVALID_INPUT
    {"purpose": "space_travel"},  # INVALID_INPUT: the pipeline knows no such purpose
    {"application_id": "A-00001"},  # INVALID_INPUT: taken
]


def _identity(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    pick = rng.choice
    names = [f"{given} {family}" for given, family in zip(pick(GIVEN, rows), pick(FAMILY, rows), strict=True)]
    lines = zip(rng.integers(1, 999, rows), pick(STREETS, rows), pick(TOWNS, rows), strict=True)
    return pd.DataFrame(
        {
            "application_id": [f"A-{row + 1:05d}" for row in range(rows)],
            "applicant_name": names,
            "applicant_address": [f"{number} {street};{town}" for number, street, town in lines],
        }
    )


def _paperwork(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """Dates, product, the bureau's key factors and what the lender recorded."""
    applied = pd.Timestamp("2026-10-19") + pd.to_timedelta(rng.integers(0, 12, len(frame)), unit="D")
    completed = applied + pd.to_timedelta(rng.integers(0, 3, len(frame)), unit="D")
    decided = completed + pd.to_timedelta(rng.integers(1, 9, len(frame)), unit="D")
    denied = frame["recorded_score"].astype(float) >= CUTOFF
    return pd.DataFrame(
        {
            "product": "personal loan",
            "amount_requested": [f"${amount:,.0f}" for amount in frame["loan_amount"]],
            "application_date": applied.strftime("%Y-%m-%d"),
            "completion_date": completed.strftime("%Y-%m-%d"),
            "decision_date": decided.strftime("%Y-%m-%d"),
            "bureau_score_date": np.where(frame["bureau_score"].isna(), None, completed.strftime("%Y-%m-%d")),
            "bureau_key_factors": [_key_factors(row) for _, row in frame.iterrows()],
            "decided_by": "score",
            "decided_reasons": None,
            "recorded_outcome": np.where(denied, "denied", "approved"),
            "model_version": MODEL_VERSION,
        }
    )


def _key_factors(row: pd.Series) -> str | None:
    """The four factors that an invented bureau would name, in its order."""
    if pd.isna(row["bureau_score"]):
        return None
    weight = {
        "bureau_utilization": row["bureau_utilization"] / 25,
        "bureau_delinquencies_24m": 1.5 * row["bureau_delinquencies_24m"],
        "bureau_collections": 3 * row["bureau_collections"],
        "bureau_inquiries_6m": 0.6 * row["bureau_inquiries_6m"],
        "bureau_oldest_account_months": 120 / (12 + row["bureau_oldest_account_months"]),
        "bureau_open_accounts": row["bureau_open_accounts"] / 8,
    }
    order = sorted((name for name in weight if weight[name] > 0), key=lambda name: (-weight[name], name))
    return ";".join(KEY_FACTORS[name] for name in order[:4])


def main(folder: Path = HERE, *, train: bool = False) -> None:
    """Write the tables to `folder`, and the models if `train`; tables are scored by the models in `folder`."""
    past_rng, new_rng = (np.random.default_rng(seed) for seed in np.random.SeedSequence(SEED).spawn(2))
    past = history(past_rng)
    past.to_csv(folder / "synthetic_history.csv", index=False)
    if train:
        save_models(folder, past)
    new = applications(new_rng, load_pipeline(folder))
    new.to_csv(folder / "synthetic_applications.csv", index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--train", action="store_true", help="train both models anew first")
    main(train=parser.parse_args(sys.argv[1:]).train)
