"""One approval is judged for all that are like it, and tables and records are those of judging each."""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tomlkit
from drawn_settings import Opened, Raw

from lrp_audit.deciding.alike import Alike, alike
from lrp_audit.deciding.decision_row import DECISIONS
from lrp_audit.deciding.decisions import examine
from lrp_audit.deciding.facts import read_facts
from lrp_audit.deciding.judged import JudgedChunk, judge_chunk
from lrp_audit.deciding.session import Session
from lrp_audit.deciding.tabular_answers import Scores
from lrp_audit.records.record import canonical
from lrp_audit.settings.config import load
from lrp_audit.tables import read_table

NOTICE = dt.date(2026, 11, 16)
ROWS, CHUNK = 150, 160
FACTS = {  # of few kinds, as those of a real table are
    "product": ["loan", "card"], "application_date": ["2026-10-30", "2026-09-01"], "age": [40.0, 61.0, 62.0, None],
    "consumer_report_used": ["yes", "no"], "outcome": ["approved", "approved", "denied"], "model_version": ["2026.10"],
    "bureau_key_factors": ["Inquiries", "1;2;3;4;5"], "action": ["denied", "denied", "counteroffer"],
    "decided_by": ["score", "score", "score", "rule"], "legal_hold": ["no", "yes"],
}  # fmt: skip


@pytest.fixture
def frame(folder: Path) -> pd.DataFrame:
    table = read_table(folder / "synthetic_history.csv").iloc[400 : 400 + ROWS].reset_index(drop=True)
    table["case"] = [f"A-{row}" for row in range(ROWS)]
    return table


def open_(raw: Raw, folder: Path, opened: Opened) -> Session:
    (folder / "alike.toml").write_text(tomlkit.dumps(raw))
    return opened(load(folder / "alike.toml"))


def plain(folder: Path) -> Raw:
    raw = tomllib.loads((folder / "audit.toml").read_text())
    raw["facts"] = {"id": "case", "amount": "loan_amount"}
    raw["checks"] = {"level": "none", "near_tie": 0.05}
    raw["reference"] |= {"size": 50, "members": 8}
    raw["documents"] = {"letter": "us-notice"}
    return raw


def of_applications(folder: Path) -> Raw:
    """No column comes from a consumer report, so that there is nothing to say of most approvals."""
    raw = plain(folder)
    for column in raw["columns"].values():
        column["source"] = "application form"
    return raw


def drawn(random: np.random.Generator, folder: Path, opened: Opened, frame: pd.DataFrame) -> Raw:
    """Settings, and facts in the table, of all kinds that judging an approval looks at."""
    raw = plain(folder)
    for fact in random.choice(sorted(FACTS), 4, replace=False):
        frame[f"fact {fact}"] = random.choice(np.array(FACTS[fact], object), len(frame))
        raw["facts"][fact] = f"fact {fact}"
    if random.random() < 0.5:
        scored = judge_chunk(open_(raw, folder, opened), frame, records=False).decisions["estimator_score"].to_numpy()
        frame["fact score"] = scored + random.choice([0.0, 1e-6], len(frame))
        raw["facts"]["score"] = "fact score"
    raw["checks"] |= {"near_tie": float(random.choice([0.0, 0.5])), "protected_share": float(random.choice([0.02, 1]))}
    raw["documents"]["max_reasons"] = int(random.integers(1, 7))
    for name in random.choice(sorted(raw["columns"]), random.integers(0, 3), replace=False):
        raw["columns"][name]["protected"] = str(random.choice(["prohibited", "special", "age"]))
    for column in raw["columns"].values():
        column["source"] = "credit report" if random.random() < 0.1 else "application form"
    for name, family in raw["families"].items():
        family["code"] = name.upper()
        if random.random() < 0.1:
            family["text"]["en"] = "Religion"
        elif random.random() < 0.1:
            family["text_low"] = {"en": "Religion"}
        elif random.random() < 0.1:
            for words in {"text", "text_low", "text_high"} & family.keys():
                del family[words]
    raw["checks"]["level"] = str(random.choice(["none", "letter", "full"], p=[0.4, 0.5, 0.1]))
    return raw


def found(session: Session, frame: pd.DataFrame) -> Alike:
    facts = read_facts(session.config, frame, session.key, NOTICE)
    others = alike(examine(session, frame, facts, size=CHUNK))
    assert others is not None
    return others


def same_as_each(session: Session, frame: pd.DataFrame) -> None:
    def judged(*, records: bool) -> JudgedChunk:
        return judge_chunk(session, frame, notice=NOTICE, first_row=1000, records=records, chunk_rows=CHUNK)

    without, some = judged(records=False), judged(records=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("lrp_audit.deciding.judged.alike", lambda examined: None)
        each = judged(records=True)
    assert some.records == each.records == tuple(canonical(each.decision(1000 + row).record) for row in range(ROWS))
    assert some.decisions.equals(each.decisions)
    assert some.relevance.equals(each.relevance)
    digest = DECISIONS.get_field_index("record_sha256")
    assert without.decisions.remove_column(digest).equals(each.decisions.remove_column(digest))
    assert without.relevance.equals(each.relevance)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 60))])
def test_tables_and_records_are_those_of_judging_each(
    seed: int, folder: Path, opened: Opened, frame: pd.DataFrame
) -> None:
    session = open_(drawn(np.random.default_rng(seed), folder, opened, frame), folder, opened)
    same_as_each(session, frame)


def test_most_approvals_are_judged_by_another(folder: Path, opened: Opened, frame: pd.DataFrame) -> None:
    session = open_(of_applications(folder), folder, opened)
    same_as_each(session, frame)
    approved = examine(session, frame, read_facts(session.config, frame, session.key, NOTICE), size=CHUNK)
    outcomes = [approved.outcomes.get(row) for row in range(ROWS)]
    count = sum(outcome is not None and not outcome.adverse for outcome in outcomes)
    others = found(session, frame)
    assert len(others.rows) > 0.8 * count > 0.5 * ROWS
    assert len({*others.judged.tolist()}) <= 2  # those with a near-tie, and those without


@pytest.mark.parametrize("protected", ["prohibited", "special", "age"])
def test_an_approval_that_protected_columns_count_in_is_judged_by_itself(
    protected: str, folder: Path, opened: Opened, frame: pd.DataFrame
) -> None:
    raw = plain(folder)
    raw["checks"]["protected_share"] = 0.0
    raw["columns"]["debt_to_income"]["protected"] = protected
    assert not len(found(open_(raw, folder, opened), frame).rows)


def test_approvals_that_checks_give_other_numbers_and_words_are_judged_by_another(
    folder: Path, opened: Opened, frame: pd.DataFrame
) -> None:
    raw = of_applications(folder)
    raw["checks"] = {"level": "letter", "near_tie": 0.0}
    session = open_(raw, folder, opened)
    same_as_each(session, frame)
    others = found(session, frame)
    assert len(others.rows) > 0.4 * ROWS
    measured = {str(others.explained.checks(row)) for row in others.rows.tolist()}
    assert len(measured) > 0.9 * len(others.rows)
    assert len({*others.judged.tolist()}) == 1
    directions = others.explained.evidence.directions
    assert any(directions[row] != directions[by] for row, by in zip(others.rows, others.judged, strict=True))


def test_a_sampled_near_tie_is_judged_by_itself(folder: Path, opened: Opened, frame: pd.DataFrame) -> None:
    raw = of_applications(folder)
    raw["checks"] = {"level": "letter", "near_tie": 0.5}
    others = found(open_(raw, folder, opened), frame)
    assert len(others.explained.ties) > 0.2 * ROWS
    assert others.explained.ties.keys().isdisjoint(others.rows.tolist())


def test_decisions_that_all_get_a_letter_are_judged_each(folder: Path, opened: Opened, frame: pd.DataFrame) -> None:
    raw = plain(folder)
    raw["documents"]["letter"] = "eu-letter"
    session = open_(raw, folder, opened)
    facts = read_facts(session.config, frame[:5], session.key, NOTICE)
    assert alike(examine(session, frame[:5], facts, size=5)) is None


def test_an_approval_near_the_cutoff_is_judged_by_itself(folder: Path, opened: Opened, frame: pd.DataFrame) -> None:
    session = open_(plain(folder), folder, opened)
    examined = examine(session, frame, read_facts(session.config, frame, session.key, NOTICE), size=CHUNK)
    scores, (row, *_) = examined.outcomes, found(session, frame).rows
    assert isinstance(scores, Scores)
    own = scores.own_margin.copy()
    own[row] += 2 * abs(scores.margin[row] - scores.cutoff.margin)
    others = alike(replace(examined, outcomes=replace(scores, own_margin=own)))
    assert others is not None
    assert row not in others.rows
