"""Fixtures that several parts share."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from lrp_audit.resources import samples

# A test says nothing about the clock: a busy machine takes a second for what takes a millisecond elsewhere.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


class Result(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs `lrp-audit` with arguments, in this process and without a terminal."""
    from lrp_audit.cli import main

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["lrp-audit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        code = stop.value.code
        return Result(code if isinstance(code, int) else int(code is not None), said.out, said.err)

    return run


@pytest.fixture
def sample_folder(tmp_path: Path) -> Path:
    """A copy of the shipped samples that a test may write to and change."""
    return Path(shutil.copytree(samples(), tmp_path / "samples", ignore=shutil.ignore_patterns("*.key", "__pycache__")))
