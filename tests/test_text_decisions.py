"""Decisions by text models: the path from a sentence to a judged record."""

import copy
import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn

import lrp_audit
from lrp_audit.adapters.huggingface import open_directory
from lrp_audit.checks.leave_out import leave_out, without
from lrp_audit.deciding.decision_model import Asked
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import adapted, decision_model, new_session
from lrp_audit.errors import ConfigError, DataError
from lrp_audit.records.record import canonical
from lrp_audit.records.text_record import TextWord
from lrp_audit.resources import samples
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import read_table

NOTICE = dt.date(2026, 11, 16)
FOLDER = samples() / "text"
NARRATIVE = "I lost my job in March and fell behind on my car loan. Call me at 555-867-5309."


@pytest.fixture(scope="module")
def config():
    return load(FOLDER / "audit.toml")


@pytest.fixture(scope="module")
def pretrained():
    return open_directory(FOLDER / "synthetic_model")


@pytest.fixture(scope="module")
def frame(config):
    return read_table(FOLDER / "synthetic_narratives.csv", text=text_columns(config.facts))


@pytest.fixture(scope="module")
def session(config, pretrained, frame):
    return new_session(
        config, decision_model(config, adapted(config, pretrained), frame, file_sha256="0" * 64), bytes(32)
    )


@pytest.fixture(scope="module")
def records(session, frame):
    return [item.record for item in decide(session, frame, notice=NOTICE)]


@pytest.mark.rule("CA-06")
def test_words_tokens_and_sinks_add_up_to_the_margin(records):
    for record in records:
        books = record.conservation
        assert books.explained == record.outcome.margin
        assert abs(books.residual) <= books.tolerance
        words = sum(word.relevance for text in record.text_evidence for word in text.words)
        assert words == pytest.approx(books.attributed, rel=1e-5, abs=1e-5)


@pytest.mark.rule("G-01")
def test_a_text_that_is_explained_scores_as_one_that_the_model_only_reads(session, frame, records):
    """Explaining reads a text as well, so that the model need not read it twice."""
    rows = range(len(frame))
    read = session.model.score(frame, Asked(rows, len(frame)), {})
    assert [read[row].adverse for row in rows] == [record.outcome.adverse for record in records]
    scores = [record.outcome.score for record in records]
    assert scores == pytest.approx([read[row].score for row in rows], abs=1e-6)


@pytest.mark.rule("CA-11")
def test_reasons_come_from_approved_statements_and_never_quote(records, frame):
    ready = [record for record in records if record.refusal is None]
    assert ready
    statements = {"Temporary or irregular employment", "Excessive obligations in relation to income"}
    statements |= {
        "Delinquent past or present credit obligations with others",
        "Purpose for which credit was requested",
    }
    for record in ready:
        assert {reason.text for reason in record.reasons} <= statements


@pytest.mark.rule("RS-10")
def test_words_that_no_statement_claims_refuse(records):
    refused = [record for record in records if record.refusal and record.refusal.state == "UNMAPPED_PRINCIPAL_REASON"]
    assert refused
    assert all("words without an approved statement" in record.refusal.evidence for record in refused)


@pytest.mark.rule("G-07")
def test_a_record_masks_what_the_applicant_wrote(session, frame):
    row = frame.iloc[[0]].assign(narrative=NARRATIVE, application_id="X-1")
    (decision,) = decide(session, row, notice=NOTICE)
    stored = canonical(decision.record).decode()
    assert "867-5309" not in stored
    assert decision.record.text_evidence[0].masked


@pytest.mark.parametrize(("scale", "dominated"), [(0.0, False), (50.0, True)])
def test_a_model_that_goes_by_positions_is_flagged_with_the_shares(config, pretrained, frame, scale, dominated):
    network = copy.deepcopy(pretrained.model)
    network.get_submodule("bert.embeddings.position_embeddings").weight.data.mul_(scale)
    changed = decision_model(config, adapted(config, replace(pretrained, model=network)), frame, file_sha256="0" * 64)
    for item in decide(new_session(config, changed, bytes(32)), frame.iloc[:4], notice=NOTICE):
        (check,) = (check for check in item.record.checks if check.id == "absorbed")
        assert check.flag == dominated
        assert check.measured["constants"] > 0.5 or not dominated
        said = [flag for flag in item.record.flags if "special tokens of the model" in flag]
        assert len(said) == dominated
        assert all(f"{check.measured['words']:.0%}" in flag for flag in said)


@pytest.mark.parametrize("text", [None, "", "   ", "\x00", "\ud800"])
def test_a_text_that_cannot_be_read_is_booked_and_spares_the_others(session, frame, text):
    rows = frame.iloc[[0, 1]].reset_index(drop=True)
    rows["narrative"] = pd.Series([text, rows["narrative"][1]], dtype=object)
    bad, good = (item.record for item in decide(session, rows, notice=NOTICE))
    assert bad.refusal.state == "INVALID_INPUT"
    assert "narrative" in bad.refusal.evidence
    assert good.text_evidence


def test_a_missing_column_is_named(session, frame):
    with pytest.raises(DataError, match="narrative"):
        list(decide(session, frame.drop(columns="narrative")))


def test_sections_and_models_must_fit(config, pretrained, frame):
    bare = config.model_copy(update={"text": None})
    with pytest.raises(ConfigError, match=r"\[text\]"):
        decision_model(bare, adapted(bare, pretrained), frame)
    linear = adapted(AuditConfig.model_validate({"model": {"file": "m", "columns": ("a",)}}), nn.Linear(1, 1))
    with pytest.raises(ConfigError, match="remove the section"):
        decision_model(config, linear, frame)


def test_explain_needs_no_settings(pretrained):
    table = pd.DataFrame({"id": ["a", "b"], "story": [NARRATIVE, "I always paid on time."]})
    found = lrp_audit.explain((pretrained.model, pretrained.tokenizer), table, adverse="declined")
    assert len(found) == 2
    assert found["a"].record.text_evidence[0].column == "story"
    with pytest.raises(DataError, match="story, title"):
        lrp_audit.explain((pretrained.model, pretrained.tokenizer), table.assign(title="x"))


class Mixed(nn.Module):
    """A narrative and two numbers, decided together."""

    def __init__(self, text):
        super().__init__()
        self.text, self.numbers = text, nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))

    def forward(self, input_ids, attention_mask, numbers):
        return self.text(input_ids=input_ids, attention_mask=attention_mask).logits + self.numbers(numbers)


def test_text_and_table_are_explained_on_one_scale(pretrained):
    torch.nn.init.normal_(weight := torch.empty(4, 2), generator=torch.Generator().manual_seed(0))
    mixed = Mixed(pretrained.model).eval()
    with torch.no_grad():
        mixed.numbers[0].weight.copy_(weight)
    settings = {
        "model": {"file": "m", "inputs": {"numbers": ("income", "debts")}, "classes": ("fine", "declined")},
        "decision": {"adverse": "declined"},
        "facts": {"id": "id"},
        "text": {"column": "story"},
    }
    table = pd.DataFrame({"id": ["a", "b"], "story": [NARRATIVE] * 2, "income": [1.0, -2.0], "debts": [0.5, 3.0]})
    config = AuditConfig.model_validate(settings)
    found = lrp_audit.explain((mixed, pretrained.tokenizer), table, config=config)
    for item in found:
        books = item.record.conservation
        assert {"income", "debts"} <= set(item.relevance.index)
        assert abs(books.residual) <= books.tolerance
        assert books.explained == pytest.approx(item.record.outcome.margin, rel=1e-4)


def words_of(text):
    spans, start = [], 0
    for word in text.split(" "):
        spans.append(TextWord(start=start, end=start + len(word), relevance=0.0))
        start += len(word) + 1
    return spans


def test_leaving_out_the_words_that_count_lowers_the_margin_most():
    texts = ["good bad good good bad good good good", "bad", "good good"]
    words = [words_of(text) for text in texts]
    stated = [
        [text[word.start : word.end] == "bad" for word in spans] for text, spans in zip(texts, words, strict=True)
    ]
    found = leave_out(lambda given: [text.count("bad") for text in given], texts, words, stated, seed=0)
    assert found[0].stated == 2
    assert found[0].random < 2
    assert found[1] is None  # nothing would be left
    assert found[2] is None  # nothing is stated
    assert without(texts[0], words[0], stated[0]).split() == ["good"] * 6
