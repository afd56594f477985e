"""A notice is due as the rule that fits its action says, on the day."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from lrp_audit.deciding.facts import RowFacts, read_facts
from lrp_audit.judging.deadlines import notice_due
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import FactsSection, ModelSection

DAY = dt.date(2026, 1, 31)
COLUMNS = (
    "action", "application_date", "completion_date", "decision_date", "counteroffer_date", "counteroffer_terms",
    "counteroffer_accept_by", "missing_items", "respond_by", "primary_applicant",
)  # fmt: skip


def later(days: int) -> dt.date:
    return DAY + dt.timedelta(days=days)


def test_a_denial_is_due_30_days_after_the_application_was_complete_or_else_decided() -> None:
    assert notice_due(completion=DAY, decision=later(5)) == later(30) == dt.date(2026, 3, 2)
    assert notice_due(decision=DAY) == later(30)
    assert notice_due(application=DAY) is None


@pytest.mark.rule("US-11")
def test_a_denial_after_a_counteroffer_is_due_90_days_after_the_offer() -> None:
    assert notice_due(completion=DAY, decision=later(80), counteroffer=later(10)) == later(100)


def test_missing_information_is_asked_for_within_30_days_of_the_application() -> None:
    assert notice_due(application=DAY, decision=later(5), incomplete=True) == later(30)
    assert notice_due(decision=DAY, incomplete=True) is None


def read(**cells: str) -> RowFacts:
    frame = pd.DataFrame([{name: cells.get(name, "") for name in COLUMNS}])
    config = AuditConfig(model=ModelSection(file="m.skops"), facts=FactsSection(**{name: name for name in COLUMNS}))
    return read_facts(config, frame, b"key", None)[0]


@pytest.mark.parametrize(
    ("cells", "due"),
    [
        ({"completion_date": "2026-01-31", "decision_date": "2026-02-05"}, later(30)),
        ({"completion_date": "2026-01-31", "counteroffer_date": "2026-02-05"}, later(95)),
        ({"completion_date": "2026-01-31", "action": "counteroffer", "counteroffer_date": "2026-02-05"}, later(30)),
        ({"application_date": "2026-01-31", "decision_date": "2026-02-05", "action": "incomplete"}, later(30)),
    ],
    ids=["denial", "unaccepted offer", "counteroffer", "incomplete"],
)
def test_facts_of_a_row_give_its_due_date(cells: dict[str, str], due: dt.date) -> None:
    assert read(**cells).decision.dates.notice_due == due


def test_what_a_notice_is_about_is_read_from_the_row() -> None:
    facts = read(
        action="Counteroffer", counteroffer_terms="$6,000; 36 months", counteroffer_accept_by="2026-03-01"
    ).decision
    assert facts.action == "counteroffer"
    assert facts.counteroffer.terms == ("$6,000", "36 months")
    assert facts.counteroffer.accept_by == dt.date(2026, 3, 1)
    facts = read(action="incomplete", missing_items="Pay stubs;;Lease ", respond_by="2026-03-01").decision
    assert facts.incompleteness.items == ("Pay stubs", "Lease")
    assert facts.incompleteness.respond_by == dt.date(2026, 3, 1)
    plain = read().decision
    assert (plain.action, plain.primary_applicant) == ("denied", True)
    assert read(primary_applicant="no").decision.primary_applicant is False


def test_an_unknown_action_is_named_with_its_column() -> None:
    assert read(action="approved?").problem == "column 'action': 'approved?' is not denied, counteroffer or incomplete"
