"""Every rule is shown by a test, or says where it will be; docs/reference/rules.md says what the markers say."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rule_docs", ROOT / "docs" / "rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_every_rule_has_a_test_or_a_later_home(docs: ModuleType) -> None:
    _, rules = docs.rules()
    tests = docs.marked()
    assert [rule.id for rule in rules if rule.id not in tests and rule.home is None] == []


def test_no_rule_with_tests_is_left_to_later(docs: ModuleType) -> None:
    _, rules = docs.rules()
    tests = docs.marked()
    assert [rule.id for rule in rules if rule.id in tests and rule.home is not None] == []


def test_markers_name_rules_that_there_are(docs: ModuleType) -> None:
    groups, rules = docs.rules()
    assert set(docs.marked()) <= {rule.id for rule in rules}
    assert {rule.id.split("-")[0] for rule in rules} == set(groups)


def test_the_page_is_up_to_date(docs: ModuleType) -> None:
    written = docs.PAGE.read_text(encoding="utf-8")
    assert written == docs.page(*docs.rules(), docs.marked()), "run `./run docs` and commit docs/reference/rules.md"


def test_markers_of_functions_are_collected_with_all_their_ids(docs: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    marks = "@pytest.mark.rule('A-1', 'A-2')\n@pytest.mark.rule('B-1')\n"
    source = f"import pytest\n{marks}def test_x(): ...\ndef test_y(): ...\n"
    (tmp_path / "tests" / "test_a.py").write_text(source, encoding="utf-8")
    assert docs.marked(tmp_path / "tests") == {name: ["tests/test_a.py::test_x"] for name in ("A-1", "A-2", "B-1")}
