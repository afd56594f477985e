"""A US notice of another form is refused for what that form needs, and for nothing that it does not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from test_reasons import DECIDED, ROUTED, WORDS, case, column, config, states

from lrp_audit.judging.reasons import judge
from lrp_audit.records.record import Counteroffer, Dates, Incompleteness, Recorded
from lrp_audit.settings.sections import DocumentsSection, FamilySection, InstitutionSection

NOTICE = DECIDED + dt.timedelta(days=10)
DATES = Dates(application=DECIDED, decision=DECIDED, notice=NOTICE, notice_due=DECIDED + dt.timedelta(days=30))
LATER = NOTICE + dt.timedelta(days=20)
OFFER: dict[str, Any] = {
    "action": "counteroffer",
    "dates": DATES,
    "counteroffer": Counteroffer(terms=("$6,000",), accept_by=LATER),
}
ASKED: dict[str, Any] = {
    "action": "incomplete",
    "dates": DATES,
    "incompleteness": Incompleteness(items=("Pay stubs",), respond_by=LATER),
}
ON_REQUEST = DocumentsSection(reasons="on-request")
OFFICE = {"name": "Bank", "address": ("1 Main Street",), "agency": "ftc"}


def incomplete(**decision: Any) -> Any:
    """An application that was not decided: the model may not even be able to score it."""
    return case(outcome=None, contributions=(), problem="column 'income': empty", decision=ASKED | decision)


def test_complete_forms_are_refused_by_nothing() -> None:
    assert judge(case(decision=OFFER), config()).refusals == ()
    assert judge(incomplete(), config()).refusals == ()
    office = InstitutionSection(**OFFICE, contact="Credit Department", telephone="555")
    assert judge(case(), config(documents=ON_REQUEST, institution=office)).refusals == ()
    assert judge(case(decision=ROUTED | OFFER), config()).refusals == ()


def test_an_incomplete_application_has_no_reasons_and_needs_no_disclosures() -> None:
    judgement = judge(incomplete(), config(institution=InstitutionSection(**OFFICE | {"agency": None})))
    assert (judgement.reasons, judgement.refusals, judgement.flags) == ((), (), ())


@pytest.mark.rule("US-11", "US-12", "G-02")
@pytest.mark.parametrize(
    ("decision", "rule", "missing"),
    [
        (OFFER | {"counteroffer": Counteroffer(accept_by=LATER)}, "US-11", "facts.counteroffer_terms"),
        (OFFER | {"counteroffer": Counteroffer(terms=("$6,000",))}, "US-11", "facts.counteroffer_accept_by"),
        (ASKED | {"incompleteness": Incompleteness(respond_by=LATER)}, "1002.9(c)(2)", "facts.missing_items"),
        (ASKED | {"incompleteness": Incompleteness(items=("Pay stubs",))}, "1002.9(c)(2)", "facts.respond_by"),
        ({"primary_applicant": False}, "US-12", "facts.name"),
    ],
    ids=["terms", "end of the offer", "items", "by when", "primary applicant"],
)
def test_a_missing_fact_is_provenance_incomplete(decision: dict[str, Any], rule: str, missing: str) -> None:
    judgement = judge(case(decision=decision), config())
    assert states(judgement) == ["PROVENANCE_INCOMPLETE"]
    assert rule in judgement.refusals[0].rule
    assert missing in judgement.refusals[0].next_step


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (OFFER | {"counteroffer": Counteroffer(terms=("$6,000",), accept_by=NOTICE)}, "counteroffer ends"),
        (ASKED | {"incompleteness": Incompleteness(items=("Lease",), respond_by=NOTICE)}, "not after the notice"),
        (OFFER | {"counteroffer": Counteroffer(terms=("Reapply in May",), accept_by=LATER)}, "'Reapply': advice"),
        (ASKED | {"recorded": Recorded(outcome="denied")}, "'denied' is a refusal"),
        (ASKED | {"decided_reasons": ("Length of employment",)}, "reasons are given"),
    ],
    ids=["offer is over", "no time to answer", "terms with advice", "was decided", "has reasons"],
)
def test_facts_that_contradict_each_other_are_invalid(decision: dict[str, Any], says: str) -> None:
    judgement = judge(case(decision=decision), config())
    assert states(judgement) == ["INVALID_INPUT"]
    assert says in judgement.refusals[0].evidence


@pytest.mark.rule("US-06")
@pytest.mark.parametrize("lacking", ["contact", "telephone"])
def test_reasons_on_request_need_an_office_that_can_be_reached(lacking: str) -> None:
    office = InstitutionSection(**OFFICE | {"contact": "Credit Department", "telephone": "555"} | {lacking: None})
    judgement = judge(case(), config(documents=ON_REQUEST, institution=office))
    assert states(judgement) == ["MISSING_LEGAL_TEXT"]
    assert f"institution.{lacking}" in judgement.refusals[0].evidence
    assert judge(case(), config(institution=office)).refusals == ()


@pytest.mark.rule("US-06", "RS-02")
def test_incompleteness_is_no_reason_where_the_score_was_computed() -> None:
    named = config(families=config().families | {"income": FamilySection(text={"en": "Credit application incomplete"})})
    judgement = judge(case(), named)
    assert states(judgement) == ["UNMAPPED_PRINCIPAL_REASON"]
    assert "comment 9(a)(1)-4" in judgement.refusals[0].evidence
    assert judge(case(*(column(name, 1.0) for name in list(WORDS)[1:])), named).refusals == ()  # it is not stated


def test_a_reviewer_sees_where_there_may_have_been_enough_data() -> None:
    by_rule = ROUTED | {"decided_reasons": ("Credit application incomplete",)}
    judgement = judge(case(decision=by_rule), config())
    assert judgement.refusals == ()
    assert any("comment 9(a)(1)-4" in flag for flag in judgement.flags)
    assert any("comment 9(a)(1)-4" in flag for flag in judge(case(decision=ASKED), config()).flags)
    unscored = judge(case(outcome=None, decision=by_rule), config())
    assert not any("comment 9(a)(1)-4" in flag for flag in unscored.flags)


def test_a_late_notice_is_flagged_by_the_rule_of_its_action() -> None:
    late = DATES.model_copy(update={"notice_due": NOTICE - dt.timedelta(days=1)})
    assert any(flag.startswith("Late: ") for flag in judge(case(decision=OFFER | {"dates": late}), config()).flags)
    assert not any(flag.startswith("Late: ") for flag in judge(case(decision=OFFER), config()).flags)
