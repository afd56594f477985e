"""Decisions are judged again from their records or their source, and every difference is named by its field."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import skops.io
from runs import batch, order

from lrp_audit.batch.replay import difference
from lrp_audit.report.batch_report import Replay
from lrp_audit.resources import samples
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import read_table

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, with a batch in `batch`."""
    ignored = shutil.ignore_patterns("*.key", "__pycache__")
    folder = Path(shutil.copytree(samples(), tmp_path_factory.mktemp("made") / "samples", ignore=ignored))
    batch(order(folder, folder / "batch"))
    return folder


@pytest.fixture
def lender(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "samples"))


def replayed(folder: Path) -> Replay:
    return Replay.model_validate_json((folder / "batch" / layout.REPLAY).read_bytes())


@pytest.mark.rule("BA-06")
@pytest.mark.parametrize("data", [(), ("--data", "synthetic_applications.csv")])
def test_every_explained_decision_is_judged_to_the_same_bits(
    command: Command, lender: Path, monkeypatch: pytest.MonkeyPatch, data: tuple[str, ...]
) -> None:
    monkeypatch.chdir(lender)
    result = command("verify", "batch", "--replay", "all", "--config", "quick.toml", *data)
    assert result.code == 0, result
    explained = read_table(lender / "batch" / layout.DECISIONS, ["explained"]).column("explained")
    count = len(explained) - explained.null_count
    assert f"All {count} decisions that were judged again have the same record, to the bit." in result.out
    assert replayed(lender) == Replay(recomputed=count, matching=count)
    assert command("verify", "batch").code == 0  # what a replay leaves is no change of the batch


@pytest.mark.rule("BA-06")
def test_whoever_has_the_folder_the_model_and_the_population_judges_again(
    command: Command, lender: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "auditor"
    shutil.copytree(lender / "batch", place / "batch")
    shutil.copy(lender / "synthetic_pipeline.skops", place / "model.skops")
    shutil.copy(lender / "synthetic_history.csv", place / "population.csv")
    shutil.rmtree(lender)
    monkeypatch.chdir(place)
    asked = ("verify", "batch", "--replay", "3", "--model", "model.skops")  # with the batch's own settings
    result = command(*asked, "--reference", "population.csv")
    assert result.code == 0, result
    assert "All 3 decisions that were judged again have the same record, to the bit." in result.out
    without = command(*asked)
    assert without.code == 2
    assert "synthetic_history.csv, the reference data of the batch, cannot be read" in without.err
    shutil.copy("batch/audit.toml", "audit.toml")
    shutil.copy("population.csv", "synthetic_history.csv")
    assert command(*asked).code == 0  # with those that lie here, and what lies beside them


@pytest.mark.rule("BA-06")
def test_another_model_is_found_out_field_by_field(
    command: Command, lender: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lender)
    path = "synthetic_pipeline.skops"
    pipeline = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    pipeline[-1].coefs_[0] *= 1.001
    skops.io.dump(pipeline, "other.skops")
    arguments = ("verify", "batch", "--replay", "2", "--seed", "7", "--config", "quick.toml", "--model", "other.skops")
    result = command(*arguments)
    assert result.code == 1
    found = replayed(lender)
    assert (found.recomputed, found.matching) == (2, 0)
    assert all(", recomputed " in item.what for item in found.differences)


RECORD: dict[str, Any] = {
    "outcome": {"margin": 0.5, "adverse": True},
    "reasons": [{"rank": 1}],
    "versions": {"torch": "1"},
}


def recomputed(**changes: Any) -> bytes:
    return json.dumps({**RECORD, **changes}, separators=(",", ":")).encode()


KEPT = recomputed().decode()


def test_the_same_record_does_not_differ() -> None:
    assert difference(KEPT, recomputed(), {"torch": "1"}) is None


def test_on_the_same_versions_the_last_bit_counts() -> None:
    near = recomputed(outcome={"margin": 0.5 + 1e-12, "adverse": True})
    assert difference(KEPT, near, {"torch": "1"}) == "outcome.margin: 0.5, recomputed 0.500000000001"


def test_on_other_versions_numbers_may_differ_a_little_and_nothing_else() -> None:
    near = {"margin": 0.5 + 1e-12, "adverse": True}
    other = {"versions": {"torch": "2"}}
    assert difference(KEPT, recomputed(outcome=near, **other), {"torch": "2"}) is None
    assert difference(KEPT, recomputed(outcome={"margin": 0.6, "adverse": True}, **other), {"torch": "2"})
    assert difference(KEPT, recomputed(outcome={"margin": 0.5, "adverse": False}, **other), {"torch": "2"})
    assert difference(KEPT, recomputed(reasons=[], **other), {"torch": "2"}) == 'reasons: [{"rank": 1}], recomputed []'


def test_a_decision_that_is_not_judged_again_differs() -> None:
    assert difference(KEPT, None, {}) == "it was not judged again"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("batch", "--replay", "0"), "--replay is a number of decisions or all"),
        (("batch", "--replay", "1", "--config", "audit.toml"), "does not hold the settings of the batch"),
        (("batch", "--replay", "1", "--data", "synthetic_history.csv"), "is not the source of the batch"),
        (("batch", "--replay", "1", "--model", "nothing.skops"), "nothing.skops"),
        (("batch", "--replay", "1", "--reference", "synthetic_applications.csv"), "is not the reference data"),
        (("batch", "--replay", "1", "--reference", "nothing.csv"), "nothing.csv, the reference data of the batch"),
    ],
)
def test_wrong_use_is_one_sentence(
    command: Command, lender: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(lender)
    config = () if "--config" in arguments else ("--config", "quick.toml")
    result = command("verify", *arguments, *config)
    assert result.code == 2, result
    assert said in result.err
    assert len(result.err.splitlines()) == 1
    assert not (lender / "batch" / layout.REPLAY).exists()
