"""A batch kept as records prints any of its documents later, to the byte."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import batch, order

from lrp_audit.resources import samples
from lrp_audit.sealing.find import find

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, with a batch of three decisions in `printed`, and one of the same kept as records in `records`."""
    ignored = shutil.ignore_patterns("*.key", "__pycache__")
    folder = Path(shutil.copytree(samples(), tmp_path_factory.mktemp("made") / "samples", ignore=ignored))
    batch(order(folder, folder / "printed", limit=3, chunk_rows=2, documents="all"))
    batch(order(folder, folder / "records", limit=3, chunk_rows=2))
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_decision_is_printed_as_its_batch_would_have(
    command: Command, lender: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lender)
    for identifier in ("A-00001", "A-00003"):  # of both chunks
        result = command("render", "records", identifier, "--config", "quick.toml", "--out", tmp_path)
        assert result.code in {0, 1}
        place = find(lender / "printed", identifier)
        expected = files(lender / "printed" / "documents" / place.folder[:2] / place.folder)
        assert files(tmp_path / place.folder) == expected
        assert "audit.pdf" in expected
        assert ("notice.pdf" in expected) == (result.code == 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("records", "A-99999"), "holds no decision with id 'A-99999'"),
        (("nowhere", "A-00001"), "nowhere is no batch"),
        (("records", "A-00001", "A-00002"), "Name one decision"),
        (("records", "A-00001", "--config", "audit.toml"), "The settings are not those of the batch"),
    ],
)
def test_wrong_use_is_one_sentence(
    command: Command,
    lender: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(lender)
    config = () if "--config" in arguments else ("--config", "quick.toml")
    result = command("render", *arguments, *config, "--out", tmp_path / "out")
    assert result.code == 2, result
    assert said in result.err
    assert len(result.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
