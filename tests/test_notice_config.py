"""Settings of the US notice's forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrp_audit.errors import ConfigError
from lrp_audit.settings import config
from lrp_audit.settings.config import AuditConfig


def loaded(folder: Path, text: str) -> AuditConfig:
    path = folder / "audit.toml"
    path.write_text(f'[model]\nfile = "m.skops"\n{text}', encoding="utf-8")
    return config.load(path)


@pytest.mark.rule("US-06", "US-07")
def test_oral_reasons_need_reasons_on_request(tmp_path: Path) -> None:
    asked = loaded(tmp_path, '[documents]\nreasons = "on-request"\noral_reasons = true\n')
    assert asked.documents.oral_reasons
    with pytest.raises(ConfigError, match=r'line 4: documents\.oral_reasons needs documents\.reasons = "on-request"'):
        loaded(tmp_path, "[documents]\noral_reasons = true\n")


def test_reasons_are_stated_unless_asked_otherwise(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").documents.reasons == "stated"
    with pytest.raises(ConfigError, match=r"documents\.reasons"):
        loaded(tmp_path, '[documents]\nreasons = "both"\n')


@pytest.mark.rule("US-12")
def test_every_creditor_of_a_third_party_needs_name_and_address(tmp_path: Path) -> None:
    entry = '[[creditors]]\nname = "{}"\naddress = ["1 Main Street"]\n'
    made = loaded(tmp_path, entry.format("First Bank") + entry.format("Second Bank"))
    assert [creditor.name for creditor in made.creditors] == ["First Bank", "Second Bank"]
    with pytest.raises(ConfigError, match=r"creditors.*name"):
        loaded(tmp_path, entry.format("First Bank") + entry.format(" "))
    with pytest.raises(ConfigError, match=r"creditors.*address"):
        loaded(tmp_path, '[[creditors]]\nname = "First Bank"\n')
