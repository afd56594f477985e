"""Workers that the kernel kills for memory: the rows that need too much are booked, and the run goes on."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from runs import batch, decisions, order

from lrp_audit.batch import judgement
from lrp_audit.batch.pool import Pool

LIMIT = 256 << 20  # bytes beyond what a worker had when it joined


@dataclass(frozen=True)
class Group:
    """A group of processes with little memory together. `counted` is the file that counts kills."""

    folder: Path
    counted: Path

    def join(self) -> None:
        """Put this process there."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def kills(self) -> int:
        """How many processes of the group the kernel killed."""
        fields = dict(line.split() for line in self.counted.read_text().splitlines())
        return int(fields["oom_kill"])


@pytest.fixture
def small() -> Iterator[Group]:
    """Of cgroup version 1 or 2; for root on a kernel of its own only."""
    top = Path("/sys/fs/cgroup")
    first = (top / "memory").is_dir()
    folder = (top / "memory" if first else top) / f"lrp_audit_test_{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("no group of processes can be made here")
    try:
        (folder / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(LIMIT))
        swap = folder / ("memory.memsw.limit_in_bytes" if first else "memory.swap.max")
        if swap.exists():
            swap.write_text(str(LIMIT if first else 0))
        yield Group(folder, folder / ("memory.oom_control" if first else "memory.events"))
    except OSError:
        pytest.skip("the memory of a group cannot be limited here")
    finally:
        folder.rmdir()


@pytest.mark.slow
@pytest.mark.fresh_process
@pytest.mark.usefixtures("opened")
def test_a_row_that_needs_too_much_memory_is_booked(
    samples: Path, tmp_path: Path, small: Group, before: Callable[[Callable[[Any], None]], None]
) -> None:
    asked = order(samples, tmp_path / "batch", documents="letters", documents_sample=2)

    def look(frame: Any) -> None:
        small.join()
        if "A-00006" in set(frame["application_id"]):
            held = bytearray()
            while len(held) < 4 * LIMIT:
                held += b"x" * (1 << 20)

    before(look)
    ended = batch(asked, lambda setup, _: Pool(asked.out, setup, 2))
    found = decisions(asked.out)
    assert small.kills() >= 3  # twice with all of its chunk, and at least once alone
    assert found["id"][found["failure"].notna()].tolist() == ["A-00006"]
    assert found["failure"].dropna().tolist() == [judgement.KILLED]
    assert (ended.tally.rows, ended.tally.failed) == (10, 1)
