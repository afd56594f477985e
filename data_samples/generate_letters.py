"""Makes the synthetic applications of the German and the British sample from those of the American one.

The same invented people apply under other names, in the words of their lender; the model and its inputs stay the same.

    python data_samples/generate_letters.py
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

HERE = Path(__file__).resolve().parent
# Denials, two of them with a missing value; approvals, one with a missing value; by a rule; by a person.
CHOSEN = ("A-00001", "A-00002", "A-00004", "A-00006", "A-00015", "A-00027", "A-00032", "A-00033", "A-00034")
KEPT = (
    "annual_income", "loan_amount", "loan_term_months", "debt_to_income", "employment_months", "employment_type",
    "residence_months", "housing", "purpose", "savings_balance", "bureau_inquiries_6m", "bureau_delinquencies_24m",
    "bureau_collections", "bureau_utilization", "bureau_oldest_account_months", "bureau_open_accounts", "age",
    "recorded_score", "application_date", "completion_date", "decision_date", "decided_by", "recorded_outcome",
    "model_version",
)  # fmt: skip


class Lender(NamedTuple):
    """What differs from the American sample. Amounts and search results are written by `str.format`."""

    prefix: str  # of application numbers
    names: tuple[str, ...]
    streets: tuple[str, ...]
    town: str
    product: str
    amount: str
    thousands: str
    found: str  # by a search of the credit database
    nothing: str
    reasons: dict[str, str]


GERMAN = Lender(
    prefix="V",
    names=(
        "Mika Muster", "Kim Beispiel", "Žofie Łukasz-Probe", "Luca Exempel", "Robin Platzhalter", "Sascha Fiktiv",
        "Toni Muster", "Jona Beispiel", "Alex Erfunden",
    ),
    streets=("Beispielweg", "Musterstraße", "Probeallee"),
    town="00000 Musterstadt",
    product="Ratenkredit",
    amount="{} €",
    thousands=".",
    found="Kreditanfragen: {}, Zahlungsstörungen: {}, Inkassofälle: {}",
    nothing="keine Angaben vorhanden",
    reasons={
        "Unable to verify income": "Einkommen nicht belegt",
        "Temporary residence;Length of employment": "Vorübergehender Wohnsitz;Dauer der Beschäftigung",
    },
)  # fmt: skip
BRITISH = Lender(
    prefix="B",
    names=(
        "Frankie Fictitia", "Avery Exampleton", "Žofie Señora-Sample", "Morgan Madeup", "Robin Placeholder",
        "Jamie Invented", "Casey Sample", "Alex Imaginary", "Sam Specimen",
    ),
    streets=("Example Road", "Mock Lane", "Sample Street"),
    town="Sampleton ZZ0 0ZZ",
    product="personal loan",
    amount="£{}",
    thousands=",",
    found="searches by lenders: {}, missed payments: {}, debts with collectors: {}",
    nothing="no entry",
    reasons={
        "Unable to verify income": "Income not verified",
        "Temporary residence;Length of employment": "Temporary address;Length of employment",
    },
)  # fmt: skip


def applications(american: pd.DataFrame, lender: Lender) -> pd.DataFrame:
    """The chosen applications as this lender's customers would have made them; all cells are text."""
    chosen = american.drop_duplicates("application_id").set_index("application_id").loc[list(CHOSEN)].reset_index()
    numbers = range(1, len(chosen) + 1)
    amounts = (f"{int(amount):,}".replace(",", lender.thousands) for amount in chosen["loan_amount"])
    head = pd.DataFrame(
        {
            "application_id": [f"{lender.prefix}-{number:05d}" for number in numbers],
            "applicant_name": lender.names,
            "applicant_address": [
                f"{lender.streets[number % len(lender.streets)]} {number};{lender.town}" for number in numbers
            ],
            "product": lender.product,
            "amount_requested": [lender.amount.format(amount) for amount in amounts],
            "decided_reasons": chosen["decided_reasons"].map(lender.reasons),
            "database_result": [_found(row, lender) for _, row in chosen.iterrows()],
        }
    )
    return pd.concat([head, chosen[list(KEPT)]], axis=1)


def _found(row: pd.Series, lender: Lender) -> str:
    entries = row[["bureau_inquiries_6m", "bureau_delinquencies_24m", "bureau_collections"]]
    return lender.nothing if entries.isna().all() else lender.found.format(*entries)


def main(folder: Path = HERE) -> None:
    """Write both tables to `folder`, from the American one in it."""
    american = pd.read_csv(folder / "synthetic_applications.csv", dtype=str)
    applications(american, GERMAN).to_csv(folder / "synthetic_applications_eu.csv", index=False)
    applications(american, BRITISH).to_csv(folder / "synthetic_applications_uk.csv", index=False)


if __name__ == "__main__":
    main()
