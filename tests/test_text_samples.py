"""The synthetic text sample: made again by its script, sane, and with planted words that relevance finds."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score

from lrp_audit.adapters.huggingface import open_directory
from lrp_audit.adapters.text import TextModel, adapt
from lrp_audit.adapters.word_relevance import TextRelevance, explain_texts
from lrp_audit.deciding.text_evidence import JudgedText, TextReader, text_reader
from lrp_audit.judging.reasons import group
from lrp_audit.judging.text_reasons import UNMAPPED, rankable
from lrp_audit.resources import samples
from lrp_audit.settings.config import load

FOLDER = samples() / "text"
CONFIG = load(FOLDER / "audit.toml")


@pytest.fixture(scope="module")
def generate() -> Iterator[ModuleType]:
    """The script that makes the sample; it imports its neighbour `narratives`."""
    spec = importlib.util.spec_from_file_location("generate_text_sample", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    known, path = set(sys.modules), list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = path
    for name in {"narratives"} - known:
        del sys.modules[name]


@pytest.fixture(scope="module")
def drawn(generate: ModuleType) -> list:
    rng = np.random.default_rng(99)
    return [generate.draw(rng) for _ in range(200)]


@pytest.fixture(scope="module")
def model() -> TextModel:
    return adapt(open_directory(FOLDER / CONFIG.model.file))


@pytest.fixture(scope="module")
def explained(drawn: list, model: TextModel) -> tuple[TextRelevance, ...]:
    return explain_texts(model, [item.text for item in drawn], target=model.margin_target(CONFIG.decision.adverse))


@pytest.fixture(scope="module")
def judged(explained: tuple[TextRelevance, ...]) -> list[JudgedText]:
    reader: TextReader = text_reader(CONFIG.text)
    return [found for item in explained for found in reader.read(item)]


def test_the_table_is_made_again_byte_for_byte(generate: ModuleType, tmp_path) -> None:
    (tmp_path / "synthetic_model").symlink_to(FOLDER / "synthetic_model")
    generate.main(tmp_path)
    name = "synthetic_narratives.csv"
    assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_tokenizer_is_made_again(generate: ModuleType) -> None:
    narratives, _ = generate.past()
    tokenizer = generate.make_tokenizer([item.text for item in narratives])
    shipped = open_directory(FOLDER / CONFIG.model.file).tokenizer
    assert tokenizer.get_vocab() == shipped.get_vocab()
    texts = [narratives[0].text, "Zzyzx unemployable!"]
    assert tokenizer(texts)["input_ids"] == shipped(texts)["input_ids"]


@pytest.mark.slow
def test_training_anew_gives_the_same_model(generate: ModuleType) -> None:
    narratives, declined = generate.past()
    texts = [item.text for item in narratives]
    trained = generate.train_model(generate.make_tokenizer(texts), texts, declined).state_dict()
    for name, tensor in load_file(FOLDER / CONFIG.model.file / "model.safetensors").items():
        torch.testing.assert_close(trained[name], tensor, atol=0.02, rtol=0.02)


def test_the_model_decides_nearly_as_well_as_can_be(generate: ModuleType, model: TextModel) -> None:
    rng = np.random.default_rng(98)
    fresh = [generate.draw(rng) for _ in range(500)]
    declined = generate.decisions(fresh, rng)
    probability = model.estimate([item.text for item in fresh])[:, model.classes.index("declined")]
    best = np.mean((np.array([item.score for item in fresh]) > 0) == declined)
    assert np.mean((probability > 0.5) == declined) > best - 0.06
    assert roc_auc_score(declined, probability) > 0.93


def test_recorded_scores_are_the_adapted_models_own(model: TextModel) -> None:
    table = pd.read_csv(FOLDER / "synthetic_narratives.csv").dropna(subset="recorded_score")
    probability = model.estimate(table[CONFIG.text.column].tolist())[:, model.classes.index("declined")]
    np.testing.assert_allclose(probability, table["recorded_score"], atol=CONFIG.checks.score_tolerance)


def test_narratives_longer_than_the_model_reads_at_once_have_no_recorded_score(model: TextModel) -> None:
    table = pd.read_csv(FOLDER / "synthetic_narratives.csv")
    counts = pd.Series([window.text for window in model.encode(table["narrative"].tolist())]).value_counts()
    assert (counts > 1).sum() == 3
    assert set(table.index[table["recorded_score"].isna()]) == set(counts.index[counts > 1])


def test_every_unit_of_relevance_is_accounted_for(explained: tuple[TextRelevance, ...]) -> None:
    for item in explained:
        assert item.accounted == pytest.approx(item.margin, abs=1e-3)


def test_planted_words_carry_their_sign_and_stand_out(drawn: list, explained: tuple[TextRelevance, ...]) -> None:
    signs, areas = [], []
    for narrative, item in zip(drawn, explained, strict=True):
        words = item.passages[0].words
        touched = [[p for p in narrative.planted if p.start < w.end and w.start < p.end] for w in words]
        for planted in narrative.planted:
            share = sum(w.relevance for w, found in zip(words, touched, strict=True) if planted in found)
            signs.append((share > 0) == (planted.weight > 0))
        marked = [bool(found) for found in touched]
        areas.append(roc_auc_score(marked, [abs(word.relevance) for word in words]))
    assert np.mean(signs) > 0.97
    assert np.mean(areas) > 0.85


def test_the_strongest_family_against_an_applicant_is_a_planted_one(drawn: list, judged: list[JudgedText]) -> None:
    right = []
    for narrative, item in zip(drawn, judged, strict=True):
        against = {planted.family for planted in narrative.planted if planted.weight > 0}
        first = rankable(group(item.contributions), CONFIG.text)[0]
        if against and first.relevance > 0:
            right.append(first.family in against)
    assert len(right) > 80
    assert np.mean(right) > 0.95


def test_few_declined_narratives_rest_on_words_without_a_statement(
    explained: tuple[TextRelevance, ...], judged: list[JudgedText]
) -> None:
    declined = [found for item, found in zip(explained, judged, strict=True) if item.margin > 0]
    principal = [
        any(f.family == UNMAPPED and f.relevance > 0 for f in rankable(group(found.contributions), CONFIG.text))
        for found in declined
    ]
    assert np.mean(principal) < 0.1


def test_planted_personal_data_and_special_categories_are_masked(drawn: list, judged: list[JudgedText]) -> None:
    for narrative, found in zip(drawn, judged, strict=True):
        for secret in (
            "(212)",
            "@example.com",
            "4455-",
            "Example Street",
            "Mockford",
            "hospital",
            "church",
            "union dues",
        ):
            assert secret not in found.evidence.model_dump_json()
        named = any(word in narrative.text for word in ("hospital", "church", "union dues"))
        assert bool(found.evidence.special) == named
    assert sum(bool(found.evidence.special) for found in judged) > 5
