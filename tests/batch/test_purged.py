"""A batch as a run wrote it, purged: its lists and its page forget who is gone."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from runs import batch, order

from lrp_audit.batch.finishing.relist import relist
from lrp_audit.commands.batch_verification import verify_batch
from lrp_audit.resources import samples
from lrp_audit.sealing import layout
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
