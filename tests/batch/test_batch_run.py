"""A batch ends in one sealed folder, whatever happened on the way; what may not go on says why."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from runs import batch, contents, decisions, order

from lrp_audit.batch.lock import locked
from lrp_audit.batch.order import read_groups
from lrp_audit.batch.plan import chosen, read_plan
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import open_session
from lrp_audit.errors import ConfigError, DataError, ReportError
from lrp_audit.records.record import Record, canonical
from lrp_audit.sealing import layout
from lrp_audit.settings.config import load
from lrp_audit.tables import read_table


@pytest.fixture
def samples(sample_folder: Path) -> Path:
    return sample_folder


def test_a_batch_holds_the_decisions_that_are_made_one_by_one(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch")
    ended = batch(asked)
    frame = read_table(asked.data, text=text_columns(load(asked.config).facts))  # type: ignore[arg-type]
    session = open_session(load(asked.config), samples, frame)
    found = decisions(asked.out)
    assert found["row"].tolist() == list(range(10))
    kept = pd.concat([pd.read_parquet(path) for path in sorted((asked.out / layout.RECORDS).iterdir())])
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in kept["record"]]
    assert found["record_sha256"].tolist() == digests
    for text, expected in zip(kept["record"], decide(session, frame.iloc[:10], notice=asked.as_of), strict=True):
        record = Record.model_validate_json(text)
        assert canonical(record).decode() == text
        assert record.decision == expected.record.decision
        assert record.refusals == expected.record.refusals
        assert [reason.family for reason in record.reasons] == [reason.family for reason in expected.record.reasons]
        if record.outcome is not None and expected.record.outcome is not None:
            assert record.outcome.score == pytest.approx(expected.record.outcome.score, rel=1e-9)
    assert ended.tally.rows == ended.plan.decisions == ended.plan.rows == 10
    assert ended.tally.adverse == (found["outcome"] == "adverse").sum()
    assert not any((asked.out / name).exists() for name in layout.WORKING)


def interrupted(after: int) -> Iterator[bool]:
    yield from [False] * after
    while True:
        yield True


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_bytes(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch", documents="all", limit=3, chunk_rows=1)
    asks = interrupted(0)
    assert batch(asked, stop=lambda: next(asks)).root is None
    shutil.copytree(asked.out, tmp_path / "copy")
    undisturbed = batch(replace(asked, out=tmp_path / "copy"))
    for _ in range(2):
        asks = interrupted(1)
        assert batch(asked, stop=lambda asks=asks: next(asks)).root is None
    ended = batch(asked)
    assert ended.root == undisturbed.root
    assert contents(asked.out) == contents(tmp_path / "copy")
    assert ended.tally == undisturbed.tally


def test_a_run_that_is_done_is_not_done_again(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch")
    first, before = batch(asked), contents(tmp_path / "batch")
    second = batch(asked)
    assert second.earlier
    assert second.root == first.root
    assert contents(asked.out) == before


@pytest.mark.slow
def test_what_changed_is_named_and_nothing_is_touched(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch")
    batch(asked, stop=lambda: True)
    before = contents(asked.out)
    with pytest.raises(ConfigError, match=r"--seed: 0, now 7; records kept: yes, now no"):
        batch(replace(asked, seed=7, records=False))
    asked.config.write_text(asked.config.read_text().replace("search = false", "search = true"))
    with pytest.raises(ConfigError, match="the configuration changed: SHA-256"):
        batch(asked)
    asked.config.write_text(asked.config.read_text().replace("search = true", "search = false"))
    content = asked.data.read_bytes()  # type: ignore[union-attr]
    asked.data.write_bytes(content + b"\n")  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match=r"the source changed: synthetic_applications\.csv"):
        batch(asked)
    asked.data.write_bytes(content)  # type: ignore[union-attr]
    shutil.copy(samples / "synthetic_history.csv", samples / "other.csv")
    (samples / "synthetic_history.csv").write_text(
        "".join((samples / "other.csv").read_text().splitlines(keepends=True)[:-3])
    )
    with pytest.raises(ConfigError, match="the reference data changed"):
        batch(asked)
    assert contents(asked.out) == before


def test_two_runs_do_not_share_a_folder(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch")
    with locked(asked.out), pytest.raises(ReportError, match="Another run works in"):
        batch(asked)


def test_a_folder_with_other_files_is_left_alone(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ReportError, match=r"holds other files already \(mine\.txt\)"):
        batch(order(samples, tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", "samples"]


@pytest.mark.parametrize("size", [2, 5])
def test_a_sample_is_drawn_anew_by_whoever_knows_the_seed(samples: Path, tmp_path: Path, size: int) -> None:
    asked = order(samples, tmp_path / "batch", sample=5, seed=3, chunk_rows=size)
    batch(asked)
    found = decisions(asked.out)
    assert found["row"].tolist() == chosen(10, 5, 3, "rows")
    frame = read_table(asked.data, text=["application_id"])  # type: ignore[arg-type]
    assert found["id"].tolist() == frame["application_id"].iloc[found["row"]].tolist()
    plan = read_plan(asked.out)
    assert plan is not None
    assert (plan.rows, plan.decisions) == (10, 5)


def test_documents_are_written_of_whom_they_are_asked_for(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch", documents="letters", documents_sample=3, only="adverse")
    batch(asked)
    found = decisions(asked.out)
    drawn = set(chosen(10, 3, 0, "documents"))
    for row in found.itertuples():
        wanted = row.Index in drawn and row.outcome == "adverse" and pd.isna(row.state)
        assert {item["name"] for item in row.documents} == (
            {"record.json", "addressee.json", "notice.pdf"} if wanted else set()
        )
        for item in row.documents:
            path = layout.shard(asked.out, row.folder) / row.folder / item["name"]
            assert hashlib.sha256(path.read_bytes()).hexdigest() == item["sha256"]


@pytest.mark.slow
def test_a_repeated_id_has_a_folder_of_its_own(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch", documents="audits", limit=None, chunk_rows=2)
    lines = asked.data.read_text().splitlines(keepends=True)  # type: ignore[union-attr]
    asked.data.write_text("".join([*lines[:3], *lines[1:2]]))  # type: ignore[union-attr]
    batch(asked)
    found = decisions(asked.out)
    assert found["folder"][2] == f"{found['folder'][0]}-2"
    assert found["state"][2] == "INVALID_INPUT"
    assert (layout.shard(asked.out, found["folder"][2]) / found["folder"][2] / "audit.pdf").exists()


def test_a_source_without_reference_data_is_refused(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch")
    asked.config.write_text(asked.config.read_text().replace('data = "synthetic_history.csv"', ""))
    with pytest.raises(ConfigError, match=r"\[reference\] data"):
        batch(asked)
    assert not asked.out.exists()
    asked.out.mkdir()
    with pytest.raises(ConfigError, match=r"\[reference\] data"):
        batch(asked)
    assert not list(asked.out.iterdir())


@pytest.mark.rule("G-02")
@pytest.mark.parametrize("wanted", ["letters", "all"])
def test_letters_are_refused_at_once_where_nothing_is_checked(samples: Path, tmp_path: Path, wanted: str) -> None:
    asked = order(samples, tmp_path / "batch", documents=wanted)
    asked.config.write_text(asked.config.read_text().replace("[checks]", '[checks]\nlevel = "none"'))
    with pytest.raises(ConfigError, match=r'checks\.level = "none" .* set it to "letter"'):
        batch(asked)
    assert not asked.out.exists()
    batch(replace(asked, documents="none", limit=3))  # judged alone it can be, and every record says what lacks
    states = decisions(asked.out)["states"][decisions(asked.out)["outcome"] == "adverse"]
    assert len(states)
    assert all("UNFAITHFUL_EXPLANATION" in found for found in states)


def test_a_source_that_lacks_a_column_is_refused_before_anything_is_judged(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch")
    read_table(asked.data).drop(columns="annual_income").to_csv(asked.data, index=False)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="annual_income"):
        batch(asked)
    assert not asked.out.exists()


def test_the_plan_holds_no_personal_data_and_no_place(samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch")
    batch(asked)
    text = (asked.out / layout.PLAN).read_text()
    assert str(tmp_path) not in text
    assert json.loads(text)["source"]["name"] == "synthetic_applications.csv"
    (asked.out / layout.PLAN).write_text(text + " ")
    with pytest.raises(ReportError, match="was changed since"):
        batch(asked)


def test_records_can_be_left_out_and_documents_stay_the_same(samples: Path, tmp_path: Path) -> None:
    asked, kept = (
        order(samples, tmp_path / name, records=records, documents="letters")
        for name, records in (("batch", False), ("kept", True))
    )
    batch(asked)
    batch(kept)
    assert decisions(asked.out)["record_sha256"].isna().all()
    assert not (asked.out / layout.RECORDS).exists()
    assert contents(asked.out / "documents") == contents(kept.out / "documents")
    assert any(name.endswith("notice.pdf") for name in contents(asked.out / "documents"))


@pytest.mark.parametrize(
    ("table", "settings", "why"),
    [
        ("number,sex\nA-00001,f\n", "", "no column 'id'"),
        ("id\nA-00001\n", "", "one column only"),
        ("id,sex\nA-00001,f\nA-00001,m\n", "", "A-00001|twice"),
        ("id,sex\nA-00001,f\n", 'id = "application_id"\n', r"--groups needs facts\.id"),
    ],
    ids=["no ids", "no groups", "an id twice", "decisions without ids"],
)
def test_groups_that_cannot_be_joined_are_refused_before_anything_is_written(
    table: str, settings: str, why: str, samples: Path, tmp_path: Path
) -> None:
    (tmp_path / "groups.csv").write_text(table)
    asked = order(samples, tmp_path / "batch", groups=tmp_path / "groups.csv")
    asked.config.write_text(asked.config.read_text().replace(settings, ""))
    with pytest.raises((ConfigError, DataError), match=why):
        batch(asked)
    assert not asked.out.exists()


def test_groups_are_read_with_ids_as_they_are_written(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("id,sex\n007,f\n010,m\n")
    asked = order(samples, tmp_path / "batch", groups=tmp_path / "groups.csv")
    found = read_groups(asked, load(asked.config))
    assert found is not None
    assert found["id"].tolist() == ["007", "010"]
    assert read_groups(replace(asked, groups=None), load(asked.config)) is None
