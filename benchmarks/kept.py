"""Where the figures of a script are kept, with what they depend on and how long the script took."""

import json
import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
BEGAN = time.monotonic()  # when the script imported this, behind its libraries
Facts = dict[str, object]


def environment(*packages: str, **others: object) -> Facts:
    """Versions and processor, and what else the figures depend on."""
    found: Facts = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found | others | {"processor": _processor()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def keep(name: str, environment: Facts, found: Mapping[str, object], *, quick: bool) -> None:
    """Write results/NAME.json and say so; what `--quick` finds lies in results/quick and is not for quoting."""
    path = (RESULTS / "quick" if quick else RESULTS) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    duration = took()
    path.write_text(json.dumps({"environment": environment | {"took": duration}, **found}, indent=2) + "\n")
    print(f"\n{name} took {duration}; its figures are in {path.relative_to(RESULTS.parents[1])}", flush=True)


def took() -> str:
    """How long the script has run."""
    minutes, seconds = divmod(round(time.monotonic() - BEGAN), 60)
    return f"{minutes} min {seconds} s"
