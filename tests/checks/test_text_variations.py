"""Sentences without which a text would have been decided otherwise, read again here by the model itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lrp_audit.adapters.huggingface import Pretrained, open_directory
from lrp_audit.adapters.word_relevance import explain_texts
from lrp_audit.checks.leave_out import without
from lrp_audit.checks.sentences import COMBINED, TRIED, LeftOut, sentences_left_out, shortened
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import Session, adapted, decision_model, new_session
from lrp_audit.deciding.text_evidence import _behind
from lrp_audit.privacy.privacy import Finding, mask
from lrp_audit.records.record import Check, Record, canonical
from lrp_audit.records.text_record import TextWord
from lrp_audit.resources import samples
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import read_table

FOLDER = samples() / "text"
NOTICE = dt.date(2026, 11, 16)


# --- sentences whose weights are known -----------------------------------------------------------------------------


def letters(weights: Sequence[float]) -> tuple[str, list[TextWord]]:
    """A text of one-letter sentences, each with its weight as relevance."""
    text = " ".join(chr(ord("a") + place) for place in range(len(weights)))
    return text, [TextWord(start=2 * i, end=2 * i + 1, relevance=weight) for i, weight in enumerate(weights)]


def summed(weights: Sequence[float], asked: list[str]) -> Callable[[Sequence[str]], list[float]]:
    def margins(texts: Sequence[str]) -> list[float]:
        asked.extend(texts)
        return [sum(weights[ord(letter) - ord("a")] for letter in text.split()) for text in texts]

    return margins


quarters = st.integers(-8, 8).map(lambda value: value / 4)


@given(st.lists(quarters, min_size=1, max_size=20), quarters)
def test_what_is_left_out_suffices_and_is_as_little_as_can_be(weights, limit):
    text, sentences = letters(weights)
    asked: list[str] = []
    found = sentences_left_out(summed(weights, asked), text, sentences, limit, most_changes=3)
    total = sum(weights)
    if total < limit:
        return  # no refusal
    if found.sentences:
        assert total - sum(weights[place] for place in found.sentences) < limit
        assert len(found.sentences) < len(weights)
    strongest = sorted(weights, reverse=True)
    needed = next((n for n in (1, 2, 3) if n < len(weights) and total - sum(strongest[:n]) < limit), 0)
    assert len(found.sentences) == needed
    if needed == 1:
        assert weights[found.sentences[0]] == strongest[0]
    assert len(set(asked)) <= found.tried + 1 <= TRIED + 20 + 1
    assert all(text.strip() for text in asked)


def test_ever_more_sentences_cost_no_more():
    weights = [1.0] * 26
    text, sentences = letters(weights)
    asked: list[str] = []
    found = sentences_left_out(summed(weights, asked), text, sentences, 0.0, most_changes=3)
    assert found.sentences == ()
    assert found.tried == TRIED + COMBINED * (COMBINED - 1) // 2 + COMBINED * (COMBINED - 1) * (COMBINED - 2) // 6


def test_a_text_of_one_sentence_is_not_emptied():
    text, sentences = letters([5.0])
    asked: list[str] = []
    assert sentences_left_out(summed([5.0], asked), text, sentences, 0.0, most_changes=3) == LeftOut((), 0)
    assert asked == []


# --- the sample --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def config() -> AuditConfig:
    settings = load(FOLDER / "audit.toml")
    return settings.model_copy(update={"variations": settings.variations.model_copy(update={"search": True})})


@pytest.fixture(scope="module")
def pretrained() -> Pretrained:
    return open_directory(FOLDER / "synthetic_model")


@pytest.fixture(scope="module")
def frame(config: AuditConfig) -> pd.DataFrame:
    return read_table(FOLDER / "synthetic_narratives.csv", text=text_columns(config.facts))


@pytest.fixture(scope="module")
def session(config: AuditConfig, pretrained: Pretrained, frame: pd.DataFrame) -> Session:
    return new_session(config, decision_model(config, adapted(config, pretrained), frame), bytes(32))


@pytest.fixture(scope="module")
def records(session: Session, frame: pd.DataFrame) -> list[Record]:
    return [item.record for item in decide(session, frame, notice=NOTICE)]


def check(record: Record) -> Check:
    return next(item for item in record.checks if item.id == "variations")


@pytest.mark.rule("EU-06")
@pytest.mark.rule("CA-10")
def test_without_the_sentences_the_model_decides_otherwise(session, records, frame):
    model, found = session.model.explainer.model, 0
    for record, text in zip(records, frame.narrative, strict=True):
        if record.variations is None:
            assert not record.outcome.adverse
            continue
        assert check(record).status == "performed"
        assert record.variations.columns == ()
        if not record.variations.left_out:
            assert record.variations.left_out_score is None
            continue
        found += 1
        (explained,) = explain_texts(model, [text], target=session.model.target)
        kept = explained.passages[0].sentences("en")
        shorter = without(text, kept, [place in record.variations.left_out for place in range(len(kept))])
        probability = model.estimate([shorter])[0, model.classes.index("declined")]
        assert probability < record.outcome.cutoff <= record.outcome.score
        assert probability == pytest.approx(record.variations.left_out_score, abs=1e-4)
    assert found >= 5


def test_equal_runs_and_other_neighbours_leave_out_the_same(session, records, frame):
    chosen = [place for place, record in enumerate(records) if record.variations and record.variations.left_out][:3]
    again = [item.record for item in decide(session, frame.iloc[chosen], notice=NOTICE)]
    assert [item.variations.left_out for item in again] == [records[place].variations.left_out for place in chosen]
    whole = [item.record for item in decide(session, frame, notice=NOTICE)]
    assert list(map(canonical, whole)) == list(map(canonical, records))


def test_sentences_count_as_the_masked_text_shows_them():
    """A mask that reaches over a full stop joins two sentences; leaving the joined one out leaves out both."""
    text = "I live. Main Street. I pay."
    sentences = [TextWord(start=start, end=end, relevance=1.0) for start, end in ((0, 7), (8, 20), (21, 27))]
    hidden = mask(text, [Finding(2, 12, "address")])
    shown = hidden.words(sentences)
    assert [hidden.text[one.start : one.end] for one in shown] == ["I [address] Street.", "I pay."]
    behind = _behind(shown, sentences, hidden)
    assert [text[one.start : one.end] for one in behind] == ["I live. Main Street.", "I pay."]
    assert [one.relevance for one in behind] == [2.0, 1.0]
    assert shortened(text, behind, [0]).strip() == "I pay."


@pytest.mark.parametrize(("letter", "search", "searched"), [
    ("us-notice", None, False), ("us-notice", True, True), ("eu-letter", None, True), ("eu-letter", False, False),
])  # fmt: skip
def test_a_text_is_searched_where_the_letter_states_variations_or_the_settings_ask(config, letter, search, searched):
    documents = config.documents.model_copy(update={"letter": letter})
    section = config.variations.model_copy(update={"search": search})
    settings = config.model_copy(update={"documents": documents, "variations": section})
    assert settings.searches_variations == searched
    assert settings.model_copy(update={"text": None}).searches_variations == (search is not False)


class Mixed(nn.Module):
    """A narrative and two numbers, decided together."""

    def __init__(self, text: nn.Module) -> None:
        super().__init__()
        self.text, self.numbers = text, nn.Linear(2, 2)
        with torch.no_grad():
            self.numbers.weight.copy_(torch.tensor([[0.0, 0.0], [0.2, -0.05]]))
            self.numbers.bias.zero_()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        return self.text(input_ids=input_ids, attention_mask=attention_mask).logits + self.numbers(numbers)


@pytest.mark.rule("EU-06")
def test_numbers_beside_a_text_vary_too(config, pretrained, frame):
    settings = AuditConfig.model_validate({
        **config.model_dump(exclude_unset=True),
        "model": {"file": "m", "inputs": {"numbers": ("debts", "income")}, "classes": ("approved", "declined")},
        "columns": {"debts": {"mutable": True, "vary": "down"}, "income": {"mutable": False}},
        "variations": {"search": True},
    })  # fmt: skip
    generator = np.random.default_rng(0)
    table = pd.concat([frame] * 4, ignore_index=True)
    table = table.assign(debts=generator.integers(0, 60, len(table)), income=generator.integers(0, 60, len(table)))
    table["application_id"] = [f"M-{row}" for row in range(len(table))]
    model = Mixed(pretrained.model).eval()
    ready = decision_model(settings, adapted(settings, (model, pretrained.tokenizer)), table)
    session = new_session(settings, ready, bytes(32))
    found = 0
    rows = table.head(30)
    for item in decide(session, rows, notice=NOTICE):
        if item.record.variations is None:
            continue
        assert item.record.variations.columns == ("debts",)
        for variation in item.record.variations.found:
            (change,) = variation.changes
            row = rows.iloc[[item.row]]
            assert change.value < row.debts.iloc[0]
            text, numbers = row.narrative.tolist(), torch.tensor([[change.value, row.income.iloc[0]]]).float()
            again = ready.explainer.model.estimate(text, {"numbers": numbers})[0, 1]
            assert again < 0.5
            assert again == pytest.approx(variation.score, abs=1e-4)
            found += 1
    assert found >= 3
