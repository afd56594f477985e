"""Rows in, judged records out: properties of the whole path on the shipped samples."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from lrp_audit.checks.agreement import largest
from lrp_audit.checks.evidence import Families
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import open_session
from lrp_audit.errors import DataError
from lrp_audit.judging import reasons
from lrp_audit.records.record import Record, canonical, digest
from lrp_audit.resources import samples
from lrp_audit.settings.config import load
from lrp_audit.tables import read_table

NOTICE = dt.date(2026, 11, 16)


@pytest.fixture(scope="module")
def config():
    return load(samples() / "audit.toml")


@pytest.fixture(scope="module")
def frame(config):
    return read_table(samples() / "synthetic_applications.csv", text=text_columns(config.facts))


@pytest.fixture(scope="module")
def session(config, frame, tmp_path_factory):
    key = tmp_path_factory.mktemp("key") / "audit.key"
    documents = config.documents.model_copy(update={"key_file": str(key)})
    return open_session(config.model_copy(update={"documents": documents}), samples(), frame)


@pytest.fixture(scope="module")
def decided(session, frame):
    return list(decide(session, frame, notice=NOTICE))


@pytest.fixture(scope="module")
def explained(decided):
    return [item.record for item in decided if item.record.contributions]


def test_every_row_gives_one_record_in_order(decided, frame):
    assert [item.row for item in decided] == list(range(len(frame)))


@pytest.mark.rule("CA-06")
def test_contributions_sum_to_the_difference_from_the_reference(explained):
    assert len(explained) > 20
    for record in explained:
        books = record.conservation
        total = sum(item.relevance for item in record.contributions)
        assert total == pytest.approx(books.attributed, abs=1e-12)
        assert abs(books.residual) <= books.tolerance
        assert books.explained == pytest.approx(record.outcome.margin - record.reference.mean_margin, abs=1e-9)


@pytest.mark.rule("RS-08")
def test_families_hold_every_column_once_and_are_ranked(explained):
    for record in explained:
        columns = [column for family in record.families for column in family.columns]
        assert sorted(columns) == sorted(item.column for item in record.contributions)
        values = [family.relevance for family in record.families]
        assert values == sorted(values, reverse=True)


@pytest.mark.rule("RS-01")
def test_reasons_are_the_strongest_families_against_the_applicant(explained):
    stated = [record for record in explained if record.refusal is None]
    assert stated
    for record in stated:
        against = [family.family for family in record.families if family.relevance > 0]
        assert [reason.family for reason in record.reasons] == against[:4]


def test_a_row_does_not_depend_on_its_neighbours(session, frame, decided):
    wanted = [item for item in decided if item.record.refusal is None and item.record.contributions][1:4]
    alone = decide(session, frame, notice=NOTICE, ids=[item.record.decision.id for item in wanted])
    for one, other in zip(alone, wanted, strict=True):
        first, second = one.record.contributions, other.record.contributions
        assert [item.column for item in first] == [item.column for item in second]
        assert [item.relevance for item in first] == pytest.approx([item.relevance for item in second], rel=1e-9)
        assert one.record.reasons[0].text == other.record.reasons[0].text


@pytest.mark.rule("G-10")
def test_equal_runs_give_equal_records(session, frame, decided):
    again = list(decide(session, frame, notice=NOTICE))
    assert [digest(item.record) for item in again] == [digest(item.record) for item in decided]


def test_a_record_survives_its_canonical_form(decided):
    for item in decided:
        stored = Record.model_validate_json(canonical(item.record))
        assert canonical(stored) == canonical(item.record)


@pytest.mark.rule("RS-05")
def test_attribution_is_not_run_where_a_rule_or_a_person_decided(decided):
    routed = [item.record for item in decided if item.record.decision.decided_by != "score"]
    assert routed
    assert not any(record.contributions or record.checks for record in routed)


@pytest.mark.rule("G-09")
def test_no_record_holds_name_or_address(decided):
    for item in decided:
        text = canonical(item.record).decode()
        assert item.addressee.name is None or item.addressee.name not in text
        assert not any(line in text for line in item.addressee.address)


@pytest.mark.rule("CA-08")
def test_stated_reasons_lower_the_margin_when_put_back(explained):
    for record in explained:
        if record.refusal is None:
            check = next(item for item in record.checks if item.id == "put-back")
            assert check.measured["stated"] >= check.measured["random"]


def test_the_second_reference_counts_families_as_the_ranking_does(explained):
    families = Families.of([item.family for item in sorted(explained[0].contributions, key=lambda item: item.column)])
    for record in explained:
        ordered = sorted(record.contributions, key=lambda item: item.column)
        sums = families.sums(np.array([[item.relevance for item in ordered]]))
        found = {families.names[i] for i in np.flatnonzero(largest(sums, 4)[0])}
        assert found == {item.family for item in reasons.stated(reasons.group(record.contributions), 4)}


def test_unknown_ids_and_missing_columns_are_named(session, frame):
    with pytest.raises(DataError, match="'nobody'"):
        list(decide(session, frame, ids=["nobody"]))
    with pytest.raises(DataError, match=r"facts\.id"):
        list(decide(session, frame.drop(columns="application_id")))


def test_a_hostile_row_is_booked_and_spares_the_others(session, frame, decided):
    good = next(item for item in decided if item.record.refusal is None)
    rows = frame.iloc[[good.row] * 4].reset_index(drop=True)
    rows["application_id"] = ["A", "B", "C", "D"]
    rows["annual_income"] = pd.Series(["many", "inf", None, frame["annual_income"].iloc[good.row]], dtype=object)
    states = [item.record.refusal for item in decide(session, rows, notice=NOTICE)]
    assert states[0].state == states[1].state == "INVALID_INPUT"
    assert "annual_income" in states[0].evidence
    assert states[3] is None
