"""Makes `refusals/`: three small models, a table, and a short audit.toml for every refusal that a whole run can end in.

`synthetic_ordinary` scores four ordinary columns. `synthetic_unlawful` also scores age, marital status and union
membership, and counts them against people: it exists to show that such a model gets no letter past the checks, and must
not be used. `synthetic_either_or` denies for late payments here or elsewhere, where one alone is enough: with both
present neither alone explains the denial, so that a letter with one reason would mislead.

    python data_samples/generate_refusals.py            # the table and the settings
    python data_samples/generate_refusals.py --train    # the models as well
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from zipfile import ZIP_DEFLATED

import numpy as np
import pandas as pd
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = Path(__file__).resolve().parent / "refusals"
SEED = 20261102
ROWS = 400
ORDINARY = ["debt_to_income", "employment_months", "recent_inquiries", "open_accounts"]
PROTECTED = ["age", "marital_status", "union_member"]
EITHER_OR = ["late_payments_here", "late_payments_elsewhere", "debt_to_income"]
CUTOFF = 0.5

FACTS = """\
[facts]
id = "application_id"
name = "applicant_name"
address = "applicant_address"
product = "product"
decision_date = "decision_date"
"""
REFERENCE = """\
[reference]
date = 2026-09-30
"""
REASONS = {
    "debt_to_income": "Excessive obligations in relation to income",
    "employment_months": "Length of employment",
    "recent_inquiries": "Number of recent inquiries on credit bureau report",
    "open_accounts": "Number of open accounts",
    "age": "Age",
    "marital_status": "",
    "union_member": "",
    "late_payments_here": "Poor credit performance with us",
    "late_payments_elsewhere": "Delinquent past or present credit obligations with others",
}
APPROVAL = """\
[approval]
by = "Jordan Placeholder, Legal (fictitious)"
on = 2026-10-15
version = "sample-1"
"""
INSTITUTION = """\
[institution]
name = "Example Bank (fictitious)"
address = ["100 Example Plaza", "Sampletown, ZZ 00000"]
telephone = "(555) 555-0100"
agency = "ftc"
"""
KINDS = """\
[columns]
age.protected = "age"
marital_status.protected = "prohibited"
union_member.protected = "special"
"""


def table(rng: np.random.Generator) -> pd.DataFrame:
    """Invented applications, and the two past outcomes that models learn.

    `past_outcome` depends on protected columns, as it never should; `arrears_outcome` on late payments to anybody.
    """
    frame = pd.DataFrame(
        {
            "application_id": [f"R-{row + 1:03d}" for row in range(ROWS)],
            "applicant_name": "Robin Sample",
            "applicant_address": "1 Example Street;Sampletown, ZZ 00000",
            "product": "personal loan",
            "decision_date": "2026-11-02",
            "debt_to_income": rng.normal(36, 11, ROWS).clip(2, 90).round(1),
            "employment_months": rng.gamma(1.2, 55, ROWS).clip(0, 400).round().astype(int),
            "recent_inquiries": rng.poisson(1.8, ROWS),
            "open_accounts": rng.poisson(6, ROWS),
            "age": rng.integers(21, 80, ROWS),
            "marital_status": rng.choice(["married", "unmarried"], ROWS),
            "union_member": rng.choice(["yes", "no"], ROWS, p=[0.2, 0.8]),
        }
    )
    score = (
        0.09 * (frame["debt_to_income"] - 36)
        - 0.018 * (frame["employment_months"] - 60)
        + 0.6 * (frame["recent_inquiries"] - 1.8)
        + 0.15 * (frame["open_accounts"] - 6)
        + 0.04 * (frame["age"] - 50)
        + 0.9 * ((frame["marital_status"] == "unmarried") - 0.5)
        + 1.2 * ((frame["union_member"] == "yes") - 0.2)
    )
    for name in EITHER_OR[:2]:
        frame[name] = np.where(rng.random(ROWS) < 0.4, rng.integers(2, 6, ROWS), rng.binomial(1, 0.2, ROWS))
    payments = frame["late_payments_here"] + frame["late_payments_elsewhere"]
    arrears = 8 * np.minimum(1, payments / 2) - 5 + 0.11 * (frame["debt_to_income"] - 36)
    return frame.assign(past_outcome=_outcome(rng, score), arrears_outcome=_outcome(rng, arrears))


def _outcome(rng: np.random.Generator, score: pd.Series) -> np.ndarray:
    return np.where(rng.random(ROWS) < 1 / (1 + np.exp(-score)), "denied", "approved")


def train_either_or(frame: pd.DataFrame) -> Pipeline:
    """A small network, since no linear model can learn that one of two is enough."""
    network = MLPClassifier((12,), alpha=0.1, learning_rate_init=0.01, max_iter=300, random_state=SEED)
    return make_pipeline(StandardScaler(), network).fit(frame[EITHER_OR], frame["arrears_outcome"])


def train(frame: pd.DataFrame, columns: list[str]) -> Pipeline:
    """Logistic regression, which is a network of one layer."""
    words = [name for name in columns if not pd.api.types.is_numeric_dtype(frame[name])]
    numbers = [name for name in columns if name not in words]
    encoder = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(drop="if_binary"), words))
    return make_pipeline(encoder, LogisticRegression()).fit(frame[columns], frame["past_outcome"])


def settings(
    comment: str,
    *,
    model: str = "synthetic_ordinary.skops",
    cutoff: float = CUTOFF,
    reference: str = REFERENCE,
    reasons: Mapping[str, str] = MappingProxyType({name: REASONS[name] for name in ORDINARY}),
    approval: str = APPROVAL,
    facts: str = FACTS,
    more: str = "",
) -> str:
    """The text of an audit.toml that lacks nothing but what its case is about."""
    families = "\n".join(
        f'[families.{name}]\ncolumns = ["{name}"]\n' + (f'text.en = "{text}"\n' if text else "")
        for name, text in reasons.items()
    )
    decision = f'[model]\nfile = "{model}"\nversion = "1"\n\n[decision]\nadverse = "denied"\ncutoff = {cutoff}\n'
    parts = [f"# {comment} Synthetic.\n", decision, facts, reference, families, approval, INSTITUTION, more]
    return "\n".join(part for part in parts if part)


def cases() -> dict[str, str]:
    """File name -> settings."""
    words = {name: REASONS[name] for name in ORDINARY}
    return {
        "stale_reference": settings(
            "The reference population is older than reference.max_age_days.",
            reference=REFERENCE.replace("2026-09-30", "2024-01-31"),
        ),
        "no_approval": settings("Nobody has approved the wording.", approval=""),
        "unmapped_reason": settings("A family of reasons has no wording.", reasons={**words, "recent_inquiries": ""}),
        "contradictory_reasons": settings(
            "Two families say the opposite of one thing.",
            reasons={**words, "recent_inquiries": "Too many open accounts", "open_accounts": "Too few open accounts"},
        ),
        "no_adverse_contribution": settings(
            "The cutoff is so strict that even an application better than average in everything is refused.",
            cutoff=0.05,
            reference=REFERENCE + 'population = "all_applicants"\n',
        ),
        "protected_inputs": settings(
            "The model scores age, marital status and union membership: no model may be used like this.",
            model="synthetic_unlawful.skops",
            reasons={name: REASONS[name] for name in ORDINARY + PROTECTED},
            facts=FACTS + 'age = "age"\n',
            more=KINDS,
        ),
        "unfaithful_reasons": settings(
            "One reason is to be stated where two causes stand for each other: neither alone carries the denial.",
            model="synthetic_either_or.skops",
            reasons={name: REASONS[name] for name in EITHER_OR},
            more="[documents]\nmax_reasons = 1\n",
        ),
        "review_required": settings(
            "No letter goes out before a person has upheld the decision.", more='[documents]\nreview = "required"\n'
        ),
    }


def main(folder: Path = HERE, *, with_models: bool = False) -> None:
    """Write the table and the settings to `folder`, and the models if asked."""
    frame = table(np.random.default_rng(SEED))
    frame.drop(columns=["past_outcome", "arrears_outcome"]).to_csv(folder / "synthetic_rows.csv", index=False)
    for name, text in cases().items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    if with_models:
        models = {
            "ordinary": train(frame, ORDINARY),
            "unlawful": train(frame, ORDINARY + PROTECTED),
            "either_or": train_either_or(frame),
        }
        for name, model in models.items():
            skops.io.dump(model, folder / f"synthetic_{name}.skops", compression=ZIP_DEFLATED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--train", action="store_true", help="train the models anew as well")
    main(with_models=parser.parse_args().train)
