"""Killed at any instant, without power or without space: the same command goes on, and ends with the same bytes."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from disks import fork, watched
from runs import batch, contents, copied, order

from lrp_audit.batch.order import Order
from lrp_audit.batch.plan import read_plan
from lrp_audit.errors import ReportError
from lrp_audit.sealing import layout

SECONDS = 150  # that many instants may take at most


def killed_and_resumed(asked: Order, seconds: float, chance: random.Random) -> int:
    """Start a run again and again, each time killed within some seconds, until it ends; how often it was killed."""
    kills = 0
    while True:
        child = fork(lambda: batch(asked) and None)
        time.sleep(chance.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return kills
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        kills += 1
        seconds *= 1.2  # so that a slow machine comes to an end


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("instants", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
    samples: Path, tmp_path: Path, instants: int
) -> None:
    asked = order(samples, tmp_path / "planned", documents="letters", limit=3, chunk_rows=1)
    batch(asked, stop=lambda: True)
    undisturbed, start = copied(asked, tmp_path / "undisturbed"), time.monotonic()
    batch(undisturbed)
    whole, expected = time.monotonic() - start, contents(undisturbed.out)
    assert sum(name.endswith("notice.pdf") for name in expected) == 3
    chance, killed, start = random.Random(instants), 0, time.monotonic()
    while killed < instants and time.monotonic() - start < SECONDS:
        again = copied(asked, tmp_path / f"after {killed}")
        killed += killed_and_resumed(again, whole / 3, chance)
        assert contents(again.out) == expected
    assert killed >= min(instants, 6)


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
