"""Settings and rows to be drawn by hypothesis: every kind of letter, family, protection, fact and refusal.

Settings start from a shipped sample, so that letters without a state come out as well, and always make sense together.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from hypothesis import strategies as st

from lrp_audit.deciding.session import Session
from lrp_audit.settings.config import AuditConfig
from lrp_audit.tables import read_table

Raw = dict[str, Any]  # a section of audit.toml, as TOML reads it
Opened = Callable[[AuditConfig], Session]
Draw = st.DrawFn

SAMPLES = {"us-notice": "", "eu-letter": "_eu", "uk-letter": "_uk"}
LANGUAGES = {"us-notice": ("en", "es"), "eu-letter": ("en", "de", "fr", "es"), "uk-letter": ("en",)}
OPTIONAL = (
    "approval", "institution", "consumer_reporting_agency", "credit_score", "automation", "review",
    "data_protection_officer", "supervisory_authority", "debt_advice", "database",
)  # fmt: skip
FAMILIES = ("first", "second", "third")
_RARELY = st.integers(0, 3).map(lambda drawn: drawn == 3)

_DAYS = (None, "", "2026-11-02", "2026-11-03T10:00", "2024-02-29", "2026-02-30", "soon")
_TRUTHS = (None, "yes", "no", "1", "maybe")
_WORDS = (None, "", "  ", "Ana Ü. Example", "a;b", "<b>x</b>", "\u202eevil", "𝔘", "x" * 10_001)
_NUMBERS = (None, 0.0, -1.0, 61.0, 62.0, 612.0, 0.5096, 1e60, float("inf"), "many")
FACTS: dict[str, tuple[object, ...]] = {
    "name": _WORDS, "address": ("", "1 Way;Town", *_WORDS), "product": _WORDS, "amount": ("$1,500", *_WORDS),
    "reference": _WORDS, "database_result": _WORDS, "age": _NUMBERS, "score": _NUMBERS, "bureau_score": _NUMBERS,
    "application_date": _DAYS, "completion_date": _DAYS, "decision_date": _DAYS, "sent_date": _DAYS,
    "bureau_score_date": _DAYS, "counteroffer_date": _DAYS, "counteroffer_accept_by": _DAYS, "respond_by": _DAYS,
    "decided_by": (None, "score", "rule", "human", "fate"), "decided_reasons": ("Income; Debts", *_WORDS),
    "action": (None, "denied", "counteroffer", "incomplete", "other"), "counteroffer_terms": _WORDS,
    "missing_items": ("Proof of income", *_WORDS), "primary_applicant": _TRUTHS, "bureau_inquiries_factor": _TRUTHS,
    "consumer_report_used": _TRUTHS, "outside_information_used": _TRUTHS, "legal_hold": _TRUTHS,
    "outcome": (None, "denied", "approved"), "model_version": (None, "2026.10", "2025.1"), "bureau_key_factors": _WORDS,
}  # fmt: skip
INPUTS = (None, 0.0, -1.0, 1e-9, 12_345.678, 1e60, float("inf"), "rent", "unheard of", True)


class Drawn(NamedTuple):
    """Settings as TOML reads them, the rows of a table, and the date of notices."""

    settings: Raw
    frame: pd.DataFrame
    notice: dt.date | None


def shipped(samples: Path, level: str) -> Drawn:
    """A sample as it is, of which some decisions are in no state that refuses a letter."""
    settings = tomllib.loads((samples / "audit.toml").read_text())
    settings["checks"] |= {"level": level, "random_families": 5}
    settings["reference"] |= {"size": 50, "members": 8}
    return Drawn(settings, read_table(samples / "synthetic_applications.csv").head(6), dt.date(2026, 11, 16))


@st.composite
def drawn(draw: Draw, samples: Path, level: str) -> Drawn:
    """Settings and rows.

    Args:
        draw: from hypothesis.
        samples: the shipped ones.
        level: of the checks.
    """
    letter = draw(st.sampled_from(sorted(SAMPLES)))
    settings = tomllib.loads((samples / f"audit{SAMPLES[letter]}.toml").read_text())
    if draw(_RARELY):
        settings.pop(draw(st.sampled_from(OPTIONAL)), None)
    settings["documents"] = _documents(draw, letter)
    if draw(_RARELY):
        settings["decision"] |= draw(
            st.sampled_from(({"cutoff": 0.02}, {"cutoff": 0.9}, {"cutoff": -0.5, "cutoff_on": "margin"}))
        )
        for fact in ("outcome", "score"):  # which were recorded beside another cutoff
            settings["facts"].pop(fact)
    settings["checks"] = _checks(draw, level)
    settings["explanation"] = draw(
        st.sampled_from(({}, {}, {}, {"rules": "epsilon"}, {"method": "integrated-gradients", "steps": 2}))
    )
    settings["reference"] |= _reference(draw, settings["explanation"])
    settings["variations"] = {"search": draw(st.integers(0, 4)) == 0, "max_changes": 1, "most": 2}
    if draw(st.booleans()):
        settings["retention"] = {"months": 60, "basis": "policy R-12"}
    if draw(st.booleans()):
        _regroup(draw, settings)
    return Drawn(settings, _frame(draw, samples, settings), None if draw(_RARELY) else dt.date(2026, 11, 16))


def _documents(draw: Draw, letter: str) -> Raw:
    return {
        "letter": letter,
        "language": draw(st.sampled_from(LANGUAGES[letter])),
        "max_reasons": draw(st.integers(1, 6)),
        "reasons": draw(st.sampled_from(("stated", "on-request"))),
        "key_file": "audit.key",
    }


def _checks(draw: Draw, level: str) -> Raw:
    checks = {
        "level": level,
        "random_families": 5,
        "near_tie": draw(st.sampled_from((0.0, 0.05, 0.5))),
        "protected_share": draw(st.sampled_from((0.0, 0.05, 1.0))),
        "second_reference_overlap": draw(st.integers(0, 6)),
    }
    return checks | draw(st.sampled_from(({}, {"score_tolerance": 0.0001}, {"score_tolerance": 1.0})))


def _reference(draw: Draw, explanation: Raw) -> Raw:
    populations = ("near_cutoff", "all_applicants") if "method" in explanation else ("near_cutoff", "zero")
    return {
        "population": draw(st.sampled_from(populations)),
        "representation": draw(st.sampled_from(("members", "centroid"))),
        "size": 50,
        "members": 8,
        "max_age_days": 10 if draw(_RARELY) else 365,
    }


def _regroup(draw: Draw, settings: Raw) -> None:
    """Other families, some of one column and some without words, and other protection and sources of columns."""
    families: dict[str, Raw] = {}
    for name, column in settings["columns"].items():
        column.pop("family", None)
        if draw(st.integers(0, 15)) == 15:
            column["protected"] = draw(st.sampled_from(("prohibited", "special", "age")))
        if draw(st.integers(0, 3)) == 0:
            column.pop("source", None)
        family = draw(st.sampled_from((*FAMILIES, name)))
        families.setdefault(family, {"columns": []})["columns"].append(name)
    settings["families"] = {name: family | _worded(draw, settings, name) for name, family in families.items()}


def _worded(draw: Draw, settings: Raw, name: str) -> Raw:
    language, found = settings["documents"]["language"], Raw()
    if draw(st.booleans()):
        found["label"] = f"Family {name}"
    if draw(st.integers(0, 3)):
        found["text"] = {language: draw(st.sampled_from((f"Statement of {name}", "The same statement")))}
        for field in draw(st.sets(st.sampled_from(("text_low", "text_high")))):
            found[field] = {language: f"Statement of {name}, {field}"}
    if draw(st.booleans()):
        found["code"] = name.upper()
    return found


def _frame(draw: Draw, samples: Path, settings: Raw) -> pd.DataFrame:
    """Rows of a sample, some of whose facts and inputs are replaced, with the facts that settings now name."""
    table = read_table(samples / f"synthetic_applications{SAMPLES[settings['documents']['letter']]}.csv")
    rows = draw(st.lists(st.integers(0, len(table) - 1), min_size=2, max_size=6))
    cells = {name: list(values) for name, values in table.iloc[rows].to_dict("list").items()}
    facts = settings["facts"]
    if draw(_RARELY):
        facts.pop(draw(st.sampled_from(["id", *sorted(FACTS)])), None)
    for fact in draw(st.sets(st.sampled_from(sorted(FACTS)), max_size=4)):
        cells[f"fact {fact}"] = [
            draw(st.sampled_from(FACTS[fact])) if fact not in facts or draw(_RARELY) else cells[facts[fact]][place]
            for place in range(len(rows))
        ]
        facts[fact] = f"fact {fact}"
    for row in range(1, len(rows)):  # the first one keeps every column readable
        if draw(_RARELY):
            cells[draw(st.sampled_from(sorted(settings["columns"])))][row] = draw(st.sampled_from(INPUTS))
    return pd.DataFrame(cells)
