"""The proposed audit.toml is short, valid, approves nothing, and guesses only where names and values leave no doubt."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrp_audit import init
from lrp_audit.errors import ConfigError
from lrp_audit.guesses import FACT_NAMES, FAMILIES, adverse_class, fact_columns, family, protected_columns
from lrp_audit.language import texts
from lrp_audit.settings import config
from lrp_audit.settings.config import AuditConfig


@dataclass(frozen=True)
class Stand:
    """What `propose` looks at of a model."""

    columns: tuple[str, ...]
    classes: tuple[str, ...] = ("approved", "denied")


LENDER = Stand(("annual_income", "debt_to_income", "months_employed", "sex", "age", "utilization"))
TABLE = pd.DataFrame(
    {
        "application_id": [1, 2],
        "decision_date": ["2026-09-30", "2026-10-02"],
        "outcome": ["denied", "approved"],
        "score": [0.7, 0.2],
        **{column: [1.0, 2.0] for column in LENDER.columns},
        "age": [40, 63],
        "sex": ["f", "m"],
    }
)


def proposed(tmp_path: Path, model: Stand = LENDER, frame: pd.DataFrame = TABLE) -> tuple[str, AuditConfig]:
    text = init.propose(model, frame, "applications.csv", "models/m.skops")
    path = tmp_path / "audit.toml"
    path.write_text(text, encoding="utf-8", newline="\n")
    return text, config.load(path)


def test_names_and_values_become_settings(tmp_path: Path) -> None:
    text, made = proposed(tmp_path)
    assert made.model.file == "models/m.skops"
    assert (made.decision.adverse, made.decision.cutoff) == ("denied", 0.5)
    assert made.facts.model_dump(exclude_none=True) == {
        "id": "application_id",
        "decision_date": "decision_date",
        "age": "age",
        "outcome": "outcome",
        "score": "score",
    }
    assert made.reference.data == "applications.csv"
    assert {name: section.protected for name, section in made.columns.items() if section.protected != "no"} == {
        "sex": "prohibited",
        "age": "age",
    }
    assert {made.family_of(column): column for column in LENDER.columns} == {
        "income": "annual_income",
        "obligations": "debt_to_income",
        "employment": "months_employed",
        "sex": "sex",
        "age": "age",
        "utilization": "utilization",
    }
    assert '"utilization"' in text.split("No family suggested")[1].splitlines()[0]


def test_a_protected_input_is_warned_of_and_gets_no_wording(tmp_path: Path) -> None:
    text, made = proposed(tmp_path)
    warning = next(line for line in text.splitlines() if "WARNING" in line)
    assert '"sex"' in warning
    assert '"age"' in warning
    assert not {"sex", "age"} & {column for section in made.families.values() for column in section.columns}
    assert "WARNING" not in proposed(tmp_path, Stand(("annual_income",)))[0]


def test_nothing_is_approved_and_nobody_is_named(tmp_path: Path) -> None:
    made = proposed(tmp_path)[1]
    assert (made.approval, made.institution, made.agency, made.model.version) == (None, None, None, None)
    assert made.reference.date is None
    samples = {reason.text for reason in texts.load("en").reasons.values()}
    assert {text for section in made.families.values() for text in section.text.values()} <= samples


def test_comments_hold_every_key_a_letter_needs(tmp_path: Path) -> None:
    comments = [line[2:] for line in proposed(tmp_path)[0].splitlines() if line.startswith("# ")]
    for key in ("[approval]", "by", "on", "version", "[institution]", "name", "address", "agency", "date"):
        assert any(line.startswith((f"{key} ", f"{key}=")) or line == key for line in comments), key
    assert "date = 2026-10-02 " in "\n".join(comments)


def test_comments_taken_over_unread_are_refused(tmp_path: Path) -> None:
    """Placeholders are empty or no TOML, so that nothing is approved by removing a #."""
    text = proposed(tmp_path)[0]
    start = text.index("# [approval]")
    bare = re.sub(r"^# ", "", text[start:], flags=re.MULTILINE)
    dated = bare.replace("YYYY-MM-DD", "2026-10-01")
    for tail, message in ((bare, "not valid TOML"), (dated, "approval.by is empty")):
        path = tmp_path / "audit.toml"
        path.write_text(text[:start] + tail.split("[consumer_reporting_agency]")[0], encoding="utf-8")
        with pytest.raises(ConfigError, match=message):
            config.load(path)


@pytest.mark.parametrize(
    ("classes", "adverse"),
    [
        (("approved", "denied"), "denied"),
        (("Repaid", "Charged-Off"), "Charged-Off"),
        (("good", "bad"), "bad"),
        (("0", "1"), None),
        (("no", "yes"), None),
        (("denied", "refused"), None),
        (("no default", "bad debt"), None),
    ],
)
def test_only_an_unmistakable_class_is_taken_for_refusal(
    tmp_path: Path, classes: tuple[str, ...], adverse: str | None
) -> None:
    assert adverse_class(classes) == adverse
    text, made = proposed(tmp_path, Stand(("income",), classes))
    assert made.decision.adverse == adverse
    if adverse is None:
        choice = next(line for line in text.splitlines() if line.startswith("# adverse = "))
        assert all(f'"{name}"' in choice for name in classes)


def test_a_regressor_s_side_and_cutoff_are_left_to_the_lender(tmp_path: Path) -> None:
    text, made = proposed(tmp_path, Stand(("income",), ()))
    assert (made.decision.cutoff_on, made.decision.adverse, made.decision.cutoff) == ("value", None, None)
    assert "# adverse = " in text
    assert "# cutoff = " in text


@pytest.mark.parametrize(
    ("column", "values", "key"),
    [
        ("outcome", ["Declined", "Approved"], "recorded_adverse"),
        ("score", [640, 710], "cutoff_on"),
        ("score", ["a", "b"], "cutoff_on"),
    ],
)
def test_recorded_results_on_another_scale_are_only_suggested(
    tmp_path: Path, column: str, values: list[object], key: str
) -> None:
    text, made = proposed(tmp_path, LENDER, TABLE.assign(**{column: values}))
    assert getattr(made.facts, column) is None
    assert any(line.startswith(f'# {column} = "{column}"') and key in line for line in text.splitlines())


@pytest.mark.parametrize("decimals", [2, 3, 4, 5])
def test_scores_that_are_rounded_say_how_exact_they_are(tmp_path: Path, decimals: int) -> None:
    exact = np.random.default_rng(0).random(200)
    frame = pd.DataFrame({"score": exact.round(decimals)})
    tolerance = proposed(tmp_path, LENDER, frame)[1].checks.score_tolerance
    assert tolerance == 10.0**-decimals
    assert np.all(np.abs(frame["score"] - exact) <= tolerance)


@pytest.mark.parametrize(
    "scores",
    [
        np.random.default_rng(0).random(200),
        np.random.default_rng(0).random(200).astype("float32"),
        np.array([0.0, 1.0]),
        np.array([0.1, 0.9]),
        np.array([640.12, 710.25]),
    ],
    ids=["exact", "single precision", "classes", "one decimal", "another scale"],
)
def test_other_scores_get_no_tolerance(tmp_path: Path, scores: np.ndarray) -> None:
    assert proposed(tmp_path, LENDER, pd.DataFrame({"score": scores}))[1].checks.score_tolerance is None


def test_an_input_is_no_fact_unless_it_can_be_both(tmp_path: Path) -> None:
    model = Stand(("loan_amount", "score", "income"))
    frame = pd.DataFrame({"loan_amount": [1], "score": [0.5], "income": [2]})
    assert proposed(tmp_path, model, frame)[1].facts.model_dump(exclude_none=True) == {"amount": "loan_amount"}


def test_columns_that_the_data_lack_are_named(tmp_path: Path) -> None:
    text = proposed(tmp_path, Stand(("annual_income", "tenure")))[0]
    assert 'WARNING: the data have no column "tenure", which' in text


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("SEX", "prohibited"),
        ("applicantGender", "prohibited"),
        ("marital_status", "prohibited"),
        ("foreign worker", "prohibited"),
        ("health_status", "special"),
        ("Age", "age"),
        ("date_of_birth", "age"),
        ("account_age", None),
        ("sextant", None),
        ("mortgage", None),
        ("income", None),
    ],
)
def test_protected_data_are_known_by_whole_words(column: str, kind: str | None) -> None:
    assert protected_columns([column]) == ({} if kind is None else {column: kind})


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("monthlyIncome", "income"),
        ("DTI", "obligations"),
        ("debt_to_income", "obligations"),
        ("late_payments", "delinquencies"),
        ("latest_income", "income"),
        ("employment_type", "employment_type"),
        ("years_employed", "employment"),
        ("job", "occupation"),
        ("LTV", "collateral"),
        ("inquiries_6m", "inquiries"),
        ("credit_history", "credit_experience"),
        ("payment_history", "delinquencies"),
        ("multivariate", None),
        ("edited", None),
        ("template", None),
        ("x1", None),
    ],
)
def test_families_are_suggested_by_the_beginnings_of_words(column: str, name: str | None) -> None:
    found = family(column)
    assert (None if found is None else found[0]) == name


def test_every_suggested_reason_exists() -> None:
    assert {reason for _, _, reason in FAMILIES} <= set(texts.load("en").reasons)


def test_facts_are_facts_of_the_configuration() -> None:
    assert set(FACT_NAMES) <= set(config.FactsSection.model_fields)
    assert fact_columns(["applicationId", "Applicant Name", "DECISION-DATE"]) == {
        "id": "applicationId",
        "name": "Applicant Name",
        "decision_date": "DECISION-DATE",
    }


def test_an_existing_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    init.write("first", path)
    with pytest.raises(ConfigError, match="exists already"):
        init.write("second", path)
    assert path.read_text() == "first"
    with pytest.raises(ConfigError, match="cannot be written"):
        init.write("x", tmp_path / "absent" / "audit.toml")


KNOWN = [
    "annual_income", "salary", "dti", "job", "employed", "occupation", "ltv", "down_payment", "late", "bankruptcies",
    "foreclosure", "garnishment", "collections", "inquiries", "residence", "oldest_line", "sex", "race", "religion",
    "marital", "gender", "union", "age", "dob", "employment_type",
]  # fmt: skip
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
FACTS = [names[0] for names in FACT_NAMES.values()]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    columns=st.lists(st.sampled_from(KNOWN) | NAMES, min_size=1, max_size=40, unique=True),
    facts=st.lists(st.sampled_from(FACTS) | NAMES, max_size=25, unique=True),
    classes=st.lists(NAMES, max_size=4, unique=True).filter(lambda drawn: len(drawn) != 1),
)
def test_any_model_gives_a_short_valid_file(
    tmp_path: Path, columns: list[str], facts: list[str], classes: list[str]
) -> None:
    frame = pd.DataFrame({name: [1.0, 2.0] for name in dict.fromkeys([*facts, *columns])})
    text, made = proposed(tmp_path, Stand(tuple(columns), tuple(classes)), frame)
    assert text.count("\n") <= init.MOST_LINES
    assert set(made.columns) <= set(columns)
    assert {name for name, section in made.columns.items() if section.protected != "no"} == set(
        protected_columns(columns)
    )
    assert set(made.facts.model_dump(exclude_none=True).values()) <= set(frame.columns)
    assert tomllib.loads(text).keys() <= AuditConfig.model_fields.keys()


@pytest.mark.parametrize("protected", range(0, 40, 3))
def test_all_kinds_of_columns_at_once_still_fit(tmp_path: Path, protected: int) -> None:
    columns = (*KNOWN, *(f"race_{i}" for i in range(protected)))
    text, made = proposed(tmp_path, Stand(columns), pd.DataFrame({name: [1] for name in (*FACTS[:protected], *KNOWN)}))
    assert text.count("\n") <= init.MOST_LINES
    assert sum(section.protected == "prohibited" for section in made.columns.values()) >= protected
    assert len(made.families) > 10


def test_the_same_model_and_table_give_the_same_text() -> None:
    turned = TABLE.sample(frac=1, random_state=1)
    assert init.propose(LENDER, TABLE, "d", "m") == init.propose(LENDER, turned, "d", "m")


def test_dates_that_are_timestamps_count_as_well(tmp_path: Path) -> None:
    dated = TABLE.assign(decision_date=pd.to_datetime(TABLE["decision_date"]))
    assert f"# date = {dt.date(2026, 10, 2)} " in proposed(tmp_path, LENDER, dated)[0]
    vague = TABLE.assign(decision_date=["soon", None])
    assert "# date = YYYY-MM-DD " in proposed(tmp_path, LENDER, vague)[0]
