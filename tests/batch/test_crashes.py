"""Killed at any instant, without power or without space: the same command goes on, and ends with the same bytes."""

import random
import secrets
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from disks import watched
from kills import PHASES, killed, killed_before_naming, timed
from runs import batch, contents, copied, order

from lrp_audit.batch.chunk import Put
from lrp_audit.batch.plan import read_plan
from lrp_audit.batch.pool import Pool
from lrp_audit.batch.store import AT_ONCE, finished, store
from lrp_audit.batch.tally import Tally
from lrp_audit.errors import ReportError
from lrp_audit.sealing import layout


@pytest.mark.fresh_process
@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("instants", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instants: int
) -> None:
    monkeypatch.setattr(secrets, "token_bytes", lambda size: bytes(range(size)))  # a new start has the same salts
    asked = order(samples, tmp_path / "undisturbed", documents="letters", limit=3, chunk_rows=1)
    batch(replace(asked, out=tmp_path / "begun"), stop=lambda: True)  # opens the model for all that follow
    seconds = timed(asked)
    expected = contents(asked.out)
    assert sum(name.endswith("notice.pdf") for name in expected) == 3
    chance, kills, tries = random.Random(instants), Counter[str](), 0
    while kills.total() < instants:
        tries += 1
        again = replace(asked, out=tmp_path / f"killed {tries}")
        executor = chance.choice([None, None, lambda setup, _, out=again.out: Pool(out, setup, 2)])
        for phase in sorted(chance.choices(PHASES, k=chance.randint(1, 5)), key=PHASES.index):
            if (hit := killed(again, executor, phase, chance.uniform(0, seconds[phase]))) is not None:
                kills[hit] += 1
        timed(again)
        assert contents(again.out) == expected, f"try {tries}"
    assert instants < 100 or all(kills[phase] >= 3 for phase in PHASES), kills


@pytest.mark.fresh_process
@pytest.mark.usefixtures("opened")
def test_a_file_whose_name_was_never_given_is_not_in_the_way(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_bytes", lambda size: bytes(range(size)))
    asked = order(samples, tmp_path / "killed", limit=2, chunk_rows=1)
    undisturbed = replace(asked, out=tmp_path / "undisturbed")
    batch(replace(asked, out=tmp_path / "begun"), stop=lambda: True)
    timed(undisturbed)
    for name in (layout.SECRET, layout.SETTINGS, layout.PLAN, layout.DECISIONS, layout.MANIFEST, layout.SUMS):
        killed_before_naming(asked, name)
        assert any(name in path.name for path in asked.out.glob(".*.part"))
    batch(asked)
    assert contents(asked.out) == contents(undisturbed.out)


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("stride", [9, pytest.param(2, marks=pytest.mark.slow)])
def test_what_was_not_fsynced_when_the_power_failed_is_not_missed(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    asked = order(samples, tmp_path / "batch", documents="letters", limit=2, chunk_rows=1)
    asked.out.mkdir()
    with watched(asked.out, monkeypatch) as disk:
        batch(asked)
    expected, resumed = contents(asked.out), 0
    for moment in range(0, len(disk.moments), stride):
        found = replace(asked, out=disk.restore(moment, tmp_path / f"after {moment}"))
        if read_plan(found.out) is None:
            continue  # it starts from the beginning, with another secret
        resumed += 1
        batch(found)
        assert contents(found.out) == expected, f"after fsync {moment}"
    assert resumed >= len(disk.moments) // stride // 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with 700 KiB; for root only."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a file system")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.usefixtures("opened")
def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(
    samples: Path, tmp_path: Path, small_disk: Path
) -> None:
    asked = order(samples, small_disk / "batch", documents="letters", limit=6, chunk_rows=1)
    with pytest.raises(ReportError, match="No space left on device") as caught:
        batch(asked)
    assert "\n" not in str(caught.value)
    finished = len(list((asked.out / layout.CHUNKS).glob("*.json")))
    assert 0 < finished < 6
    alone = copied(asked, tmp_path / "alone")
    batch(alone)
    subprocess.run(["mount", "-o", "remount,size=50m", small_disk], check=True)
    batch(asked)
    assert contents(asked.out) == contents(alone.out)


def test_a_folder_that_cannot_be_written_to_is_refused(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match="cannot be written to: Not a directory"):
        batch(order(samples, tmp_path / "file" / "batch"))


@pytest.mark.parametrize("bad", [0, 1, AT_ONCE + 2])
def test_a_file_that_cannot_be_written_leaves_its_chunk_unfinished(tmp_path: Path, bad: int) -> None:
    (tmp_path / "taken").write_text("where a folder should be")

    def produce(put: Put) -> Tally:
        for number in range(AT_ONCE + 3):
            put(f"{'taken' if number == bad else 'free'}/{number}.pdf", b"content")
        return Tally()

    with pytest.raises(ReportError, match="cannot be written"):
        store(tmp_path, 0, produce)
    assert not finished(tmp_path, 1)
    (tmp_path / "taken").unlink()
    store(tmp_path, 0, produce)
    assert set(finished(tmp_path, 1)) == {0}
    assert len(list(tmp_path.rglob("*.pdf"))) == AT_ONCE + 3
