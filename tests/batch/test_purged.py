"""A batch as a run wrote it, purged: its lists and its page forget who is gone."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import text
from runs import batch, order

from lrp_audit.batch.finishing.relist import relist
from lrp_audit.commands.batch_verification import verify_batch
from lrp_audit.resources import samples
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import read_table
from lrp_audit.sealing.find import find
from lrp_audit.sealing.log import set_hold
from lrp_audit.sealing.purge import purge

NOW = dt.datetime(2029, 1, 1, tzinfo=dt.UTC)
KEPT = "A-00002"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ignored = shutil.ignore_patterns("*.key", "__pycache__")
    folder = Path(shutil.copytree(samples(), tmp_path_factory.mktemp("made") / "samples", ignore=ignored))
    batch(order(folder, folder / "batch", limit=3))
    return folder / "batch"


def listed(folder: Path) -> str:
    """What the lists and the page's scripts say."""
    scripts = (folder / layout.INDEX_ROWS).glob("*.js")
    return "".join(path.read_text() for path in (folder / layout.TABLE, folder / layout.WORKLIST, *scripts))


@pytest.mark.parametrize("held", [True, False])
def test_lists_and_page_hold_who_is_left(made: Path, tmp_path: Path, held: bool) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "batch"))
    if held:
        set_hold(folder, [find(folder, KEPT).row], held=True, by="M. Okafor", role="Counsel", why="Suit", now=NOW)
    assert purge(folder, NOW.date(), by="M. Okafor", now=NOW, relist=relist) == (2 if held else 3)
    assert [item.sentence for item in verify_batch(folder) if item.holds is False] == []
    said = listed(folder)
    assert "A-00001" not in said
    assert "A-00003" not in said
    assert (KEPT in said) == held


def test_no_other_file_names_who_is_gone(samples: Path, tmp_path: Path, command: Callable[..., Any]) -> None:
    many = tmp_path / "many.csv"  # enough for chapters about all of them
    source = samples / "synthetic_applications.csv"
    head, *rows = source.read_text().splitlines(keepends=True)
    many.write_text("".join([head, *rows[:40], *(row.replace("A-000", "B-000", 1) for row in rows[:40])]))
    asked = order(samples, tmp_path / "batch", data=many, limit=None, chunk_rows=64)
    batch(asked)
    folder = asked.out
    (folder / layout.REPLAY).write_text("A-00007 was denied")
    gone = set(read_table(folder / layout.DECISIONS, ["id"]).column("id").to_pylist())
    before = {name for name in files(folder) if mentions(folder / name, gone)}
    assert {layout.DECISIONS, layout.REPLAY, *layout.NAMING} <= before
    result = command("purge", folder, "--as-of", NOW.date())
    assert result.code == 0, result
    left = {name for name in files(folder) if mentions(folder / name, gone)}
    assert left
    assert left <= set(layout.NAMING)
    assert all(name in result.out for name in left)
    assert not (folder / layout.REPLAY).exists()


def files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def mentions(path: Path, ids: set[str]) -> bool:
    """Whether a file names any of some decisions, in what is read of it by people or programs."""
    if path.suffix == ".parquet":
        said = str(read_table(path).to_pylist())
    elif path.suffix == ".pdf":
        said = text(path.read_bytes())
    else:
        said = path.read_text(encoding="utf-8", errors="replace")
    return any(identifier in said for identifier in ids)
