"""The shipped samples: reproducible, marked as synthetic, small, and as their README describes them."""

import importlib.util
import shutil
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score

from lrp_audit.resources import samples
from lrp_audit.settings.config import load
from lrp_audit.tables import read_table

SAMPLES = samples()


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return script("generate")


def test_tables_are_made_again_byte_for_byte(generate: ModuleType, tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "synthetic_pipeline.skops", tmp_path)
    generate.main(tmp_path)
    made = sorted(path.name for path in tmp_path.glob("*.csv"))
    assert made == ["synthetic_applications.csv", "synthetic_history.csv"]
    for name in made:
        assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes()


def test_tables_of_the_letters_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "synthetic_applications.csv", tmp_path)
    script("generate_letters").main(tmp_path)
    for name in ("synthetic_applications_eu.csv", "synthetic_applications_uk.csv"):
        assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes()


def test_refusal_cases_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    script("generate_refusals").main(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {path.name for path in (SAMPLES / "refusals").iterdir() if path.suffix in {".toml", ".csv"}}
    for name in made:
        assert (tmp_path / name).read_bytes() == (SAMPLES / "refusals" / name).read_bytes()


@pytest.mark.slow
def test_training_anew_gives_the_same_models(generate: ModuleType) -> None:
    past = generate.history(np.random.default_rng(np.random.SeedSequence(generate.SEED).spawn(2)[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # forty epochs are meant
        pipeline = generate.train_pipeline(past)
    shipped = generate.load_pipeline(SAMPLES)
    inputs = past[generate.NUMBERS + generate.CATEGORIES]
    np.testing.assert_allclose(pipeline.predict_proba(inputs), shipped.predict_proba(inputs), atol=1e-4)

    numbers = torch.tensor(past[generate.NETWORK_COLUMNS].dropna().to_numpy(np.float64), dtype=torch.float32)
    program = torch.export.load(SAMPLES / "synthetic_network.pt2").module()
    network = generate.train_network(past)
    with torch.no_grad():  # steps in float32 take another way on another processor, to nearly the same place
        margins = [(found[:, 0] - found[:, 1]).numpy() for found in (network(numbers), program(numbers))]
    assert np.corrcoef(margins)[0, 1] > 0.99


def test_the_pipeline_ranks_unseen_applicants_well(generate: ModuleType) -> None:
    rng = np.random.default_rng(1)
    fresh = generate.draw(rng, 3000)
    defaulted = rng.random(len(fresh)) < generate._default_probability(fresh)
    score = generate.load_pipeline(SAMPLES).predict_proba(fresh[generate.NUMBERS + generate.CATEGORIES])[:, 0]
    assert roc_auc_score(defaulted, score) > 0.8


def test_protected_columns_are_shipped_and_are_no_inputs(generate: ModuleType) -> None:
    applications = read_table(SAMPLES / "synthetic_applications.csv")
    protected = {"age", "marital_status"}
    assert protected <= set(applications.columns)
    assert not protected & {*generate.NUMBERS, *generate.CATEGORIES}


def test_bureau_columns_are_correlated_and_some_values_are_missing(generate: ModuleType) -> None:
    past = read_table(SAMPLES / "synthetic_history.csv")
    correlation = past[generate.BUREAU].corr().abs().to_numpy()
    assert np.median(correlation[np.triu_indices_from(correlation, 1)]) > 0.15
    missing = past[generate.NUMBERS].isna().mean()
    assert 0.03 < missing["bureau_utilization"] < 0.08
    assert 0.08 < missing["savings_balance"] < 0.16


def test_every_file_says_that_it_is_synthetic() -> None:
    for path in SAMPLES.rglob("*"):
        if path.is_file() and path.suffix not in {".pyc", ".key"}:
            place = str(path.relative_to(SAMPLES))
            said = "synthetic" in place or "synthetic" in path.read_text(encoding="utf-8").lower()
            assert said, path


def test_samples_are_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 3_000_000


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.toml")), ids=lambda path: path.stem)
def test_every_configuration_is_valid_and_names_files_that_are_there(path: Path) -> None:
    config = load(path)
    assert (path.parent / config.model.file).exists()
    assert config.reference.data is None or (path.parent / config.reference.data).is_file()


def test_names_and_addresses_are_recognisably_invented() -> None:
    applications: pd.DataFrame = read_table(SAMPLES / "synthetic_applications.csv")
    assert applications["applicant_address"].str.contains("ZZ 00000").all()
