"""The wheel by itself: outside of the checkout, with nothing importable but what it asks for."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "run").exists(), reason="not a source checkout"),
]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(name: str, extra: str = "") -> Iterator[str]:
    """The distributions that a distribution asks for on this machine, without its other extras."""
    from packaging.requirements import Requirement

    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield normal(requirement.name)
            for wanted in requirement.extras:
                yield from required(requirement.name, wanted)


def closure(name: str) -> set[str]:
    """All that `pip install` of a distribution brings."""
    found, open_ = {normal(name)}, [name]
    while open_:
        try:
            new = set(required(open_.pop())) - found
        except metadata.PackageNotFoundError:
            continue
        found |= new
        open_ += new
    return found


def link_requirements(packages: Path) -> None:
    """Put links to whatever the wheel asks for, as this environment has it, beside the wheel's own files."""
    here = Path(sysconfig.get_path("purelib"))
    for name in closure("lrp_audit") - {"lrp-audit"}:
        with contextlib.suppress(metadata.PackageNotFoundError):
            for top in {file.parts[0] for file in metadata.files(name) or ()} - {"..", "__pycache__"}:
                if not (packages / top).exists():
                    (packages / top).symlink_to(here / top)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that holds the wheel, and what the wheel asks for."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "reports", "*_cache", "__pycache__", "mutants", "dist")
    shutil.copytree(ROOT, source, ignore=ignored)
    (source / "data_samples" / "audit.key").write_text("secret")
    built = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source]
    subprocess.run(built, check=True, capture_output=True)
    shutil.rmtree(source)
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = environment / "lib" / version / "site-packages"
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        assert not [name for name in wheel.namelist() if name.endswith(".key") or "/tests/" in name]
        wheel.extractall(packages)
    link_requirements(packages)
    return environment / "bin" / "python"


def output(python: Path, folder: Path, *arguments: object) -> str:
    """What a command of the wheel prints; a warning of any kind fails it."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    line = [python, *map(str, arguments)]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_nobody_asks_for_is_not_there(python: Path, tmp_path: Path) -> None:
    """So that the tests below mean something."""
    find = "from importlib.util import find_spec; print(*(bool(find_spec(name)) for name in ('pytest', 'torch')))"
    assert output(python, tmp_path, "-c", find) == "False True\n"


def test_importing_it_warns_of_nothing(python: Path, tmp_path: Path) -> None:
    for module in ("lrp_audit", "lrp_audit.cli", "lrp_audit.explanation"):
        output(python, tmp_path, "-W", "error", "-c", f"import {module}")


def test_it_finds_its_own_templates_and_samples(python: Path, tmp_path: Path) -> None:
    found = json.loads(output(python, tmp_path, "-m", "lrp_audit", "doctor", "--json"))
    for name in ("templates", "samples"):
        assert Path(found[name]).is_relative_to(python.parent.parent)


def test_the_demo_writes_its_letters_outside_of_a_checkout(python: Path, tmp_path: Path) -> None:
    output(python, tmp_path, "-m", "lrp_audit", "demo", "--out", "demo")
    assert len(list((tmp_path / "demo").rglob("notice.pdf"))) > 20
    assert list((tmp_path / "demo" / "eu-letters").rglob("letter.pdf"))
    assert {path.name for path in tmp_path.iterdir()} == {"demo"}


def test_without_an_extra_a_command_names_it(python: Path, tmp_path: Path) -> None:
    line = [python, "-m", "lrp_audit", "verify", "a.pdf"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
