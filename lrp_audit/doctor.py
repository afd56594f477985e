"""What this installation consists of, what it lacks, and what it has in a version that the package does not support."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from lrp_audit.deciding.libraries import SUBSET, system_libraries
from lrp_audit.errors import LrpAuditError
from lrp_audit.resources import samples, templates

PACKAGES = (
    "lrp_audit", "torch", "scikit-learn", "numpy", "pandas", "pyarrow", "skops", "safetensors", "pydantic", "rfc8785",
    "Jinja2", "weasyprint", "font-source-sans-pro", "typer", "rich", "scipy", "transformers", "tokenizers", "icu4py",
    "phonenumbers", "regex",
)  # fmt: skip
REINSTALL = "install the package again: its wheel is not complete here"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its version or place, and the versions supported; else what to type."""

    name: str
    found: str | None
    remedy: str = ""
    supported: SpecifierSet = field(default_factory=SpecifierSet)

    @property
    def right(self) -> bool:
        """Whether it is there, in a version that the package supports."""
        return self.found is not None and (not self.supported or self.supported.contains(self.found, prereleases=True))

    @property
    def text(self) -> str:
        """What is said of it on its line."""
        if self.found is None:
            return f"MISSING: {self.remedy}"
        if not self.right:
            return f"{self.found} is NOT SUPPORTED: {self.remedy}"
        return f"{self.found} (supported: {self.supported})" if self.supported else self.found


def examine() -> tuple[Finding, ...]:
    """Everything a run needs, in the order in which a new machine would get it."""
    return (Finding("python", platform.python_version()), *_packages(), *_libraries(), *_files())


def apt_line(findings: tuple[Finding, ...]) -> str | None:
    """The one line that installs the missing system libraries on Debian or Ubuntu."""
    missing = [item.remedy for item in findings if item.found is None and item.remedy.startswith("lib")]
    return f"sudo apt-get install --no-install-recommends {' '.join(missing)}" if missing else None


def _packages() -> Iterator[Finding]:
    supported = _supported()
    for name in PACKAGES:
        wanted = supported.get(name.lower(), SpecifierSet())
        remedy = f'pip install "{name}{wanted}"'
        try:
            yield Finding(name, metadata.version(name), remedy, wanted)
        except metadata.PackageNotFoundError:
            yield Finding(name, None, remedy, wanted)


def _supported() -> dict[str, SpecifierSet]:
    """Package in lower case -> the versions that this package asks for."""
    lines = [Requirement(line) for line in metadata.requires("lrp_audit") or ()]
    return {line.name.lower(): line.specifier for line in lines if line.marker is None}


def _libraries() -> Iterator[Finding]:
    remedies = {
        "pango": "libpango-1.0-0",
        "pangoft2": "libpangoft2-1.0-0",
        "harfbuzz": "libharfbuzz0b",
        SUBSET: "libharfbuzz-subset0",
    }
    for name, version in system_libraries().items():
        yield Finding(name, version, remedies[name])


def _files() -> Iterator[Finding]:
    yield Finding("fonts", _font_folder(), "pip install font-source-sans-pro")
    yield Finding("templates", _folder(templates), REINSTALL)
    yield Finding("samples", _folder(samples), REINSTALL)


def _font_folder() -> str | None:
    package = util.find_spec("font_source_sans_pro")
    if package is None or package.origin is None:
        return None
    files = sorted(Path(package.origin).parent.rglob("SourceSansPro-*.ttf"))
    return f"{len(files)} faces of Source Sans Pro" if files else None


def _folder(find: Callable[[], Path]) -> str | None:
    try:
        return str(find())
    except LrpAuditError:
        return None
