"""Real, public texts that lie beside the checkout; tests that ask for them are skipped where they do not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def complaints() -> list[str]:
    """Complaint narratives as published."""
    return _column("cfpb_complaints/complaints_raw_100.csv", "Consumer complaint narrative", ",")


def clean_complaints() -> list[str]:
    """Complaint narratives that an earlier user lower-cased and stemmed."""
    return _column("cfpb_complaints/complaints_5products.csv", "narrative", ",")


def messages() -> list[str]:
    """Text messages, an eighth of them advertising."""
    return _column("sms_spam/SMSSpamCollection", "1", "\t")


def bank_questions() -> list[str]:
    """One-sentence questions of bank customers."""
    return _column("banking77/train.csv", "text", ",")


def _column(name: str, column: str, separator: str) -> list[str]:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the public data set {name} is not beside the checkout")
    if separator == "\t":
        frame = pd.read_csv(path, sep="\t", header=None, quoting=3, names=["0", "1"], dtype=str)
    else:
        frame = pd.read_csv(path, dtype=str)
    return frame[column].dropna().tolist()
