"""The site: it builds without a warning, asks nobody else for anything, and its reference is what the program does."""

import ast
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lrp_audit import explain
from lrp_audit.records.record import Record, canonical
from lrp_audit.resources import samples
from lrp_audit.settings.config import AuditConfig
from lrp_audit.tables import read_table

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "mkdocs.yml").exists(), reason="not a source checkout")
LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class Loads(HTMLParser):
    """Addresses that a browser asks for by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") not in {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch"}:
            return
        address = given.get(LOADED.get(tag, ""))
        if address:
            self.found.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    line = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_pages_ask_nobody_else_for_anything(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert loads.found
        assert not [address for address in loads.found if re.match(r"(https?:)?//", address)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.slow
def test_reference_pages_stand_in_the_site(site: Path) -> None:
    for name, words in {
        "reference/command-line.html": "lrp-audit letter",
        "reference/settings.html": "cutoff_on",
        "reference/record.html": "ColumnContribution",
        "reference/api.html": "trust_model",
        "architecture/rooms.html": "the report knows nothing of torch",
        "quality/evidence.html": "tests/oracles/test_zennit.py",
        "quality/benchmarks.html": "./run bench",
        "notebooks/text.html": "heatmap_html",
    }.items():
        assert words in (site / name).read_text(encoding="utf-8")
    for name in ("record", "plan", "manifest", "event"):
        json.loads((site / f"reference/{name}.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The scripts that write the reference."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "site")
    return __import__


def test_every_key_of_the_settings_is_listed(reference: Any) -> None:
    page = reference("models").settings_page()
    assert "## [columns.NAME]" in page
    assert "## [text.reasons.NAME]" in page
    assert "## [signing.pkcs11]" in page
    assert '| `cutoff_on` | `"probability"`, `"margin"`, `"value"` | `"probability"` |' in page
    for name in AuditConfig.model_fields:
        assert re.search(rf"^## (\[{name}\b|\[\[{name}\]\])", page, re.MULTILINE), name


def test_a_comment_beside_a_field_or_a_continued_one_is_its_description(reference: Any) -> None:
    page = reference("models").settings_page()
    row = next(line for line in page.splitlines() if line.startswith("| `cutoff` |"))
    assert row.endswith("| refusal at or above; default 0.5 probability, or margin 0 |")


def test_every_command_and_option_is_listed(reference: Any) -> None:
    page = reference("commands").page()
    for words in ("## `lrp-audit init`", "### `lrp-audit template check`", "`--as-of DATE`", "`--trust-model`"):
        assert words in page


def test_every_room_is_listed_with_what_it_is_for(reference: Any) -> None:
    page = reference("rooms").page()
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", page, re.MULTILINE)
    assert {name for name, _, _ in rows} >= {"engine", "report", "records", "cli"}
    assert [name for name, purpose, _ in rows if not purpose] == []
    assert {name: imports for name, _, imports in rows}["records"] in {"", "`errors`"}


def test_records_keep_their_schema_and_nothing_else_does(reference: Any) -> None:
    schema = json.loads(reference("models").schema(Record))
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    frame = read_table(samples() / "synthetic_applications.csv").iloc[[1, 30, 43]]
    for explanation in explain(samples() / "synthetic_pipeline.skops", frame, config=samples() / "audit.toml"):
        record = json.loads(canonical(explanation.record))
        checker.validate(record)
        for wrong in ({**record, "name": "A. Applicant"}, {**record, "schema_version": "0"}, {}):
            assert not checker.is_valid(wrong)


def test_benchmarks_are_drawn_to_one_scale_and_missing_ones_are_named(reference: Any, tmp_path: Path) -> None:
    rows = [
        {"key": "EC", "document": "notice", "way": "ours & theirs", "ms": 2.0},
        {"key": "RSA", "document": "notice", "way": "other", "ms": 5.0},
        {"key": "EC", "document": "notice", "way": "other", "ms": 8.0},
    ]
    (tmp_path / "signing.json").write_text(json.dumps({"environment": {"a": "1"}, "rows": rows}))
    page = reference("benchmarks").page(tmp_path)
    assert "No results of `benchmarks/engine.py` are here." in page
    assert re.findall(r"\*\*(notice, \w+)\*\*", page) == ["notice, EC", "notice, RSA"]
    assert [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', page)] == [60, 240, 240]
    assert "ours &amp; theirs" in page
    assert "`benchmarks/signing.py`. a 1\n" in page


def test_tolerances_are_read_from_arguments_limits_constants_and_helpers(reference: Any, tmp_path: Path) -> None:
    evidence = reference("evidence")
    (tmp_path / "helper.py").write_text("def same(a, b, *, relative=1e-6): ...\ndef other(*, rtol=1e-3): ...\n")
    tree = ast.parse(
        "from helper import same\nEXACT = 1e-9\nepsilon = 1e-4\nclose(a, b, atol=1e-8)\nassert worst < 1e-7 * scale\n"
        "assert share < 0.5\n"
    )
    assert evidence.tolerances(tree) == {1e-9, 1e-8, 1e-7}
    assert evidence.helpers_tolerances(tree, tmp_path) == {1e-6}
