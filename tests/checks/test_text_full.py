"""Full checks of texts: integrated gradients add up, masks do what they say, edits keep every character in place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_text_decisions import config, frame, pretrained  # noqa: F401 (fixtures)

from lrp_audit.adapters.margins import margin_of
from lrp_audit.adapters.text_gradients import NOTHING_READ, QUADRATURE, integrated_gradients
from lrp_audit.adapters.text_masks import masked_text, neutral_token
from lrp_audit.adapters.words import words
from lrp_audit.checks.text_full import edits
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.session import adapted, decision_model, new_session

FULL = {"integrated-gradients", "sufficiency", "stability", "curves"}


@pytest.fixture(scope="module")
def ready(config, pretrained, frame):  # noqa: F811
    return decision_model(config, adapted(config, pretrained), frame)


def test_integrated_gradients_add_up_and_more_steps_miss_less(ready, frame):  # noqa: F811
    texts = frame["narrative"].tolist()[:4]
    rough, fine = (integrated_gradients(ready.explainer, texts, ready.target, steps=steps) for steps in (2, 32))
    margins = ready._margins(texts, {})
    for one, margin in zip(fine, margins, strict=True):
        assert one.accounted == pytest.approx(one.margin, abs=1e-5)
        assert one.margin == pytest.approx(margin, abs=1e-4)
        assert NOTHING_READ in one.sinks
    missed = [np.mean([abs(one.sinks.get(QUADRATURE, 0.0)) for one in found]) for found in (rough, fine)]
    assert missed[1] < 0.2 * missed[0]


def test_a_mask_replaces_the_tokens_of_its_words_and_nothing_else(ready, frame):  # noqa: F811
    text = frame["narrative"][0]
    masked = masked_text(ready.model, ready.target, text, {})
    assert masked.words == len(words(text))
    none, everything = masked.margins(np.array([np.zeros(masked.words, bool), np.ones(masked.words, bool)]))
    assert none == pytest.approx(ready._margins([text], {})[0], abs=1e-5)
    (window,) = ready.model.encode([text])
    ids = [
        neutral_token(ready.model) if passage == 0 else id_
        for id_, passage in zip(window.ids, window.passages, strict=True)
    ]
    with torch.no_grad():
        logits = ready.model.module(torch.tensor([ids])).logits.double()
    assert everything == pytest.approx(float(margin_of(logits, ready.target)[0]), abs=1e-5)


@given(st.text(max_size=60))
def test_edits_keep_every_character_in_its_place_and_differ(text):
    for one in edits(text):
        assert len(one) == len(text)
        assert one != text
        assert all(
            before == after or before.lower() == after or not before.isalnum()
            for before, after in zip(text, one, strict=True)
        )


@pytest.mark.rule("CA-08")
@pytest.mark.parametrize("level", ["letter", "full"])
def test_all_run_at_level_full_and_are_named_otherwise(config, pretrained, frame, level):  # noqa: F811
    settings = config.model_copy(update={"checks": config.checks.model_copy(update={"level": level})})
    model = decision_model(settings, adapted(settings, pretrained), frame)
    decided = [item.record for item in decide(new_session(settings, model, bytes(32)), frame.iloc[:4])]
    for record in decided:
        found = {check.id: check for check in record.checks if check.id in FULL}
        assert set(found) == FULL
        performed = {name for name, check in found.items() if check.status == "performed"}
        if level == "letter" or not record.ranking.covered:
            assert not performed
        else:
            putback = next(check for check in record.checks if check.id == "put-back")
            every_word_is_a_reason = putback.status == "not performed"
            assert performed == (FULL - {"sufficiency"} if every_word_is_a_reason else FULL)
    if level == "full":
        measured = {check.id: check.measured for check in decided[0].checks if check.id in FULL}
        assert -1 <= measured["integrated-gradients"]["rank_correlation"] <= 1
        assert measured["integrated-gradients"]["completeness_error"] < 0.1
        assert measured["curves"]["deletion"] <= 1
        alone = next(iter(decide(new_session(settings, model, bytes(32)), frame.iloc[:1]))).record
        assert alone.checks[0].measured.keys() == decided[0].checks[0].measured.keys()
