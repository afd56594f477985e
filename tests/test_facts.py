"""Facts of decisions, read from hostile cells."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.deciding.facts import read_facts, read_ids, repeated_rows, require_columns
from lrp_audit.errors import DataError
from lrp_audit.records import canonical
from lrp_audit.settings.config import AuditConfig

KEY = bytes(32)
FACTS = {
    "id": "case",
    "name": "who",
    "address": "where",
    "completion_date": "completed",
    "decision_date": "decided",
    "decided_by": "by",
    "decided_reasons": "why",
    "bureau_score": "fico",
    "bureau_key_factors": "factors",
    "age": "years",
    "consumer_report_used": "report",
}
ROW = {
    "case": "A-1",
    "who": "Ann Example",
    "where": "1 Main St\nSpringfield",
    "completed": "2026-01-31",
    "decided": "2026-02-03",
    "by": "score",
    "why": "",
    "fico": 640,
    "factors": "Too many inquiries; Short history",
    "years": 44,
    "report": 1,
}


def read(*rows, notice=None):
    config = AuditConfig.model_validate({"model": {"file": "m.skops"}, "facts": FACTS})
    frame = pd.DataFrame(list(rows))
    return read_facts(config, frame, KEY, notice, repeated=repeated_rows(read_ids(config.facts, frame)))


def test_facts_are_typed_and_the_due_date_is_thirty_days_after_completion():
    (row,) = read(ROW, notice=dt.date(2026, 2, 10))
    assert row.problem is None
    assert row.decision.dates.notice_due == dt.date(2026, 3, 2)
    assert row.decision.dates.notice == dt.date(2026, 2, 10)
    assert row.decision.bureau.score == 640
    assert row.decision.bureau.report_used
    assert row.decision.bureau.key_factors == ("Too many inquiries", "Short history")
    assert row.addressee.name == "Ann Example"
    assert row.addressee.address == ("1 Main St", "Springfield")


def test_name_and_address_stay_out_of_the_decision():
    (row,) = read(ROW)
    text = row.decision.model_dump_json()
    assert "Ann" not in text
    assert "Main" not in text
    assert row.decision.applicant not in ROW["case"]


@pytest.mark.parametrize(
    ("column", "value"),
    [("decided", "31/02/2026"), ("completed", "2026-02-30"), ("by", "robot"), ("fico", "high"), ("years", "old"),
     ("fico", "-65420222545279600"), ("years", "inf"), ("years", "nan"), ("report", 0.7),
     ("case", None), ("case", "  ")],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_names_its_column_and_spares_the_others(column, value):
    bad, good = read({**ROW, column: value}, {**ROW, "case": "A-2"})
    assert bad.problem is not None
    assert f"'{column}'" in bad.problem
    assert good.problem is None


def test_a_repeated_id_is_a_problem_of_the_later_row():
    first, second = read(ROW, ROW)
    assert first.problem is None
    assert "repeated" in second.problem


def test_missing_fact_columns_are_named():
    config = AuditConfig.model_validate({"model": {"file": "m.skops"}, "facts": {"id": "case", "name": "nobody"}})
    with pytest.raises(DataError, match=r"facts\.name = 'nobody'"):
        require_columns(config.facts, pd.DataFrame([ROW]))


ANY = st.one_of(
    st.none(), st.text(), st.floats(), st.integers(), st.integers().map(str), st.floats().map(str), st.just("nan")
)


@given(st.text(), st.text(), ANY, ANY)
def test_any_cell_gives_facts_that_a_record_can_hold_or_a_problem(identifier, name, score, age):
    (row,) = read({**ROW, "case": identifier, "who": name, "fico": score, "years": age})
    assert row.problem is not None or row.decision.id == identifier
    canonical.text(row.decision.model_dump(mode="json"))
