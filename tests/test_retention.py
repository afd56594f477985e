"""How long documents are kept: by the law of the letter or by what audit.toml says, and never by a guess."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.deciding.decision_row import decision_row
from lrp_audit.deciding.facts import read_facts
from lrp_audit.errors import ConfigError
from lrp_audit.judging.deadlines import retain_until
from lrp_audit.language.messages import for_reviewers
from lrp_audit.records.record import Dates, Retention, digest
from lrp_audit.report.audit_facts import provenance_facts
from lrp_audit.settings.config import load
from lrp_audit.settings.retention_config import RetentionSection
from lrp_audit.settings.sections import DocumentsSection, FactsSection

NOTICE = dt.date(2026, 11, 27)
days = st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1))


@given(days, st.integers(1, 1200))
def test_documents_are_kept_that_many_months_and_no_day_less(start: dt.date, months: int) -> None:
    last = retain_until(Dates(notice=start), months)
    assert last is not None
    assert (last.year - start.year) * 12 + last.month - start.month == months
    shorter = (last + dt.timedelta(1)).month != last.month  # the last day of a month that lacks the day
    assert last.day == start.day or (shorter and last.day < start.day)


@given(days, days)
def test_the_period_begins_when_the_notice_went_out(notice: dt.date, sent: dt.date) -> None:
    assert retain_until(Dates(notice=notice, notice_sent=sent), 25) == retain_until(Dates(notice=sent), 25)


def test_without_a_notice_there_is_no_last_day() -> None:
    assert retain_until(Dates(decision=NOTICE), 25) is None


def kept(config: object = None, *, held: object = "no", notice: dt.date | None = NOTICE) -> Retention:
    settings = records.config(facts=FactsSection(id="id", legal_hold="hold")) if config is None else config
    frame = pd.DataFrame({"id": ["A-1"], "hold": [held]})
    return read_facts(settings, frame, b"k" * 32, notice)[0].decision.retention  # type: ignore[arg-type]


def test_a_us_lender_keeps_documents_as_long_as_regulation_b_asks() -> None:
    assert kept() == Retention(retain_until=dt.date(2028, 12, 27), basis="12 CFR 1002.12(b)(1)")


@pytest.mark.parametrize("letter", ["eu-letter", "uk-letter"])
def test_no_period_is_guessed_where_the_law_names_none(letter: str) -> None:
    documents = DocumentsSection(letter=letter)  # type: ignore[arg-type]
    config = records.config(facts=FactsSection(id="id", legal_hold="hold"), documents=documents)
    assert kept(config) == Retention()
    section = RetentionSection(months=36, basis="Policy R-12")
    assert kept(config.model_copy(update={"retention": section})).basis == "Policy R-12"


@pytest.mark.parametrize(("cell", "held"), [("yes", True), ("no", False), ("", False), ("perhaps", True), (True, True)])
def test_a_hold_that_cannot_be_read_holds(cell: object, held: bool) -> None:
    assert kept(held=cell).legal_hold is held


def test_a_hold_that_cannot_be_read_is_a_problem_of_its_row() -> None:
    config = records.config(facts=FactsSection(id="id", legal_hold="hold"))
    frame = pd.DataFrame({"id": ["A-1", "A-2"], "hold": ["perhaps", "yes"]})
    first, second = read_facts(config, frame, b"k" * 32, NOTICE)
    assert first.problem == "column 'hold': 'perhaps' is not yes or no"
    assert second.problem is None


def test_the_row_of_a_decision_says_how_long_it_is_kept() -> None:
    retention = Retention(retain_until=NOTICE, basis="Policy R-12", legal_hold=True)
    record = records.record(decision=records.decision(retention=retention))
    row = decision_row(record, 0, "folder", digest(record))
    assert (row["retain_until"], row["basis"], row["legal_hold"]) == (NOTICE, "Policy R-12", True)


def test_the_audit_prints_how_long_it_is_kept() -> None:
    retention = Retention(retain_until=dt.date(2028, 12, 27), basis="Policy R-12", legal_hold=True)
    record = records.record(decision=records.decision(retention=retention))
    facts = {fact.label: fact.text for fact in provenance_facts(record, for_reviewers(records.config()))}
    assert "2028" in facts["Kept until"]
    assert facts["Basis of that period"] == "Policy R-12"
    assert facts["Legal hold, as recorded"] == "yes: nothing is deleted"


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("months = 60", "retention.months needs retention.basis"),
        ('basis = "Policy"', "retention.basis needs retention.months"),
        ('months = 60\nbasis = " "', "retention.months needs retention.basis"),
        ('months = 6\nbasis = "Policy"', "retention.months must be at least 12 beside a US notice"),
        ('months = 0\nbasis = "Policy"', "retention.months"),
    ],
)
def test_a_period_needs_its_basis_and_the_laws_length(tmp_path: Path, section: str, said: str) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(f'[model]\nfile = "m.skops"\n\n[decision]\nadverse = "denied"\n\n[retention]\n{section}\n')
    with pytest.raises(ConfigError, match=r"line \d+: ") as error:
        load(path)
    assert said in str(error.value)
