"""`lrp-audit batch` as a user meets it: what it says, how it ends, and what a signal does."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from runs import contents, decisions

from lrp_audit.sealing import layout

Command = Callable[..., Any]


@pytest.mark.usefixtures("opened")
def test_events_are_lines_of_json_and_the_log_has_them_with_their_time(
    samples: Path, tmp_path: Path, command: Command
) -> None:
    out = tmp_path / "batch"
    options = ("--config", samples / "audit.toml", "--limit", 6, "--chunk-rows", 3, "--workers", 1, "--out", out)
    ended = command("batch", samples / "synthetic_applications.csv", *options, "--json")
    assert ended.code == 0, ended.err
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert [event["event"] for event in events] == ["begun", "chunk", "chunk", "sealing", "sealed"]
    assert events[-1]["done"]["rows"] == 6
    assert events[-1]["root"] == json.loads((out / layout.MANIFEST).read_text())["root"]
    log = [json.loads(line) for line in (out / layout.LOG).read_text().splitlines()]
    assert [{name: value for name, value in line.items() if name != "time"} for line in log] == events
    names = pd.read_csv(samples / "synthetic_applications.csv")["applicant_name"]
    assert not any(name in (out / layout.LOG).read_text() for name in names)
    again = command("batch", samples / "synthetic_applications.csv", *options)
    assert again.code == 0
    assert "done before" in again.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.csv", "--documents", "some"], "--documents is none, letters, audits, all or sample:N"),
        (["a.csv", "--documents", "sample:0"], "--documents is none"),
        ([], "Name one source"),
        (["a.csv", "--sql", "sqlite://", "select 1"], "Name one source"),
        (["absent.csv"], "no such file"),
        (["a.csv", "--previous", "absent"], "cannot be read"),
        (["a.csv", "--scheduler", "tcp://127.0.0.1:9", "--workers", "2"], "leave out --workers"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line(
    samples: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_bytes((samples / "synthetic_applications.csv").read_bytes())
    ended = command("batch", *arguments, "--config", samples / "audit.toml", "--out", tmp_path / "out")
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out" / layout.PLAN).exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_after_the_chunks_that_are_worked_on(
    samples: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "batch"
    source, options = samples / "synthetic_applications.csv", ["--documents", "letters", "--as-of", "2026-11-16"]
    own = ["--config", samples / "audit.toml", "--out", out, "--chunk-rows", "2", "--limit", "12", "--workers", "2"]
    run = [sys.executable, "-m", "lrp_audit", "batch", source, *options, *own, "--json"]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(2)]
        assert json.loads(lines[1])["event"] == "chunk"
        os.kill(process.pid, number)
        said = process.stdout.read() + process.stderr.read()
    assert process.returncode == 128 + number
    assert "the same command goes on from there" in said
    finished = {path.name: path.read_bytes() for path in (out / layout.CHUNKS).iterdir()}
    assert 1 <= len(finished) < 6
    assert subprocess.run(run, check=False, stdout=subprocess.DEVNULL).returncode == 0
    assert len(decisions(out)) == 12
    assert contents(out)


@pytest.mark.usefixtures("opened")
def test_a_query_is_a_source(samples: Path, tmp_path: Path, command: Command) -> None:
    import sqlite3

    frame = pd.read_csv(samples / "synthetic_applications.csv")
    database = sqlite3.connect(tmp_path / "loans.db")
    frame.to_sql("loans", database, index=False)
    database.close()
    out, address = tmp_path / "batch", f"sqlite:///{tmp_path}/loans.db"
    query = "select * from loans order by application_id limit 5"
    options = ("--config", samples / "audit.toml", "--workers", 1, "--out", out)
    assert command("batch", "--sql", address, query, *options).code == 0
    assert decisions(out)["id"].tolist() == sorted(frame["application_id"])[:5]
    assert json.loads((out / layout.PLAN).read_text())["source"]["query"] == query
