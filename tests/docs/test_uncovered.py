"""What no test reached is counted by room, and the largest holes are named."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).resolve().parents[2] / "docs" / "uncovered.py"
pytestmark = pytest.mark.skipif(not PATH.exists(), reason="not a source checkout")


@pytest.fixture
def uncovered(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("uncovered", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "uncovered", module)
    spec.loader.exec_module(module)
    return module


def file(reached: int, lines: int, branches: tuple[int, int] = (0, 0), **missing: list[int]) -> dict[str, Any]:
    counts = {"covered_lines": reached, "num_statements": lines}
    counts |= {"covered_branches": branches[0], "num_branches": branches[1]}
    return {"summary": counts, "functions": {name: {"missing_lines": found} for name, found in missing.items()}}


FILES = {
    "lrp_audit/report/a.py": file(3, 8, whole=[], some=[3, 4, 5, 9]),
    "lrp_audit/report/b.py": file(2, 2, (3, 10)),
    "lrp_audit/cli.py": file(5, 10, main=[1, 3, 5, 7, 9]),
}


def test_a_room_s_share_is_that_of_its_lines_and_branches_together(uncovered: Any) -> None:
    assert uncovered.shares(FILES) == {"cli": (10, 0.5), "report": (10, 0.4), "all": (20, 13 / 30)}


def test_the_largest_holes_come_first_and_whole_functions_are_none(uncovered: Any) -> None:
    assert [(hole.name, len(hole.lines)) for hole in uncovered.holes(FILES)] == [("main", 5), ("some", 4)]
    assert [hole.name for hole in uncovered.holes(FILES, most=1)] == ["main"]
    assert "| `lrp_audit/report/a.py` | `some` | 3–5, 9 |" in uncovered.tables(FILES)
