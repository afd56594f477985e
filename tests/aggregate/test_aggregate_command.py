"""`lrp-audit aggregate` over folders of records: tables, pages, and mistakes in one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from records import record

from lrp_audit.records.record import canonical

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 records with noise on every relevance, and a table of groups whose labels are hostile."""
    folder, first, generator = tmp_path_factory.mktemp("written"), record(), np.random.default_rng(0)
    assert first.outcome is not None
    for number in range(120):
        noisy = tuple(
            item.model_copy(update={"relevance": float(item.relevance + generator.normal())})
            for item in first.contributions
        )
        margin = float(generator.normal())
        changes = {
            "decision": first.decision.model_copy(update={"id": f"r{number}"}),
            "outcome": first.outcome.model_copy(update={"margin": margin, "adverse": number % 3 == 0}),
            "contributions": noisy,
        }
        place = folder / f"{number:04d}"
        place.mkdir()
        (place / "record.json").write_bytes(canonical(first.model_copy(update=changes)))
    labels = np.where(np.arange(120) % 2, "<script>x</script>", "y")
    frame = pd.DataFrame({"id": [f"r{n}" for n in range(120)], "sex": labels})
    frame.to_csv(folder / "groups.csv", index=False)
    frame.assign(age_band=np.repeat(["old", "young"], 60)).to_csv(folder / "crossed.csv", index=False)
    return folder


def test_tables_and_page_are_written_and_hostile_labels_are_text(
    command: Command, written: Path, tmp_path: Path
) -> None:
    result = command("aggregate", written, "--groups", written / "groups.csv", "--out", tmp_path / "out")
    assert result.code == 0, result.err
    names = {path.stem for path in (tmp_path / "out").glob("*.parquet")}
    assert names == {"prototypes", "standing", "values", "strategies", "outcomes", "differences", "proxies"}
    page = (tmp_path / "out" / "groups.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;x" in page
    assert "script" not in (tmp_path / "out" / "aggregate.html").read_text(encoding="utf-8")  # BA-09: groups are apart
    outcomes = pd.read_parquet(tmp_path / "out" / "outcomes.parquet")
    assert outcomes["decisions"].tolist() == [60, 60]


def test_cells_too_small_to_cross_are_said_to_be_left_out(command: Command, written: Path, tmp_path: Path) -> None:
    result = command("aggregate", written, "--groups", written / "crossed.csv", "--out", tmp_path / "out")
    assert result.code == 0, result.err
    left_out = pd.read_parquet(tmp_path / "out" / "left-out.parquet")
    assert left_out["grouping"].tolist() == ["sex × age_band"]
    outcomes = pd.read_parquet(tmp_path / "out" / "outcomes.parquet")
    assert set(outcomes["grouping"]) == {"sex", "age_band"}


def test_mistakes_end_in_one_sentence_and_nothing_is_written(command: Command, written: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("id,dti_ratio\nr1,a\nr2,b\n", encoding="utf-8")
    for arguments, says in (
        ((tmp_path / "none",), "holds no folder with a record.json"),
        ((written, "--groups", tmp_path / "bad.csv"), "is an input of the model"),
    ):
        result = command("aggregate", *arguments, "--out", tmp_path / "out")
        assert result.code == 2
        assert says in result.err
        assert result.err.count("\n") == 1
        assert not (tmp_path / "out").exists()
