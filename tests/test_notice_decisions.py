"""From a row of the data to its notice: what the row says is what is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pypdfium2
import pytest

COLUMNS = {
    "action": "action",
    "counteroffer_terms": "terms",
    "counteroffer_accept_by": "until",
    "counteroffer_date": "offered",
    "missing_items": "missing",
    "respond_by": "by",
}
DENIED = ("A-00001", "A-00002", "A-00003")


@pytest.fixture
def written(sample_folder: Path, command: Callable[..., Any]) -> dict[str, tuple[dict[str, Any], str]]:
    """Id -> record and text of the notice, of three denials of the samples made into other cases."""
    data = sample_folder / "synthetic_applications.csv"
    table = pd.read_csv(data, dtype=str, keep_default_na=False).drop_duplicates("application_id")
    table = table.set_index("application_id", drop=False)
    table = table.loc[list(DENIED)].assign(**dict.fromkeys(COLUMNS.values(), ""))
    table.loc["A-00001", ["action", "terms", "until"]] = ["counteroffer", "$1,000; 24 months", "2026-12-20"]
    lacking = {"action": "incomplete", "missing": "Pay stubs", "by": "2026-12-15", "annual_income": "not yet known"}
    for column, value in (lacking | {"recorded_outcome": "", "recorded_score": ""}).items():
        table.loc["A-00002", column] = value
    table.loc["A-00003", "offered"] = "2026-10-30"
    table.to_csv(data, index=False)
    settings = sample_folder / "audit.toml"
    facts = "".join(f'{fact} = "{column}"\n' for fact, column in COLUMNS.items())
    settings.write_text(settings.read_text("utf-8").replace("[facts]\n", f"[facts]\n{facts}", 1), "utf-8")
    done = command(
        "letter", data, "--config", settings, "--as-of", "2026-11-16", "--out", sample_folder / "out", "--json"
    )
    assert done.code == 0, done.err
    found = {}
    for item in json.loads(done.out)["decisions"]:
        paths = {Path(path).name: Path(path) for path in item["files"]}
        with pypdfium2.PdfDocument(paths["notice.pdf"]) as pdf:
            text = " ".join(" ".join(page.get_textpage().get_text_bounded().split()) for page in pdf)
        found[item["id"]] = json.loads(paths["record.json"].read_bytes()), text
    return found


@pytest.mark.rule("US-11", "US-06", "RS-05")
def test_a_row_gets_the_notice_that_it_is_about(written: dict[str, tuple[dict[str, Any], str]]) -> None:
    record, text = written["A-00001"]
    assert "Notice of action taken and counteroffer" in text
    assert all(part in text for part in ("$1,000", "24 months", "December 20, 2026", record["reasons"][0]["text"]))
    record, text = written["A-00002"]  # its income cannot be scored, and need not be
    assert "Notice of incomplete application" in text
    assert "Pay stubs" in text
    assert (record["outcome"], record["contributions"], record["reasons"], record["refusals"]) == (None, [], [], [])
    record, text = written["A-00003"]
    assert "Notice of action taken" in text
    assert "counteroffer" not in text
    assert record["decision"]["dates"]["notice_due"] == "2027-01-28"  # 90 days after the offer
