"""What audit.toml may say about variations, and what it is told where that makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrp_audit.errors import ConfigError
from lrp_audit.settings import config

MODEL = '[model]\nfile = "model.skops"\n'


def loaded(folder: Path, text: str) -> config.AuditConfig:
    path = folder / "audit.toml"
    path.write_text(MODEL + text, encoding="utf-8")
    return config.load(path)


def test_limits_of_a_column_are_read(tmp_path: Path) -> None:
    text = '[columns.debt]\nmutable = true\nvary = "down"\nstep = 100\nminimum = 0\nmaximum = 5e3\n'
    column = loaded(tmp_path, text + "[variations]\nmost = 1\nmax_changes = 2\nsearch = false\n").columns["debt"]
    assert (column.vary, column.step, column.minimum, column.maximum) == ("down", 100, 0, 5000)
    settings = loaded(tmp_path, "[columns.debt]\nmutable = true\n")
    assert (settings.columns["debt"].vary, settings.variations.max_changes) == ("any", 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[columns.debt]\nvary = "down"\n',
            "line 4: columns.debt.vary has no effect, since columns.debt is not mutable",
        ),
        ("[columns.debt]\nmutable = false\nstep = 1\n", "line 5: columns.debt.step has no effect"),
        (
            "[columns.debt]\nmutable = true\nminimum = 2\nmaximum = 1\n",
            "line 5: columns.debt.minimum must not be above",
        ),
        ("[columns.debt]\nmutable = true\nstep = 0\n", "line 5: columns.debt.step must be greater than 0"),
        ('[columns.debt]\nmutable = true\nvary = "downwards"\n', "line 5: columns.debt.vary must be"),
        ("[variations]\nmax_changes = 4\n", "line 4: variations.max_changes must be at most 3, not 4."),
        ("[variations]\nmost = 0\n", "line 4: variations.most must be at least 1, not 0."),
        ("[variations]\nmax_change = 2\n", "did you mean 'max_changes'?"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as told:
        loaded(tmp_path, text)
    assert message in str(told.value)
    assert "\n" not in str(told.value)
