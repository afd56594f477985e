"""Decisions under a letter that explains, on the shipped samples: who gets one, and what stands against it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lrp_audit.deciding.decisions import Decision, decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.printability import may_be_drafted
from lrp_audit.deciding.session import open_session
from lrp_audit.output import Output
from lrp_audit.records.record import Record
from lrp_audit.report import letter_pdf
from lrp_audit.resources import samples
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import read_table

NOTICE = dt.date(2026, 11, 16)
SAMPLES = {"eu": "V", "uk": "B"}
DENIED, MISSING, APPROVED, RULE, PERSON = "00001", "00002", "00006", "00008", "00009"


def table(sample: str, config: AuditConfig) -> pd.DataFrame:
    return read_table(samples() / f"synthetic_applications_{sample}.csv", text=text_columns(config.facts))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("key") / "audit.key")


def decided(config: AuditConfig, key: str, frame: pd.DataFrame, ids: list[str] | None = None) -> list[Decision]:
    documents = config.documents.model_copy(update={"key_file": key})
    session = open_session(config.model_copy(update={"documents": documents}), samples(), frame)
    return list(decide(session, frame, notice=NOTICE, ids=ids))


@pytest.fixture(scope="module", params=SAMPLES)
def sample(request: pytest.FixtureRequest, key: str) -> tuple[AuditConfig, list[Decision]]:
    config = load(samples() / f"audit_{request.param}.toml")
    return config, decided(config, key, table(request.param, config))


@pytest.mark.rule("EU-01")
def test_every_decision_of_the_samples_gets_its_letter(sample: tuple[AuditConfig, list[Decision]]) -> None:
    config, decisions = sample
    assert {item.record.decision.decided_by for item in decisions} == {"score", "rule", "human"}
    assert {item.record.decision.recorded.outcome for item in decisions} == {"denied", "approved"}
    for item in decisions:
        assert item.record.refusals == ()
        assert letter_pdf(item.record, item.addressee, config).startswith(b"%PDF")


@pytest.mark.rule("EU-06")
def test_denials_by_score_have_been_searched_for_variations(sample: tuple[AuditConfig, list[Decision]]) -> None:
    for item in sample[1]:
        searched = item.record.variations is not None
        outcome = item.record.decision.recorded.outcome
        assert searched == (item.record.decision.decided_by == "score" and outcome == "denied")


def test_the_language_of_every_letter_is_measured(sample: tuple[AuditConfig, list[Decision]]) -> None:
    for item in sample[1]:
        check = next(check for check in item.record.checks if check.id == "plain-language")
        assert (check.status, check.flag, check.threshold) == ("performed", False, 20.0)


def test_files_are_called_letter(tmp_path: Path, sample: tuple[AuditConfig, list[Decision]]) -> None:
    config, decisions = sample
    output = Output(tmp_path, config, bytes(32), frozenset({"letter"}))
    written = output.write(decisions[0])
    assert written.letter
    assert {path.name for path in written.files} == {"record.json", "addressee.json", "letter.pdf"}
    drafts = Output(tmp_path / "drafts", config, bytes(32), frozenset({"letter"}), draft=True)
    assert "DRAFT-letter.pdf" in {path.name for path in drafts.write(decisions[0]).files}


# --- what stands against a letter -------------------------------------------------------------------------------------


def british(key: str, number: str, rows: dict[str, Any] | None = None, **changes: Any) -> Record:
    """One decision of the British sample, with other settings or another row."""
    config = load(samples() / "audit_uk.toml").model_copy(update=changes)
    frame = table("uk", config).astype(object)
    for name, value in (rows or {}).items():
        frame[name] = value
    (decision,) = decided(config, key, frame, [f"B-{number}"])
    return decision.record


def states(record: Record) -> list[str]:
    return [refusal.state for refusal in record.refusals]


def with_column(name: str, **changes: Any) -> dict[str, Any]:
    columns = load(samples() / "audit_uk.toml").columns
    return {"columns": {**columns, name: columns[name].model_copy(update=changes)}}


@pytest.mark.rule("G-04")
@pytest.mark.parametrize("number", [DENIED, APPROVED])
def test_special_categories_are_never_listed(key: str, number: str) -> None:
    record = british(key, number, **with_column("employment_type", protected="special"))
    assert "SPECIAL_CATEGORY_INFLUENTIAL" in states(record)
    assert any("Type of work" in refusal.evidence and "EU-03" in refusal.rule for refusal in record.refusals)


@pytest.mark.rule("G-04")
def test_a_prohibited_basis_is_not_named_in_favour_either(key: str) -> None:
    plain = british(key, APPROVED)
    favoured = plain.families[-1]
    assert favoured.relevance < 0
    record = british(key, APPROVED, **with_column(favoured.columns[0], protected="prohibited"))
    assert states(record) == ["PROHIBITED_BASIS_INFLUENTIAL"]
    assert favoured.label in record.refusals[0].evidence


@pytest.mark.rule("EU-06")
def test_a_denial_without_columns_to_vary_is_refused(key: str) -> None:
    columns = load(samples() / "audit_uk.toml").columns
    fixed = {
        name: item.model_copy(update={"mutable": False, "vary": "any", "step": None}) for name, item in columns.items()
    }
    record = british(key, DENIED, columns=fixed)
    assert states(record) == ["PROVENANCE_INCOMPLETE"]
    assert "EU-06" in record.refusals[0].rule
    assert british(key, APPROVED, columns=fixed).refusals == ()


@pytest.mark.rule("RS-07")
@pytest.mark.parametrize("number", [DENIED, APPROVED])
def test_an_old_reference_explains_neither_denial_nor_approval(key: str, number: str) -> None:
    reference = load(samples() / "audit_uk.toml").reference.model_copy(update={"date": dt.date(2024, 1, 1)})
    assert "REFERENCE_MISSING_OR_STALE" in states(british(key, number, reference=reference))


@pytest.mark.rule("G-08")
@pytest.mark.parametrize("number", [DENIED, APPROVED])
def test_a_model_without_version_explains_nothing(key: str, number: str) -> None:
    model = load(samples() / "audit_uk.toml").model.model_copy(update={"version": None})
    record = british(key, number, {"model_version": None}, model=model)
    assert states(record) == ["PROVENANCE_INCOMPLETE"]
    assert "model.version" in record.refusals[0].next_step


@pytest.mark.rule("EU-08")
def test_a_letter_without_anybody_to_ask_is_refused_by_rule(key: str) -> None:
    record = british(key, DENIED, review=None, supervisory_authority=None)
    assert states(record) == ["MISSING_LEGAL_TEXT"]
    assert {"EU-08", "EU-09"} <= set(record.refusals[0].rule.split(", "))
    assert may_be_drafted(record)


@pytest.mark.parametrize("number", [RULE, PERSON])
@pytest.mark.parametrize("outcome", ["denied", "approved"])
def test_decisions_of_rules_and_people_need_their_reasons(key: str, number: str, outcome: str) -> None:
    record = british(key, number, {"decided_reasons": None, "recorded_outcome": outcome})
    by = "DECIDED_BY_RULE" if number == RULE else "DECIDED_BY_HUMAN"
    assert states(record) == [by if outcome == "denied" else "PROVENANCE_INCOMPLETE"]
    assert "facts.decided_reasons" in record.refusals[0].next_step


@pytest.mark.parametrize("number", [RULE, PERSON])
def test_approvals_of_rules_and_people_are_explained_by_their_reasons(key: str, number: str) -> None:
    assert british(key, number, {"recorded_outcome": "approved"}).refusals == ()


@pytest.mark.parametrize("action", ["counteroffer", "incomplete"])
def test_forms_of_the_us_notice_are_no_decisions_to_explain(key: str, action: str) -> None:
    facts = load(samples() / "audit_uk.toml").facts.model_copy(update={"action": "action"})
    record = british(key, DENIED, {"action": action}, facts=facts)
    assert states(record)[0] == "INVALID_INPUT"
    assert not may_be_drafted(record)


@pytest.mark.parametrize("number", [DENIED, APPROVED])
def test_values_that_cannot_be_printed_refuse(key: str, number: str) -> None:
    assert states(british(key, number, {"database_result": "\u793a\u4f8b"})) == ["UNPRINTABLE_TEXT"]
    assert states(british(key, number, {"database_result": "x" * 50_000}))


def test_where_a_value_was_imputed_the_letter_says_so(key: str) -> None:
    record = british(key, MISSING)
    assert any(item.imputed and item.display == "not given" for item in record.contributions)


def test_the_documented_settings_are_settings(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "how-to" / "eu-letters.md").read_text(encoding="utf-8")
    example = text.split("```toml\n")[1].split("```")[0].replace("so the next two\n", "\n")
    offices = [f"[{name}]" for name in ("data_protection_officer", "supervisory_authority", "debt_advice")]
    for office in offices:
        assert office in example
        before, after = example.split(office)
        rest = after.split("\n", maxsplit=1)[1]
        example = f'{before}{office}\nname = "Office"\naddress = ["1 Example Street"]\n{rest}'
    (tmp_path / "audit.toml").write_text(f'[model]\nfile = "model.skops"\n{example}', encoding="utf-8")
    config = load(tmp_path / "audit.toml")
    assert config.documents.letter == "eu-letter"
    assert config.review is not None
    assert config.database is not None
