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


def _write(folder: Path, count: int = 120, *, prefix: str = "r", seed: int = 0, some_adverse: bool = True) -> Path:
    """Records with noise on every relevance."""
    first, generator = record(), np.random.default_rng(seed)
    assert first.outcome is not None
    for number in range(count):
        noisy = tuple(
            item.model_copy(update={"relevance": float(item.relevance + generator.normal())})
            for item in first.contributions
        )
        margin = float(generator.normal())
        changes = {
            "decision": first.decision.model_copy(update={"id": f"{prefix}{number}"}),
            "outcome": first.outcome.model_copy(update={"margin": margin, "adverse": some_adverse and number % 3 == 0}),
            "contributions": noisy,
        }
        place = folder / f"{number:04d}"
        place.mkdir(parents=True)
        (place / "record.json").write_bytes(canonical(first.model_copy(update=changes)))
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 decisions, and a table of groups whose labels are hostile."""
    folder = _write(tmp_path_factory.mktemp("written"))
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


def test_two_periods_are_compared(command: Command, written: Path, tmp_path: Path) -> None:
    later = _write(tmp_path / "later", prefix="s", seed=1)
    result = command("aggregate", written, "--compare", later, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    drift = pd.read_parquet(tmp_path / "out" / "drift.parquet")
    assert set(drift["column"]) == {item.column for item in record().contributions}
    assert drift["change"].sum() == pytest.approx(0, abs=1e-12)
    page = (tmp_path / "out" / "aggregate.html").read_text(encoding="utf-8")
    assert "Change between two sets of decisions" in page
    assert "later" in page


def test_equal_arguments_write_equal_files(command: Command, written: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert command("aggregate", written, "--out", tmp_path / name).code == 0
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert "aggregate.pdf" in names
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)


def test_nothing_of_an_earlier_run_stays_and_what_is_of_others_does(
    command: Command, written: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command("aggregate", written, "--groups", written / "groups.csv", "--out", out).code == 0
    (out / "notes.txt").write_text("mine")
    assert command("aggregate", written, "--out", out).code == 0
    assert command("aggregate", written, "--out", tmp_path / "fresh").code == 0
    fresh = {path.name for path in (tmp_path / "fresh").iterdir()}
    assert {path.name for path in out.iterdir()} == fresh | {"notes.txt"}
    assert "groups.pdf" not in fresh


def test_decisions_of_one_outcome_are_said_to_be_so(command: Command, tmp_path: Path) -> None:
    approved = _write(tmp_path / "approved", 60, some_adverse=False)
    assert command("aggregate", approved, "--out", tmp_path / "out").code == 0
    page = (tmp_path / "out" / "aggregate.html").read_text(encoding="utf-8")
    assert "Fewer than 50 decisions have one of the outcomes." in page


def test_mistakes_end_in_one_sentence_and_nothing_is_written(command: Command, written: Path, tmp_path: Path) -> None:
    tables = {
        "input": "id,dti_ratio\nr1,a\nr2,b\n",
        "strangers": "id,sex\nx1,a\nx2,b\n",
        "constant": "id,sex\n" + "".join(f"r{n},a\n" for n in range(120)),
        "single": "id,sex\n" + "".join(f"r{n},{'b' if n == 7 else 'a'}\n" for n in range(120)),
        "nameless": "who,sex\nr1,a\n",
        "twice": "id,sex\nr1,a\nr1,b\n",
    }
    paths = {name: tmp_path / f"{name}.csv" for name in tables}
    for name, text in tables.items():
        paths[name].write_text(text, encoding="utf-8")
    few = _write(tmp_path / "few", 49, prefix="f")
    overlapping = _write(tmp_path / "overlapping", 80)
    for arguments, says in (
        ((tmp_path / "none",), "holds no folder with a record.json"),
        ((few,), "50 decisions or more, and there are 49"),
        ((written, "--compare", few), "second side has 49"),
        ((written, "--compare", overlapping), "on both sides, but not all"),
        ((written, "--groups", paths["input"]), "is an input of the model"),
        ((written, "--groups", paths["strangers"]), "No decision has a group in 'sex'"),
        ((written, "--groups", paths["constant"]), "every decision in one group, 'a'"),
        ((written, "--groups", paths["single"]), "has 1 groups of 50 decisions or more"),
        ((written, "--groups", paths["nameless"]), "has no column 'id'"),
        ((written, "--groups", paths["twice"]), "names the id 'r1' more than once"),
        ((written, "--groups", tmp_path / "absent.csv"), "there is no such file"),
        ((written, "--config", tmp_path / "absent.toml"), "absent.toml"),
    ):
        result = command("aggregate", *arguments, "--out", tmp_path / "out")
        assert result.code == 2, arguments
        assert says in result.err
        assert result.err.count("\n") == 1
        assert not (tmp_path / "out").exists()
