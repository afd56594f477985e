"""Verified variations of decisions over a table: every one is run again here, by the user's own model."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

from lrp_audit.checks.plausible import plausible
from lrp_audit.checks.variations import Searcher
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.session import Session, adapted, decision_model, new_session
from lrp_audit.errors import ConfigError
from lrp_audit.language.messages import ENGLISH
from lrp_audit.records.record import Check, Outcome, Record, Variation, canonical
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ColumnSection
from lrp_audit.settings.variations_config import VariationsSection

NUMBERS = ("income", "debt", "savings", "term", "tenure", "age")
COLUMNS = (*NUMBERS, "housing")
MUTABLE: dict[str, dict[str, Any]] = {
    "income": {"mutable": True, "label": "Yearly income", "unit": "$"},
    "debt": {"mutable": True, "vary": "down", "decimals": 2},
    "savings": {"mutable": True},
    "term": {"mutable": True, "unit": "months"},
    "tenure": {"mutable": False},
    "age": {"mutable": True, "protected": "age"},
    "housing": {"mutable": True, "values": {"rent": "rents", "own": "owns", "family": "lives with family"}},
}


def people(count: int, seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    savings = generator.lognormal(8, 1, count)
    return pd.DataFrame({
        "income": generator.lognormal(10.6, 0.5, count).round(-1).astype(int),
        "debt": generator.uniform(0, 1, count).round(3),
        "savings": np.where(generator.uniform(size=count) < 0.1, np.nan, savings.round()),
        "term": generator.choice([12, 24, 36, 48, 60], count),
        "tenure": generator.integers(0, 240, count),
        "age": generator.integers(18, 75, count),
        "housing": generator.choice(["rent", "own", "family"], count, p=[0.5, 0.4, 0.1]).astype(object),
    })  # fmt: skip


def config(columns: dict[str, Any] | None = None, **sections: Any) -> AuditConfig:
    return AuditConfig.model_validate({
        "model": {"file": "model.skops"},
        "decision": {"adverse": "denied", "cutoff": 0.4},
        "facts": {"id": "id"},
        "columns": MUTABLE if columns is None else columns,
        **sections,
    })  # fmt: skip


@dataclass(frozen=True)
class Lender:
    """A model that somebody trained, its applicants, and what it says on its own path."""

    model: Any
    population: pd.DataFrame
    applicants: pd.DataFrame

    def session(self, settings: AuditConfig) -> Session:
        return new_session(
            settings, decision_model(settings, adapted(settings, self.model), self.population), bytes(32)
        )

    def denied(self, row: pd.DataFrame) -> np.ndarray:
        return self.model.predict_proba(row)[:, 1] >= 0.4


@pytest.fixture(scope="module")
def lender() -> Lender:
    """An MLP behind a pipeline with an imputer and a one-hot encoder, trained on a rule with an interaction."""
    population = people(1500, 0)
    needs = 2.5 * population.debt - population.income / 40_000 - population.savings.fillna(0) / 9000
    needs += (population.housing == "rent") * (population.term > 30) * 0.8 + (population.age > 50) * 0.4
    outcome = np.where(needs > np.quantile(needs, 0.6), "denied", "approved")
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    prepare = ColumnTransformer([("n", numbers, list(NUMBERS)), ("c", OneHotEncoder(), ["housing"])])
    network = MLPClassifier((24, 12), random_state=0, max_iter=60, early_stopping=True)
    return Lender(make_pipeline(prepare, network).fit(population, outcome), population, people(160, 1))


@pytest.fixture(scope="module")
def session(lender: Lender) -> Session:
    return lender.session(config())


def records(session: Session, applicants: pd.DataFrame) -> list[Record]:
    table = applicants.reset_index(drop=True).assign(id=[f"P-{row}" for row in range(len(applicants))])
    return [item.record for item in decide(session, table, notice=dt.date(2026, 11, 16))]


@pytest.fixture(scope="module")
def decided(session: Session, lender: Lender) -> list[Record]:
    return records(session, lender.applicants)


def changed(row: pd.DataFrame, variation: Variation) -> pd.DataFrame:
    return row.assign(**{change.column: [change.value] for change in variation.changes})


def found(decided: list[Record]) -> Iterator[tuple[int, Record, Variation]]:
    for position, record in enumerate(decided):
        for variation in record.variations.found if record.variations else ():
            yield position, record, variation


def check(record: Record) -> Check:
    return next(item for item in record.checks if item.id == "variations")


@pytest.mark.rule("EU-06")
@pytest.mark.rule("CA-10")
@pytest.mark.rule("G-06")
def test_every_variation_decides_otherwise_in_the_users_own_model(lender, decided):
    listed = list(found(decided))
    assert len(listed) > 50
    for position, record, variation in listed:
        row = lender.applicants.iloc[[position]]
        again = changed(row, variation)
        assert lender.denied(row).all()
        assert not lender.denied(again).any()
        assert lender.model.predict_proba(again)[0, 1] == pytest.approx(variation.score, abs=1e-9)
        assert variation.score < record.outcome.cutoff <= record.outcome.score


def test_refusals_are_searched_and_approvals_are_not(decided):
    assert {record.outcome.adverse for record in decided} == {True, False}
    assert all((record.variations is not None) == record.outcome.adverse for record in decided)
    for record in decided:
        performed = check(record)
        if record.outcome.adverse:
            assert performed.status == "performed"
            assert performed.measured == {"found": len(record.variations.found), "tried": record.variations.tried}
        else:
            assert performed.status == "not performed"


def test_only_mutable_columns_vary_and_protected_ones_never_do(decided):
    columns = {"income", "debt", "savings", "term", "housing"}
    assert {change.column for *_, variation in found(decided) for change in variation.changes} <= columns
    assert all(set(record.variations.columns) == columns for record in decided if record.variations)


def test_directions_limits_and_observed_values_hold(lender, decided):
    for position, _, variation in found(decided):
        row, population = lender.applicants.iloc[position], lender.population
        for change in variation.changes:
            if change.column == "debt":
                assert change.value < row.debt
            if change.column in {"term", "housing"}:
                assert change.value in set(population[change.column])
            else:
                low, high = population[change.column].quantile([0.01, 0.99])
                assert low <= change.value <= high
            assert change.value != row[change.column]


def test_changes_are_shown_as_people_read_them(lender, decided):
    for position, _, variation in found(decided):
        row = lender.applicants.iloc[position]
        for change in variation.changes:
            if change.column == "income":
                assert change.label == "Yearly income"
                assert change.display == f"${change.value:,}"
                assert change.from_display == f"${row.income:,}"
            if change.column == "housing":
                assert change.display in {"rents", "owns", "lives with family"}
            if pd.isna(row[change.column]):
                assert change.from_display == "not given"


def test_no_single_value_suffices_where_several_columns_change_and_none_smaller_where_one_does(lender, decided):
    """Every single value that the search may try, through the pipeline itself."""
    settings = config()
    for position, record in enumerate(decided[:80]):
        if record.variations is None:
            continue
        row = lender.applicants.iloc[[position]]
        tried = [
            (name, *option) for name in record.variations.columns for option in options(name, row, lender, settings)
        ]
        rows = pd.concat([row.assign(**{name: [value]}) for name, _, value in tried], ignore_index=True)
        sizes = {one[::2]: one[1] for one, denied in zip(tried, lender.denied(rows), strict=True) if not denied}
        kept = [variation for variation in record.variations.found if len(variation.changes) == 1]
        assert bool(sizes) == bool(kept)
        if kept:
            (change,) = kept[0].changes
            assert sizes[change.column, change.value] == min(sizes.values())


def options(name: str, row: pd.DataFrame, lender: Lender, settings: AuditConfig) -> list[tuple[float, Any]]:
    column = plausible(name, lender.population[name], settings.columns[name], listed=name == "housing")
    listed = zip(column.sizes(row[name].iloc[0]).tolist(), column.values, strict=True)
    return [(size, value) for size, value in listed if np.isfinite(size)]


@pytest.mark.rule("G-10")
def test_equal_runs_give_equal_variations_whatever_else_is_decided(session, lender, decided):
    rows = [position for position, *_ in found(decided)][::7]
    again = records(session, lender.applicants.iloc[rows])
    for position, record in zip(rows, again, strict=True):
        one, other = decided[position].variations, record.variations
        assert [item.changes for item in one.found] == [item.changes for item in other.found]
        assert one.tried == other.tried
        scores = [item.score for item in other.found]
        assert [item.score for item in one.found] == pytest.approx(scores, rel=1e-11)
    assert list(map(canonical, records(session, lender.applicants))) == list(map(canonical, decided))


@given(
    income=st.integers(5_000, 60_000),
    debt=st.floats(0.3, 1),
    savings=st.none() | st.floats(0, 4000),
    term=st.sampled_from([12, 24, 36, 48, 60, 72]),
    housing=st.sampled_from(["rent", "own", "family"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whoever_applies(session, lender, income, debt, savings, term, housing):
    row = lender.applicants.iloc[[0]].assign(
        income=income, debt=debt, savings=np.nan if savings is None else savings, term=term, housing=housing
    )
    (record,) = records(session, row)
    for variation in record.variations.found if record.variations else ():
        assert not lender.denied(changed(row, variation)).any()
        assert 1 <= len(variation.changes) <= 3


# --- models whose answer is known ----------------------------------------------------------------------------------


def network(layers: nn.Module, columns: tuple[str, ...], cutoff: float = 0.0, **sections: Any) -> AuditConfig:
    return config(
        columns={name: {"mutable": True} for name in columns},
        model={"file": "model.pt2", "columns": columns, "classes": ("approved", "denied")},
        decision={"adverse": "denied", "cutoff": cutoff, "cutoff_on": "margin"},
        reference={"population": "all_applicants"},
        **sections,
    )


def linear(*weights: float, bias: float) -> nn.Module:
    layer = nn.Linear(len(weights), 1).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([weights]))
        layer.bias.fill_(bias)
    return layer


def amounts(columns: tuple[str, ...], count: int = 400) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame({name: generator.uniform(0, 100, count).round(2) for name in columns})


def searched(model: nn.Module, settings: AuditConfig, population: pd.DataFrame, **applicant: float) -> Record:
    (record,) = records(Lender(model, population, population).session(settings), pd.DataFrame([applicant]))
    return record


def test_a_linear_model_gives_the_first_round_value_beyond_the_line():
    population = amounts(("a", "b"))
    model = linear(1.0, 0.5, bias=-60.0)  # denied where a + b / 2 >= 60
    record = searched(model, network(model, ("a", "b")), population, a=70.3, b=40.0)
    (variation,) = record.variations.found  # b cannot fall far enough
    assert [(change.column, change.value) for change in variation.changes] == [("a", 38.0)]  # a + 20 < 60; steps of 2
    assert variation.margin == pytest.approx(-2.0)
    record = searched(model, network(model, ("a", "b")), population, a=55.3, b=40.0)
    first, second = record.variations.found
    assert [(change.column, change.value) for change in first.changes] == [("a", 38.0)]
    assert [(change.column, change.value) for change in second.changes] == [
        ("b", 9.0)
    ]  # steps of 1 where amounts are small


def test_two_changes_where_one_cannot_suffice():
    population = amounts(("a", "b", "c"))
    model = linear(1.0, 1.0, 0.1, bias=-60.0)
    record = searched(model, network(model, ("a", "b", "c")), population, a=90.0, b=90.0, c=50.0)
    assert record.variations.found
    for variation in record.variations.found:
        assert {change.column for change in variation.changes} == {"a", "b"}
        assert sum(change.value for change in variation.changes) < 55 + 1e-9
        assert sum(change.value for change in variation.changes) > 55 - 2 * 2  # within the steps


def test_three_changes_and_no_more_than_allowed():
    population = amounts(("a", "b", "c"))
    model = linear(1.0, 1.0, 1.0, bias=-30.0)
    settings = network(model, ("a", "b", "c"))
    record = searched(model, settings, population, a=90.0, b=90.0, c=90.0)
    assert [len(variation.changes) for variation in record.variations.found] == [3]
    fewer = settings.model_copy(update={"variations": settings.variations.model_copy(update={"max_changes": 2})})
    record = searched(model, fewer, population, a=90.0, b=90.0, c=90.0)
    assert record.variations.found == ()
    assert record.variations.tried > 100
    assert record.variations.most_changes == 2
    assert check(record).measured["found"] == 0


class Steps(nn.Module):
    """A tree: denied unless `a` is below 30, or `b` is below 20 while `c` is above 70. Steep steps, flat between."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b, c = (torch.sigmoid(50 * (x[:, i] - edge)) for i, edge in enumerate((29.5, 19.5, 70.5)))
        return (a * (1 - (1 - b) * c) - 0.5).unsqueeze(1)


def test_a_tree_of_steps_is_crossed_just_beyond_its_edge():
    population, model = amounts(("a", "b", "c")), Steps().double()
    record = searched(model, network(model, ("a", "b", "c")), population, a=80.0, b=50.0, c=50.0)
    (variation,) = record.variations.found
    assert [(change.column, change.value) for change in variation.changes] == [("a", 28.0)]


def test_values_that_only_help_together_are_missed_unless_one_helps_alone():
    """What the search says of itself: on a plateau no single value lowers the margin, so no pair is tried."""
    population, model = amounts(("a", "b", "c")), Steps().double()
    columns = {"a": {"mutable": False}, "b": {"mutable": True}, "c": {"mutable": True}}
    settings = network(model, ("a", "b", "c")).model_copy(update={"columns": config(columns).columns})
    record = searched(model, settings, population, a=80.0, b=50.0, c=69.9)
    for variation in record.variations.found:
        values = {change.column: change.value for change in variation.changes}
        assert values["b"] < 19.5
        assert values.get("c", 69.9) > 70.5


def test_a_margin_at_the_cutoff_is_no_variation():
    """On the line an application is refused, and values that only reach it are none."""
    population, model = amounts(("a",)), linear(1.0, bias=-40.0)
    record = searched(model, network(model, ("a",)), population, a=80.0)
    (variation,) = record.variations.found
    assert [change.value for change in variation.changes] == [38.0]


# --- what is not searched ------------------------------------------------------------------------------------------


def test_without_a_mutable_column_nothing_is_tried_and_the_record_says_so(lender):
    for columns in ({}, {"income": {"label": "Income"}}, {"age": {"mutable": True, "protected": "age"}}):
        denied = [
            item for item in records(lender.session(config(columns)), lender.applicants.head(30)) if item.variations
        ]
        assert denied
        for record in denied:
            assert record.variations.found == record.variations.columns == ()
            assert record.variations.tried == 0
            assert check(record).status == "not performed"
            assert "no column is marked mutable" in check(record).statement


def test_a_search_that_is_off_is_recorded_as_not_performed(lender):
    off = lender.session(config(variations={"search": False}))
    for record in records(off, lender.applicants.head(10)):
        assert record.variations is None
        assert check(record).status == "not performed"


@pytest.mark.rule("G-06")
@pytest.mark.parametrize("answer", [{"adverse": True}, {"near_cutoff": True}], ids=["refused", "too near to tell"])
def test_what_the_whole_pipeline_does_not_confirm_is_dropped(answer):
    outcome = {"adverse": False, "margin": -1.0, "cutoff_margin": 0.0, "score": 0.3, "cutoff": 0.5}
    outcome |= {"cutoff_on": "probability", "estimator_score": 0.3}
    column = plausible("a", pd.Series(np.repeat([1.0, 2.0, 3.0], 50)), ColumnSection(mutable=True), listed=False)
    table = pd.DataFrame({"a": [1.0]})
    for said, kept in (({}, 1), (answer, 0)):
        asked = []

        def score(rows, owners, size, said=said, asked=asked):
            asked.append(rows.a.tolist())
            return [Outcome(**(outcome | said)) for _ in range(len(rows))]

        searcher = Searcher((column,), VariationsSection(), 0.0, score, budget=10, say=ENGLISH)
        found = searcher.search(table, [0], lambda row, choices: np.where(choices[:, 0] > 0, -1.0, 1.0))
        assert len(found[0].found) == kept
        assert found[0].tried == 2
        assert asked == [[2.0]]


def test_values_are_shown_in_the_language_of_the_letter(lender):
    german = lender.session(config(documents={"letter": "eu-letter", "language": "de"}))
    shown = {
        change.column: change.display
        for *_, variation in found(records(german, lender.applicants.head(60)))
        for change in variation.changes
    }
    assert "," in shown["debt"]
    assert re.fullmatch(r"\d+(\.\d{3})*\s\$", shown["income"])


def test_the_number_kept_is_a_setting(lender):
    one = lender.session(config(variations={"most": 1}))
    kept = [len(record.variations.found) for record in records(one, lender.applicants) if record.variations]
    assert max(kept) == 1


@pytest.mark.rule("G-07")
def test_too_small_a_population_shows_nothing(lender):
    zero = config(reference={"population": "zero"})
    few = Lender(lender.model, lender.population.head(40), lender.applicants)
    assert all(
        record.variations.tried == 0 for record in records(few.session(zero), few.applicants) if record.variations
    )


def test_a_limit_that_does_not_fit_is_named(lender):
    with pytest.raises(ConfigError, match=r"columns\.housing\.step"):
        lender.session(config({"housing": {"mutable": True, "step": 2}}))
