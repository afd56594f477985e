"""The `run` script, without setting anything up: a stub stands for the environment's Python."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STUB = '#!/bin/sh\nif [ "$1" = --version ]; then echo "Python {version}"; exit; fi\nprintf "%s\\n" "$@"\n'

pytestmark = pytest.mark.skipif(not (ROOT / "run").exists(), reason="not a source checkout")


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what `run` looks at, in a folder with spaces, with an environment that is up to date."""
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    for name in ("run", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    executable(folder / ".venv/bin/python", STUB.format(version="3.11.9"))
    executable(folder / "bin/id", "#!/bin/sh\necho 1000\n")  # nobody who may install what is missing
    digest = hashlib.sha256((folder / "pyproject.toml").read_bytes()).hexdigest()
    state = f"Python 3.11.9\n{digest}  -\n"
    for extras in ("", "[dev]"):
        (folder / f".venv/.set-up{extras}").write_text(state)
    (folder / ".venv/.set-up-lxt").write_text(f"{state.strip()} lxt==2.1 transformers==4.57.6\n")
    return folder


def run(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "run", *arguments],
        cwd="/",
        env={"PATH": f"{checkout / 'bin'}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command_and_needs_no_environment(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    for arguments in ((), ("help",), ("--help",)):
        result = run(checkout, *arguments)
        assert result.returncode == 0
        for command in ("demo", "test [--all]", "lint", "coverage", "mutants", "bench", "evidence", "docs", "help"):
            assert f"  {command} " in result.stdout


def test_an_unknown_command_is_one_sentence_and_exit_code_2(checkout: Path) -> None:
    result = run(checkout, "tset")
    assert result.returncode == 2
    assert result.stderr == "run: there is no command 'tset'; ./run help lists them\n"


def test_an_environment_that_is_up_to_date_is_used_at_once_and_arguments_are_passed_on(checkout: Path) -> None:
    result = run(checkout, "demo", "--out", "two words")
    assert result.stdout.splitlines() == ["-m", "lrp_audit", "demo", "--out", "two words"]
    assert result.stderr == ""


@pytest.mark.parametrize(("arguments", "selection"), [([], "not slow"), (["--all"], "")])
def test_the_tests_that_run_by_default_leave_out_the_slow_ones(
    checkout: Path, arguments: list[str], selection: str
) -> None:
    result = run(checkout, "test", *arguments, "-k", "some name")
    assert result.stdout.splitlines() == ["-m", "pytest", "-n", "2", "-m", selection, "-k", "some name"]


def scripts(checkout: Path, command: str, *arguments: str) -> list[str]:
    """The scripts that a command runs, in their order."""
    lines = run(checkout, command, *arguments).stdout.splitlines()
    return [line for line in lines if line.startswith("benchmarks/")]


def test_every_benchmark_is_run_by_one_of_two_commands_and_gets_its_arguments(checkout: Path) -> None:
    speed, quality = scripts(checkout, "bench"), scripts(checkout, "evidence")
    both = [path for path in (ROOT / "benchmarks").glob("*.py") if "def main(" in path.read_text()]
    assert sorted(speed + quality) == sorted(f"benchmarks/{path.name}" for path in both)
    result = run(checkout, "evidence", "--quick")
    assert result.stdout.count("--quick") == len(quality)
    assert result.stdout.endswith("All of it took 0 minutes.\n")


def test_a_benchmark_that_fails_is_named_behind_the_others(checkout: Path) -> None:
    stub = STUB.format(version="3.11.9").replace("printf", '[ "$1" = benchmarks/text.py ] && exit 1\nprintf')
    executable(checkout / ".venv/bin/python", stub)
    result = run(checkout, "bench")
    assert result.returncode == 2
    assert result.stderr == "run: these did not come to an end: text\n"
    assert "benchmarks/sealing.py" in result.stdout


@pytest.mark.parametrize("ci", ["true", ""], ids=["in continuous integration", "elsewhere"])
def test_without_the_environment_for_lxt_only_continuous_integration_stops(checkout: Path, ci: str) -> None:
    (checkout / ".venv/.set-up-lxt").unlink()
    stub = '#!/bin/sh\n[ "$2" != venv ] || exit 1\n' + STUB.removeprefix("#!/bin/sh\n").format(version="3.11.9")
    executable(checkout / ".venv/bin/python", stub)
    result = run(checkout, "test", "--all", CI=ci)
    assert "the environment for LXT could not be set up" in result.stderr
    assert result.returncode == (2 if ci else 0)
    assert ("pytest" in result.stdout) == (not ci)


@pytest.mark.parametrize("change", ["pyproject", "python"])
def test_a_change_of_requirements_or_python_sets_up_again(checkout: Path, change: str) -> None:
    if change == "pyproject":
        with (checkout / "pyproject.toml").open("a") as file:
            file.write("# changed\n")
    else:
        executable(checkout / ".venv/bin/python", STUB.format(version="3.12.1"))
    libraries = executable(
        checkout / "bin/ldconfig",
        "#!/bin/sh\necho libpango-1.0.so.0 libpangoft2-1.0.so.0\necho libharfbuzz-subset.so.0\n",
    )
    result = run(checkout, "demo", PATH=f"{libraries.parent}:{os.environ['PATH']}")
    assert "setting up .venv" in result.stderr
    torch, package = result.stdout.split("-m\npip\ninstall\n")[1:]
    assert "torch==2.13.0" in torch
    assert "--editable\n.\n" in package
    assert run(checkout, "demo").stderr == ""


def test_an_old_python_is_named(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    old = executable(
        checkout / "bin/python3",
        '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\n[ "$2" = "import ensurepip, venv" ]\n',
    )
    executable(
        checkout / "bin/ldconfig",
        "#!/bin/sh\necho libpango-1.0.so.0 libpangoft2-1.0.so.0\necho libharfbuzz-subset.so.0\n",
    )
    result = run(checkout, "demo", PATH=f"{old.parent}:{os.environ['PATH']}")
    assert result.returncode == 2
    assert "Python 3.11 or newer is needed, this is Python 3.9.2" in result.stderr


def test_without_rights_the_line_to_type_is_printed(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    executable(checkout / "bin/sudo", "#!/bin/sh\nexit 1\n")
    executable(checkout / "bin/apt-get", "#!/bin/sh\nexit 1\n")
    executable(checkout / "bin/ldconfig", "#!/bin/sh\necho libpango-1.0.so.0\n")
    result = run(checkout, "demo", PATH=f"{checkout / 'bin'}:{os.environ['PATH']}")
    assert result.returncode == 2
    assert result.stderr.strip().endswith(
        "type: sudo apt-get install --no-install-recommends libpangoft2-1.0-0 libharfbuzz-subset0"
    )


def test_the_script_is_plain_shell() -> None:
    assert (ROOT / "run").read_text().startswith("#!/bin/sh\n")
    for script, shell in (("run", "sh"), (".ci/run", "bash")):
        subprocess.run([shell, "-n", ROOT / script], check=True)
        assert os.access(ROOT / script, os.X_OK)
