"""Reasons are the largest family sums against the applicant; every state of section 8 is reached and explained."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrp_audit.judging.reasons import Case, Faithfulness, Judgement, against, group, in_favour, judge, stated
from lrp_audit.judging.refusals import STATES
from lrp_audit.language import phrasebook
from lrp_audit.language.wording import contradictions, fault
from lrp_audit.records.record import (
    Addressee,
    BureauFacts,
    ColumnContribution,
    Dates,
    DecisionFacts,
    ModelFacts,
    Outcome,
    Recorded,
    ReferenceFacts,
    RefusalState,
    TieBreak,
)
from lrp_audit.settings.config import AuditConfig, ContactSection
from lrp_audit.settings.sections import (
    ApprovalSection,
    ChecksSection,
    ColumnSection,
    CreditScoreSection,
    DecisionSection,
    DocumentsSection,
    FamilySection,
    InstitutionSection,
    ModelSection,
)

DECIDED = dt.date(2026, 10, 1)
WORDS = {
    "income": "Income insufficient for amount of credit requested",
    "debt": "Excessive obligations in relation to income",
    "job": "Length of employment",
    "home": "Length of residence",
    "file": "Limited credit experience",
}
CONTACT = {"name": "Bank", "address": ("1 Main Street",), "telephone": "555"}
WITHOUT_DRAFT = {  # no wording and no setting would change these
    "INVALID_INPUT",
    "NOT_ADVERSE",
    "PROHIBITED_BASIS_INFLUENTIAL",
    "SPECIAL_CATEGORY_INFLUENTIAL",
    "AGE_62_NEGATIVE",
    "NO_ADVERSE_CONTRIBUTION",
}
OF_LATER_WORK = {"REVIEW_PENDING", "UNPRINTABLE_TEXT"}  # decided by the review and by the renderer


def column(
    name: str,
    relevance: float,
    family: str | None = None,
    protected: Literal["no", "prohibited", "special", "age"] = "no",
    **changes: Any,
) -> ColumnContribution:
    return ColumnContribution(
        column=name,
        label=name.title(),
        family=family or name,
        relevance=relevance,
        value=1.0,
        display="1",
        reference_display="2",
        protected=protected,
        **changes,
    )


def case(*columns: ColumnContribution, decision: dict[str, Any] | None = None, **changes: Any) -> Case:
    """A denial by the score with nothing missing."""
    facts: dict[str, Any] = {
        "id": "1",
        "applicant": "a1",
        "product": "Loan",
        "dates": Dates(decision=DECIDED, notice=DECIDED, notice_due=DECIDED + dt.timedelta(30)),
    }
    whole = Case(
        decision=DecisionFacts(**(facts | (decision or {}))),
        model=ModelFacts(
            kind="network",
            name="M",
            version="1",
            file_sha256="aa",
            weights_sha256="bb",
            preprocessing_sha256=None,
            classes=("approved", "denied"),
            adverse="denied",
        ),
        outcome=outcome(),
        reference=reference(),
        contributions=columns or tuple(column(name, 5.0 - i) for i, name in enumerate(WORDS)),
        faithfulness=Faithfulness(stated=2.0, random=0.5),
        addressee=Addressee(name="A. Person", address=("2 Side Street",)),
    )
    return replace(whole, **changes)


def outcome(**changes: Any) -> Outcome:
    whole = Outcome(
        adverse=True,
        margin=1.0,
        cutoff_margin=0.0,
        score=0.73,
        cutoff=0.5,
        cutoff_on="probability",
        estimator_score=0.73,
    )
    return whole.model_copy(update=changes)


def reference(**changes: Any) -> ReferenceFacts:
    whole = ReferenceFacts(
        name="near_cutoff",
        representation="members",
        population=200,
        members=64,
        seed=0,
        date=DECIDED - dt.timedelta(30),
        sha256="cc",
        mean_margin=-0.2,
    )
    return whole.model_copy(update=changes)


def config(**changes: Any) -> AuditConfig:
    """Settings with everything a letter needs."""
    sections: dict[str, Any] = {
        "model": ModelSection(file="m.skops", version="1"),
        "columns": {name: ColumnSection() for name in WORDS},
        "families": {name: FamilySection(text={"en": text}) for name, text in WORDS.items()},
        "approval": ApprovalSection(by="Counsel", on=dt.date(2026, 1, 1), version="1"),
        "institution": InstitutionSection(**CONTACT, agency="ftc"),
    }
    return AuditConfig(**(sections | changes))


def states(judgement: Judgement) -> list[str]:
    return [refusal.state for refusal in judgement.refusals]


REPORT_USED = BureauFacts(
    report_used=True, score=640, score_date=DECIDED, key_factors=("Proportion of balances", "Length of accounts")
)
WITH_BUREAU = {
    "consumer_reporting_agency": ContactSection(**CONTACT),
    "credit_score": CreditScoreSection(source="Bureau", low=300, high=850),
}
ROUTED = {
    "decided_by": "human",
    "decided_reasons": ("Unable to verify income",),
    "recorded": Recorded(outcome="denied"),
}


def test_a_complete_denial_is_refused_by_nothing() -> None:
    judgement = judge(case(), config())
    assert judgement.refusals == ()
    assert [reason.text for reason in judgement.reasons] == list(WORDS.values())[:4]
    assert judgement.reasons[0].text_key == "families.income.text.en"
    assert judge(case(decision={"bureau": REPORT_USED}), config(**WITH_BUREAU)).refusals == ()


# (state, rule, what differs from a complete denial, words and numbers its evidence must hold, its next step)
REACHED: list[tuple[str, str, Case, AuditConfig, tuple[str, ...], str]] = [
    (
        "DECIDED_BY_RULE", "RS-05", case(decision={"decided_by": "rule", "recorded": Recorded(outcome="denied")}),
        config(), ("no reasons were supplied",), "facts.decided_reasons",
    ),
    (
        "DECIDED_BY_HUMAN", "RS-04", case(decision={"decided_by": "human", "recorded": Recorded(outcome="denied")}),
        config(), ("no reasons were supplied",), "facts.decided_reasons",
    ),
    (
        "DECIDED_BY_HUMAN", "RS-04", case(decision=ROUTED | {"decided_reasons": ("Contrary to our policy",)}),
        config(), ("'our policy'", "1002.9(b)(2)"), "specific factors",
    ),
    (
        "DECIDED_BY_HUMAN", "RS-04", case(decision=ROUTED | {"recorded": Recorded(outcome="Deny!")}),
        config(), ("'Deny!' is not a known label",), "decision.recorded_adverse",
    ),
    (
        "INVALID_INPUT", "G-02", case(outcome=None, problem="column 'income': not a number"),
        config(), ("column 'income': not a number",), "Correct the value",
    ),
    (
        "INVALID_INPUT", "G-02", case(decision={"bureau": REPORT_USED.model_copy(update={"score": 900})}),
        config(**WITH_BUREAU), ("900", "300 to 850"), "range",
    ),
    (
        "INVALID_INPUT", "G-02", case(decision={"bureau": REPORT_USED.model_copy(update={"report_used": False})}),
        config(**WITH_BUREAU), ("no consumer report",), "Correct",
    ),
    (
        "DECISION_NOT_REPRODUCED", "G-01", case(decision={"recorded": Recorded(outcome="approved", score=0.41)}),
        config(), ("'approved'", "computed adverse", "0.41", "0.73"), "checks.score_tolerance",
    ),
    (
        "DECISION_NOT_REPRODUCED", "G-01", case(decision={"recorded": Recorded(outcome="Declined")}),
        config(), ("'Declined' (not a known label)",), "decision.recorded_adverse",
    ),
    (
        "DECISION_NOT_REPRODUCED", "G-01", case(decision={"recorded": Recorded(model_version="0.9")}),
        config(), ("recorded '0.9', explained '1'",), "Explain the model version",
    ),
    (
        "NOT_ADVERSE", "2.1", case(outcome=outcome(adverse=False, score=0.4)),
        config(), ("0.4", "0.5"), "No adverse action",
    ),
    (
        "NOT_ADVERSE", "2.1", case(decision=ROUTED | {"recorded": Recorded(outcome="approved")}),
        config(), ("'approved'",), "No adverse action",
    ),
    (
        "PROHIBITED_BASIS_INFLUENTIAL", "G-04", case(column("income", 9.0), column("sex", 1.0, protected="prohibited")),
        config(), ("reason 2 would be 'Sex'", "10.0%", "limit 5.0%"), "Escalate",
    ),
    (
        "PROHIBITED_BASIS_INFLUENTIAL", "G-04", case(decision=ROUTED | {"decided_reasons": ("Marital status",)}),
        config(), ("'Marital status'",), "Escalate",
    ),
    (
        "PROHIBITED_BASIS_INFLUENTIAL", "RS-12", case(column("age", 1.0, protected="age"), decision={"age": 30.0}),
        config(), ("reason 1 would be 'Age'",), "Counsel",
    ),
    (
        "SPECIAL_CATEGORY_INFLUENTIAL", "G-04", case(column("union", 1.0, protected="special")),
        config(), ("reason 1 would be 'Union'", "100.0%"), "Escalate",
    ),
    (
        "AGE_62_NEGATIVE", "RS-12",
        case(column("income", 9.0), column("age", 1e-6, protected="age"), decision={"age": 62.0}),
        config(), ("'age' +1e−06", "age is 62"), "Escalate",
    ),
    (
        "AGE_62_NEGATIVE", "RS-12", case(column("income", 9.0), column("age", 1e-6, protected="age")),
        config(), ("Age counts against", "not known"), "facts.age",
    ),
    (
        "NO_ADVERSE_CONTRIBUTION", "RS-08", case(column("income", -1.0), column("debt", 0.0)),
        config(), ("None of 2 families", "+0"), "reference.population",
    ),
    (
        "UNFAITHFUL_EXPLANATION", "RS-02", case(faithfulness=Faithfulness(stated=0.4, random=0.5)),
        config(), ("0.4", "0.5"), "reference.members",
    ),
    ("UNFAITHFUL_EXPLANATION", "RS-02", case(faithfulness=None), config(), ("not measured",), "reference.members"),
    (
        "UNFAITHFUL_EXPLANATION", "RS-02", case(faithfulness=None, reference=reference(members=0)),
        config(checks=ChecksSection(level="none")), ("not measured",), "checks.level",
    ),
    (
        "CONTRADICTORY_REASONS", "2.6", case(),
        config(families={name: FamilySection(text={"en": "Length of time"}) for name in WORDS}),
        ("'Length of time' and 'Length of time'",), "one family",
    ),
    (
        "UNMAPPED_PRINCIPAL_REASON", "RS-10", case(), config(families={}),
        ("reason 1 'Income' (families.income.text.en) has no statement", "reason 4"), "approve the statement",
    ),
    (
        "UNMAPPED_PRINCIPAL_REASON", "RS-10", case(column("x_1", 1.0)),
        config(families={"x_1": FamilySection(text={"en": "Value of X_1"})}),
        ("holds the column name 'x_1'",), "approve the statement",
    ),
    (
        "UNMAPPED_PRINCIPAL_REASON", "RS-10", case(column("x", 1.0)),
        config(families={"x": FamilySection(text={"en": "Score too low"})}),
        ("'Score too low'",), "approve the statement",
    ),
    ("REFERENCE_MISSING_OR_STALE", "RS-07", case(reference=None), config(), ("no population",), "reference.population"),
    (
        "REFERENCE_MISSING_OR_STALE", "RS-06", case(reference=reference(name="zero", members=0)),
        config(), ("no population",), "near_cutoff",
    ),
    (
        "REFERENCE_MISSING_OR_STALE", "G-07", case(reference=reference(population=49)),
        config(), ("49 people", "50"), "reference.data",
    ),
    (
        "REFERENCE_MISSING_OR_STALE", "RS-07", case(reference=reference(date=None)),
        config(), ("date", "is not known",), "reference.date",
    ),
    (
        "REFERENCE_MISSING_OR_STALE", "RS-07", case(reference=reference(date=DECIDED - dt.timedelta(366))),
        config(), ("366 days older", "limit 365"), "newer data",
    ),
    (
        "PROVENANCE_INCOMPLETE", "G-08",
        case(model=case().model.model_copy(update={"file_sha256": None, "version": None})),
        config(), ("model version", "hash of the model file"), "model.version",
    ),
    (
        "PROVENANCE_INCOMPLETE", "G-08", case(decision={"dates": Dates(), "product": None}, addressee=Addressee()),
        config(), ("decision date", "notice date", "applicant's name", "applicant's address", "product"), "--as-of",
    ),
    (
        "PROVENANCE_INCOMPLETE", "G-08", case(decision={"bureau": BureauFacts(report_used=True, score=640)}),
        config(**WITH_BUREAU), ("date of the credit score", "key factors"), "facts.bureau_key_factors",
    ),
    (
        "PROVENANCE_INCOMPLETE", "G-08", case(decision=ROUTED | {"recorded": Recorded()}),
        config(), ("recorded outcome",), "facts.outcome",
    ),
    ("MISSING_LEGAL_TEXT", "G-11", case(), config(approval=None), ("[approval]",), "audit.toml"),
    (
        "MISSING_LEGAL_TEXT", "G-11", case(),
        config(approval=ApprovalSection(by="C", on=DECIDED, version="1", texts_version="2020-01")),
        ("legal texts 2026-11", "2020-01"), "audit.toml",
    ),
    ("MISSING_LEGAL_TEXT", "US-03", case(), config(institution=None), ("[institution]", "[agency]"), "audit.toml"),
    (
        "MISSING_LEGAL_TEXT", "US-05", case(), config(institution=InstitutionSection(**CONTACT, agency="tfc")),
        ("'tfc'", "ftc"), "audit.toml",
    ),
    (
        "MISSING_LEGAL_TEXT", "US-08", case(decision={"bureau": REPORT_USED}), config(),
        ("[consumer_reporting_agency]", "[credit_score]"), "audit.toml",
    ),
    (
        "MISSING_LEGAL_TEXT", "US-08", case(decision={"bureau": REPORT_USED}),
        config(**WITH_BUREAU | {"consumer_reporting_agency": ContactSection(name="B", address=("x",))}),
        ("consumer_reporting_agency.telephone",), "audit.toml",
    ),
]  # fmt: skip


@pytest.mark.rule("G-01", "G-02", "G-04", "G-07", "G-08", "G-11")
@pytest.mark.rule("RS-02", "RS-04", "RS-05", "RS-06", "RS-07", "RS-08", "RS-10", "RS-12")
@pytest.mark.rule("US-03", "US-05", "US-08")
@pytest.mark.parametrize(
    ("state", "rule", "judged", "by", "evidence", "step"),
    REACHED,
    ids=[f"{i}-{row[0]}" for i, row in enumerate(REACHED)],
)
def test_every_state_is_reached_and_names_rule_evidence_and_next_step(
    state: str, rule: str, judged: Case, by: AuditConfig, evidence: tuple[str, ...], step: str
) -> None:
    """What differs from a complete denial in one thing is refused in that state, once."""
    found = [refusal for refusal in judge(judged, by).refusals if refusal.state == state and rule in refusal.rule]
    assert len(found) == 1, judge(judged, by).refusals
    for words in evidence:
        assert words in found[0].evidence
    assert step in found[0].next_step
    if state not in WITHOUT_DRAFT:
        assert "letter --draft" in found[0].next_step


def test_every_state_of_the_record_is_tested_here() -> None:
    assert {row[0] for row in REACHED} == set(get_args(RefusalState)) - OF_LATER_WORK


def test_all_states_are_kept_in_one_order() -> None:
    """Routing, then what was decided, what may not be behind it, what the explanation carries, what is missing."""
    everything = case(
        column("sex", 3.0, protected="prohibited"),
        column("union", 2.0, protected="special"),
        column("age", 1.0, protected="age"),
        column("income", 1.0),
        column("x", 0.5),
        decision={"recorded": Recorded(score=0.1), "dates": Dates(), "age": 70.0},
        reference=reference(date=None),
        faithfulness=Faithfulness(0.0, 1.0),
    )
    expected = [
        "DECISION_NOT_REPRODUCED",
        "PROHIBITED_BASIS_INFLUENTIAL",
        "SPECIAL_CATEGORY_INFLUENTIAL",
        "AGE_62_NEGATIVE",
        "UNFAITHFUL_EXPLANATION",
        "UNMAPPED_PRINCIPAL_REASON",
        "REFERENCE_MISSING_OR_STALE",
        "PROVENANCE_INCOMPLETE",
        "MISSING_LEGAL_TEXT",
    ]
    by = config(approval=None, families={}, columns={})
    assert states(judge(everything, by)) == expected
    routed = judge(case(decision={"decided_by": "rule", "recorded": Recorded(outcome="denied")}, problem="x"), by)
    assert states(routed) == ["DECIDED_BY_RULE", "MISSING_LEGAL_TEXT"]


def test_each_state_is_asked_of_some_standing() -> None:
    assert all(asked for _, asked in STATES)
    assert len({find for find, _ in STATES}) == len(STATES)


# --- what does not refuse --------------------------------------------------------------------------------------------


def test_a_protected_share_below_the_limit_and_outside_the_reasons_passes() -> None:
    columns = [column(name, 1.0) for name in list(WORDS)[:4]]
    assert judge(case(*columns, column("sex", 0.2, protected="prohibited")), config()).refusals == ()
    at_limit = [column(name, 4.75) for name in list(WORDS)[:4]]
    refused = judge(case(*at_limit, column("sex", 1.0, protected="prohibited")), config())
    assert states(refused) == ["PROHIBITED_BASIS_INFLUENTIAL"]
    one, other = column("sex", 1.0, protected="prohibited"), column("race", -1.0, protected="prohibited")
    assert states(judge(case(*at_limit, one, other), config())) == ["PROHIBITED_BASIS_INFLUENTIAL"]


@pytest.mark.parametrize(
    "just",
    [
        case(faithfulness=Faithfulness(stated=0.5, random=0.5)),
        case(reference=reference(population=50)),
        case(reference=reference(date=DECIDED - dt.timedelta(365))),
        case(decision={"dates": Dates(decision=DECIDED, notice=DECIDED, notice_due=DECIDED)}),
        case(*(column(name, 1.0 + i) for i, name in enumerate(list(WORDS)[:2])), faithfulness=Faithfulness(0.0, 1.0)),
    ],
    ids=["as good as random", "50 people", "a year old", "on the day", "no other families"],
)
def test_what_just_meets_a_limit_passes(just: Case) -> None:
    judgement = judge(just, config())
    assert judgement.refusals == ()
    assert judgement.flags == ()


def test_a_family_that_nets_a_protected_column_away_does_not_hide_it() -> None:
    hidden = [column("sex", 2.0, "income", protected="prohibited"), column("wage", -3.0, "income"), column("debt", 4.0)]
    judgement = judge(case(*hidden), config())
    assert states(judgement) == ["PROHIBITED_BASIS_INFLUENTIAL"]
    assert "33.3%" in judgement.refusals[0].evidence


@pytest.mark.rule("RS-12")
@pytest.mark.parametrize(
    ("age", "relevance", "refused"), [(61.9, 0.1, False), (62.0, -0.1, False), (62.0, 0.1, True), (None, -0.1, False)]
)
def test_age_counts_against_nobody_of_62(age: float | None, relevance: float, refused: bool) -> None:
    columns = [column(name, 1.0) for name in list(WORDS)[:4]]
    judgement = judge(case(*columns, column("age", relevance, protected="age"), decision={"age": age}), config())
    assert ("AGE_62_NEGATIVE" in states(judgement)) is refused


def test_a_rounding_error_is_not_a_reason() -> None:
    judgement = judge(case(column("income", 1.0), column("age", 1e-16, protected="age")), config())
    assert judgement.refusals == ()
    assert [reason.family for reason in judgement.reasons] == ["income"]


@pytest.mark.parametrize(
    ("recorded", "classes", "adverse"),
    [("1.0", ("0", "1"), "1"), (" denied ", ("approved", "denied"), "denied"), ("above", (), "above")],
)
def test_recorded_outcomes_are_compared_as_labels(recorded: str, classes: tuple[str, ...], adverse: str) -> None:
    model = case().model.model_copy(update={"classes": classes, "adverse": adverse})
    assert judge(case(model=model, decision={"recorded": Recorded(outcome=recorded)}), config()).refusals == ()


def test_the_other_side_of_a_regressor_s_cutoff_is_a_known_outcome() -> None:
    model = case().model.model_copy(update={"classes": (), "adverse": "above"})
    refusal = judge(case(model=model, decision={"recorded": Recorded(outcome="below")}), config()).refusals[0]
    assert refusal.state == "DECISION_NOT_REPRODUCED"
    assert "not a known label" not in refusal.evidence


def test_named_outcome_labels_replace_the_class() -> None:
    by = config(decision=DecisionSection(recorded_adverse=("Declined", "Withdrawn by us")))
    assert judge(case(decision={"recorded": Recorded(outcome="Declined")}), by).refusals == ()
    assert states(judge(case(decision={"recorded": Recorded(outcome="denied")}), by)) == ["DECISION_NOT_REPRODUCED"]


@example(difference=0.0, allowed=0.0)
@given(difference=st.floats(0, 1e-2), allowed=st.none() | st.floats(0, 1e-2))
def test_scores_agree_within_the_tolerance_and_no_further(difference: float, allowed: float | None) -> None:
    score = 0.73 + difference
    by = config(checks=ChecksSection(score_tolerance=allowed))
    limit = 1e-9 if allowed is None else allowed
    refused = bool(judge(case(decision={"recorded": Recorded(score=score)}), by).refusals)
    assert refused is (abs(score - 0.73) > limit)


@pytest.mark.rule("RS-04", "RS-05")
def test_a_rule_or_a_person_gives_its_own_reasons_and_the_model_none() -> None:
    judgement = judge(case(decision=ROUTED, reference=None, outcome=None, faithfulness=None), config())
    assert judgement.refusals == ()
    assert [(reason.text, reason.columns) for reason in judgement.reasons] == [("Unable to verify income", ())]
    assert judgement.ranking.covered is None
    assert any("own" in flag for flag in judgement.flags)


def test_supplied_reasons_may_not_be_column_names_either() -> None:
    judged = case(decision=ROUTED | {"decided_reasons": ("DTI_RATIO",)})
    assert states(judge(judged, config(columns={"dti_ratio": ColumnSection()}))) == ["DECIDED_BY_HUMAN"]
    assert judge(judged, config()).refusals == ()


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("RS-11")
@pytest.mark.parametrize("direction", ["low", "high", None])
def test_direction_words_are_printed_only_where_the_test_passed(direction: Literal["low", "high"] | None) -> None:
    directed = FamilySection(
        text={"en": "Length of work"}, text_low={"en": "Work too short"}, text_high={"en": "Work too long"}
    )
    judged = case(column("job", 1.0), directions={} if direction is None else {"job": direction})
    reason = judge(judged, config(families={"job": directed})).reasons[0]
    assert reason.text == {"low": "Work too short", "high": "Work too long", None: "Length of work"}[direction]
    assert reason.direction == direction
    neutral = judge(judged, config(families={"job": FamilySection(text={"en": "Length of work"})})).reasons[0]
    assert (neutral.text, neutral.direction) == ("Length of work", None)


@pytest.mark.rule("G-04")
def test_a_protected_family_is_no_reason_even_with_wording() -> None:
    by = config(
        families={"sex": FamilySection(text={"en": "Personal circumstances"})}, columns={"sex": ColumnSection()}
    )
    for settings_of_it in (by, config()):
        judgement = judge(case(column("sex", 1.0, protected="prohibited")), settings_of_it)
        assert judgement.reasons == ()
        assert states(judgement) == ["PROHIBITED_BASIS_INFLUENTIAL"]


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("Too few accounts", "Too many accounts", True),
        ("Length of employment", "length of  employment.", True),
        ("Insufficient income", "Excessive income", True),
        ("Too few accounts", "Too many inquiries", False),
        ("Length of employment", "Length of residence", False),
        ("Fewer accounts", "Many accounts", False),
    ],
)
def test_opposites_and_repetitions_contradict(first: str, second: str, clash: bool) -> None:
    english = phrasebook.load("en")
    assert bool(contradictions([first, "Bankruptcy", second], english)) is clash
    assert bool(contradictions([second, first], english)) is clash  # whichever comes first


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("PAY_0", True),
        ("DTI", True),
        ("annualIncome", True),
        ("x1", True),
        ("income", False),
        ("Monthly income", False),
        ("1", False),
    ],
)
def test_column_names_made_for_machines_are_no_words(name: str, raw: bool) -> None:
    assert (fault(f"Value of {name} in 1 year", [name], phrasebook.load("en")) is not None) is raw


# --- families and ranking --------------------------------------------------------------------------------------------

FINITE = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
COLUMNS = st.lists(st.tuples(FINITE, st.sampled_from("abcde")), min_size=1, max_size=12)


def columns_of(drawn: list[tuple[float, str]]) -> list[ColumnContribution]:
    return [column(f"c{i:02}", relevance, family) for i, (relevance, family) in enumerate(drawn)]


@pytest.mark.rule("RS-08", "RS-09")
@given(drawn=COLUMNS, data=st.data())
def test_families_are_exact_sums_in_one_order_whatever_the_order_of_columns(
    drawn: list[tuple[float, str]], data: st.DataObject
) -> None:
    columns = columns_of(drawn)
    families = group(columns)
    assert families == group(data.draw(st.permutations(columns)))
    assert {item.family for item in families} == {family for _, family in drawn}
    for item in families:
        assert item.relevance == math.fsum(value for value, family in drawn if family == item.family)
    assert all((-a.relevance, a.family) < (-b.relevance, b.family) for a, b in pairwise(families))
    size = {item.column: abs(item.relevance) for item in columns}
    for item in families:
        assert list(item.columns) == sorted(item.columns, key=lambda name: (-size[name], name))
    assert sorted(name for item in families for name in item.columns) == [item.column for item in columns]


@pytest.mark.rule("RS-01", "RS-03")
@given(drawn=COLUMNS, most=st.integers(1, 6))
def test_stated_families_count_against_and_none_left_out_counts_more(drawn: list[tuple[float, str]], most: int) -> None:
    families = group(columns_of(drawn))
    chosen = stated(families, most)
    left = [item.relevance for item in families if item not in chosen]
    assert len(chosen) <= most
    assert all(item.relevance > 0 for item in chosen)
    if len(chosen) < most:
        assert all(value <= 1e-9 * abs(families[0].relevance) or value <= 0 for value in left)
    elif left:
        assert max(left) <= min(item.relevance for item in chosen)


@pytest.mark.rule("RS-09")
@given(drawn=COLUMNS)
def test_ranking_records_gap_and_coverage(drawn: list[tuple[float, str]]) -> None:
    judged = case(*columns_of(drawn))
    judgement = judge(judged, config())
    families = group(judged.contributions)
    ranking = judgement.ranking
    against = [item.relevance for item in families if item.relevance > 1e-12 * max(abs(f.relevance) for f in families)]
    if not against:
        assert ranking.covered is None
        return
    assert ranking.covered == pytest.approx(sum(against[:4]) / sum(against))
    assert (ranking.next_family is not None) is (len(against) > 4)
    if ranking.next_family is not None:
        assert ranking.gap == against[3] - against[4]
        assert ranking.near_tie is (ranking.gap <= ChecksSection().near_tie * against[3])
        assert any("Near-tie" in flag for flag in judgement.flags) is ranking.near_tie


@pytest.mark.rule("RS-09")
def test_what_is_left_out_is_named_with_its_gap_and_what_the_stated_reasons_cover() -> None:
    by = config(documents=DocumentsSection(max_reasons=2))
    judgement = judge(case(column("a", 8.0), column("b", 4.0), column("c", 3.0), column("d", 1.0)), by)
    ranking = judgement.ranking
    assert (ranking.next_family, ranking.gap, ranking.covered) == ("c", 1.0, 0.75)
    assert not ranking.near_tie
    assert [(reason.rank, reason.family, reason.relevance) for reason in judgement.reasons] == [
        (1, "a", 8.0),
        (2, "b", 4.0),
    ]


@pytest.mark.parametrize(
    ("outcome", "second"), [("exchanged", "job"), ("kept", "debt"), ("tied", "debt")], ids=["exchanged", "kept", "tied"]
)
def test_the_last_reason_gives_way_where_sampling_says_so(
    outcome: Literal["exchanged", "kept", "tied"], second: str
) -> None:
    sampled = TieBreak(first="debt", second="job", difference=-0.1, standard_error=0.01, draws=64, outcome=outcome)
    columns = column("car", 4.0), column("income", 3.0), column("debt", 1.01), column("job", 1.0), column("home", 0.5)
    judgement = judge(case(*columns, tie=sampled), config(documents=DocumentsSection(max_reasons=3)))
    assert [reason.family for reason in judgement.reasons] == ["car", "income", second]
    assert judgement.ranking.sampled == sampled
    said = {"exchanged": "puts 'Job' before 'Debt'", "tied": "could not tell 'Debt' from 'Job'"}
    flags = [flag for flag in judgement.flags if "Shapley sampling" in flag]
    assert len(flags) == (outcome in said)
    assert all(said[outcome] in flag and "0.1," in flag and "0.01" in flag for flag in flags)


def test_a_near_tie_is_a_share_of_the_larger_of_the_two() -> None:
    by = config(checks=ChecksSection(near_tie=0.5), documents=DocumentsSection(max_reasons=1))
    for scale in (1e-3, 1.0, 1e3):
        assert judge(case(column("income", scale), column("debt", 0.6 * scale)), by).ranking.near_tie
        assert not judge(case(column("income", scale), column("debt", 0.4 * scale)), by).ranking.near_tie


def test_a_reason_carries_the_lender_s_own_code_and_supplied_ones_are_no_family() -> None:
    income = FamilySection(text={"en": "Income"}, code="07")
    coded = config(families={**config().families, "income": income})
    codes = {
        reason.family: reason.code for reason in judge(case(column("income", 2.0), column("debt", 1.0)), coded).reasons
    }
    assert codes == {"income": "07", "debt": None}
    supplied = judge(case(decision=ROUTED | {"decided_reasons": ("Income", "Savings")}), config()).reasons
    assert [(reason.rank, reason.family, reason.relevance) for reason in supplied] == [(1, "", 0.0), (2, "", 0.0)]


def test_a_flag_calls_families_by_their_names_for_reviewers() -> None:
    by = config(documents=DocumentsSection(max_reasons=1), families={
        "income": FamilySection(label="What comes in", text={"en": "Income"}),
        "debt": FamilySection(label="What is owed", text={"en": "Debt"}),
    })  # fmt: skip
    tied = judge(case(column("income", 1.0), column("debt", 0.999)), by)
    (flag,) = (flag for flag in tied.flags if "Near-tie" in flag)
    assert "'What comes in' is 0.001 ahead of 'What is owed'" in flag


def test_a_gap_at_the_limit_is_a_near_tie() -> None:
    by = config(checks=ChecksSection(near_tie=0.5), documents=DocumentsSection(max_reasons=1))
    assert judge(case(column("income", 1.0), column("debt", 0.5)), by).ranking.near_tie
    assert not judge(case(column("income", 1.0), column("debt", 0.499)), by).ranking.near_tie


def test_ties_are_flagged_and_ordered_by_name() -> None:
    judgement = judge(case(column("debt", 1.0), column("home", 1.0), column("income", 2.0)), config())
    assert [reason.family for reason in judgement.reasons] == ["income", "debt", "home"]
    assert [flag for flag in judgement.flags if flag.startswith("Tie")] == [
        "Tie: 'Debt' and 'Home' count the same and are ordered by name (RS-09)."
    ]


@settings(max_examples=30)
@given(data=st.data())
def test_a_judgement_depends_on_nothing_but_the_case(data: st.DataObject) -> None:
    columns = [
        column(name, value)
        for name, value in zip(WORDS, data.draw(st.lists(FINITE, min_size=5, max_size=5)), strict=True)
    ]
    first = judge(case(*columns), config())
    assert judge(case(*data.draw(st.permutations(columns))), config()) == first


def test_flags_tell_what_a_reviewer_should_see() -> None:
    late = Dates(decision=DECIDED, notice=DECIDED + dt.timedelta(40), notice_due=DECIDED + dt.timedelta(30))
    judgement = judge(
        case(
            *(column(name, 1.0, source="credit report") for name in WORDS),
            column("sex", -2.0, protected="prohibited"),
            decision={"dates": late, "bureau": BureauFacts(key_factors=tuple("abcde"))},
            outcome=outcome(near_cutoff=True),
        ),
        config(
            approval=ApprovalSection(by="C", on=DECIDED + dt.timedelta(50), version="1"),
        ),
    )
    assert judgement.refusals == ()
    for words in (
        "Near-tie",
        "nearer to the cutoff",
        "Late: the notice of November 10, 2026 was due on October 31, 2026 (",
        "approved on November 20, 2026, after the notice date November 10, 2026.",
        "in the applicant's favour",
        "5 key factors",
        "US-08",
    ):
        assert any(words in flag for flag in judgement.flags), words
    assert judge(case(*(column(name, float(i)) for i, name in enumerate(WORDS, start=1))), config()).flags == ()


@pytest.mark.parametrize(("age", "flagged"), [(1.0, True), (0.99, False), (0.0, False)])
def test_age_is_flagged_from_its_share_of_what_counts_against(age: float, flagged: bool) -> None:
    by = config(checks=ChecksSection(protected_share=0.2))
    flags = judge(case(column("income", 4.0), column("age", age, protected="age")), by).flags
    sentence = "Age holds 20.0% of what counts against the applicant (RS-12)."
    assert [flag for flag in flags if "Age" in flag] == ([sentence] if flagged else [])


@pytest.mark.parametrize(("favour", "flagged"), [(-2.0, True), (-1.9, False), (0.0, False), (2.0, False)])
def test_protected_columns_in_favour_are_flagged_from_their_share_of_all(favour: float, flagged: bool) -> None:
    by = config(checks=ChecksSection(protected_share=0.2))
    flags = judge(case(column("income", 8.0), column("sex", favour, protected="prohibited")), by).flags
    sentence = "The protected column 'sex' counts in the applicant's favour, with 20.0% of all."
    assert [flag for flag in flags if "favour" in flag] == ([sentence] if flagged else [])


@pytest.mark.parametrize(
    ("source", "used", "flagged"),
    [
        ("Credit Bureau", False, True),
        ("consumer report", False, True),
        ("application", False, False),
        ("bureau", True, False),
    ],
)
def test_reasons_from_a_report_that_nobody_recorded_are_flagged(source: str, used: bool, flagged: bool) -> None:
    judged = case(
        column("income", 8.0, source=source),
        column("debt", -1.0, source=source),  # no reason, so nothing is said of it
        decision={"bureau": REPORT_USED if used else BureauFacts()},
    )
    flags = [flag for flag in judge(judged, config(**WITH_BUREAU)).flags if "US-08" in flag]
    sentence = f"'income' comes from '{source}'; no consumer report is recorded as used (US-08)."
    assert flags == ([sentence] if flagged else [])


@pytest.mark.parametrize(("supplied", "flagged"), [(4, False), (5, True)])
def test_more_supplied_reasons_than_a_letter_states_are_flagged(supplied: int, flagged: bool) -> None:
    reasons = tuple(f"Reason of kind {letter}" for letter in "abcde"[:supplied])
    flags = judge(case(decision=ROUTED | {"decided_reasons": reasons}), config()).flags
    sentence = "5 reasons were supplied; more than four are unlikely to help (RS-01)."
    assert [flag for flag in flags if "RS-01" in flag] == ([sentence] if flagged else [])


@pytest.mark.parametrize("factors", [4, 5])
def test_more_key_factors_than_a_notice_states_are_flagged(factors: int) -> None:
    bureau = BureauFacts(key_factors=tuple("abcde"[:factors]))
    flags = judge(case(decision={"bureau": bureau}), config()).flags
    sentence = "5 key factors of the credit score were supplied; a notice states four (US-09)."
    assert [flag for flag in flags if "US-09" in flag] == ([sentence] if factors == 5 else [])


@pytest.mark.parametrize("by", ["rule", "human"])
def test_flags_say_who_decided_and_what_the_model_could_not_have_done(by: Literal["rule", "human"]) -> None:
    decided = case(decision=ROUTED | {"decided_by": by}, outcome=None, problem="no income")
    who = {"rule": "a rule: the reasons are that rule's", "human": "a person: the reasons are that person's"}[by]
    assert judge(decided, config()).flags[:2] == (
        f"Decided by {who} own (RS-04).",
        "The model could not have scored this row (no income); it did not decide.",
    )


def flagged() -> list[tuple[Case, dict[str, Any]]]:
    """Cases and settings that together lead to every flag."""
    late = Dates(decision=DECIDED, notice=DECIDED + dt.timedelta(40), notice_due=DECIDED + dt.timedelta(30))
    tied = TieBreak(first="debt", second="job", difference=-0.1, standard_error=0.01, draws=64, outcome="tied")
    two = column("debt", 1.01), column("job", 1.0)
    supplied = ROUTED | {"decided_reasons": tuple(f"Reason of kind {letter}" for letter in "abcde")}
    seen = case(
        *(column(name, 1.0, source="credit report") for name in WORDS),
        column("sex", -2.0, protected="prohibited"),
        column("age", 2.0, protected="age"),
        decision={"dates": late, "bureau": BureauFacts(key_factors=tuple("abcde"))},
        outcome=outcome(near_cutoff=True),
    )
    one = {"max_reasons": 1}
    return [
        (seen, {}),
        (case(*two), one),
        (case(*two, tie=tied), one),
        (case(*two, tie=tied.model_copy(update={"outcome": "exchanged"})), one),
        (case(decision=supplied, outcome=None, problem="?"), {}),
        (case(decision=supplied | {"decided_by": "rule"}), {}),
    ]


@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_every_flag_is_said_in_the_reviewers_language(language: str) -> None:
    approval = ApprovalSection(by="C", on=DECIDED + dt.timedelta(50), version="1")
    said: dict[str, list[str]] = {}
    for spoken in ("en", language):
        said[spoken] = []
        for judged, documents in flagged():
            section = DocumentsSection(audit_language=spoken, **documents)
            said[spoken] += judge(judged, config(documents=section, approval=approval)).flags
    assert len(said["en"]) == len(said[language]) >= 16
    assert not {*said["en"]} & {*said[language]}


def test_families_in_favour_are_those_below_zero_by_more_than_rounding_most_favourable_first() -> None:
    families = group([column("a", -1.0), column("b", -3.0), column("c", 2.0), column("d", -1e-13)])
    assert [item.family for item in in_favour(families)] == ["b", "a"]
    assert [item.family for item in against(families)] == ["c"]


@pytest.mark.parametrize("known", [None, [], ["income"]], ids=["not known", "none", "one"])
def test_columns_known_to_come_from_a_report_are_the_ones_asked(known: list[str] | None) -> None:
    columns = column("income", 3.0, source="bureau"), column("debt", 2.0, source="bureau")
    reported = None if known is None else [item for item in columns if item.column in known]
    flags = judge(case(*columns, reported=reported), config(**WITH_BUREAU)).flags
    expected = ["income", "debt"] if known is None else known
    assert [flag.split("'")[1] for flag in flags if "US-08" in flag] == expected


@pytest.mark.parametrize("days", [0, 1])
def test_texts_approved_after_the_notice_are_flagged_and_on_its_day_not(days: int) -> None:
    approval = ApprovalSection(by="Counsel", on=DECIDED + dt.timedelta(days), version="1")
    flags = judge(case(), config(approval=approval)).flags
    assert any("approved on" in flag and "after the notice date" in flag for flag in flags) is (days == 1)


def test_no_personal_data_enters_a_judgement() -> None:
    judged = case(decision={"recorded": Recorded(outcome="approved")}, addressee=Addressee(name="Zyxw Vutsr"))
    judgement = judge(judged, config(approval=None))
    assert "PROVENANCE_INCOMPLETE" in states(judgement)
    assert "Zyxw" not in repr(judgement)
