"""index.html finds any decision without network, and takes nothing that a decision says for markup."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import decision_rows
import pyarrow as pa
import pytest
import records

from lrp_audit.batch.finishing.index import write_index
from lrp_audit.batch.finishing.rows import NEEDED, cut, listed
from lrp_audit.report.batch_report import RunFacts, Scope
from lrp_audit.report.counting import summarise
from lrp_audit.report.index_page import ROWS, rows_script
from lrp_audit.sealing import layout

CONFIG = records.config()
FACTS = RunFacts(scope=Scope(population="3 rows", source="<b>loans & more</b>.csv"))
HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>\u2028=1+1'
CHROMIUM = shutil.which("chromium")


def written(folder: Path, decisions: pa.Table) -> str:
    columns = decision_rows.columns(decisions, 4000)
    write_index(columns, summarise(columns, FACTS), CONFIG, folder, ["decisions.csv"])
    return (folder / layout.INDEX).read_text(encoding="utf-8")


def many(count: int) -> pa.Table:
    """So many decisions, with ids that count up; the last one is refused."""
    usual, refused = records.record(), records.record(refusals=(records.REFUSAL,))
    documents = {0: {"notice.pdf": records.HASH, "audit.pdf": records.HASH}}
    pair = decision_rows.table([usual, refused], documents=documents)
    table = pair.take(pa.array([0] * (count - 1) + [1]))
    ids = pa.array([f"LN-{number:06d}" for number in range(count)])
    return table.set_column(1, table.schema.field(1), ids)


def rows_of(script: bytes) -> dict[str, Any]:
    found = re.fullmatch(rb"decisions\((.*)\)\n", script)
    assert found is not None
    columns: dict[str, Any] = json.loads(found[1])
    return columns


def test_scripts_hold_the_rows_and_end_no_element(tmp_path: Path) -> None:
    facts = records.decision(id=HOSTILE)
    table = decision_rows.table([records.record(decision=facts), records.record(refusals=(records.REFUSAL,))])
    script = rows_script(listed(table))
    assert script.isascii()
    assert b"<" not in script
    columns = rows_of(script)
    assert columns["id"] == [HOSTILE, "2026-004711"]
    state = columns["state"]
    assert [state["texts"][at] if at >= 0 else None for at in state["at"]] == [None, records.REFUSAL.state]


def test_the_policy_allows_the_page_s_own_script_and_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = written(tmp_path, many(3))
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1])  # type: ignore[index]
    script = re.search(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert script is not None
    assert style is not None
    for kind, text in (("script", script[1]), ("style", style[1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"https?:|unsafe|innerHTML| on\w+=", page)
    assert "<b>loans" not in page


def test_rows_lie_in_scripts_of_one_size_and_old_ones_go(tmp_path: Path) -> None:
    table = many(2 * ROWS + 5)
    written(tmp_path, table)
    scripts = sorted((tmp_path / layout.INDEX_ROWS).iterdir())
    assert [path.name for path in scripts] == ["00000.js", "00001.js", "00002.js"]
    assert [len(rows_of(path.read_bytes())["id"]) for path in scripts] == [ROWS, ROWS, 5]
    written(tmp_path, table.slice(0, 3))
    assert [path.name for path in (tmp_path / layout.INDEX_ROWS).iterdir()] == ["00000.js"]


def test_cutting_keeps_every_row_in_order() -> None:
    table = many(23)
    for size in (1, 5, 23, 40):
        parts = list(cut(decision_rows.columns(table, 7)(NEEDED), size))
        assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
        assert pa.concat_tables(parts)["id"].to_pylist() == table["id"].to_pylist()


def shown(folder: Path, profile: Path, search: str = "") -> str:
    """The page as a browser has it once its scripts are done; the words of its status and of its rows."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}", "--virtual-time-budget=20000",
        "--dump-dom", f"{(folder / layout.INDEX).as_uri()}#{search}",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode()


def status(page: str) -> str:
    found = re.search(r'id="status"[^>]*>([^<]*)<', page)
    assert found is not None
    return html.unescape(found[1])


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_finds_decisions_over_all_scripts(tmp_path: Path) -> None:
    folder, profile = tmp_path / "batch #1", tmp_path / "profile"
    folder.mkdir()
    written(folder, many(ROWS + 500))
    page = shown(folder, profile)
    assert status(page) == "10,500 of 10,500 decisions"
    assert "LN-000049" in page
    assert "LN-000050" not in page
    page = shown(folder, profile, "text=ln-010499")
    assert status(page) == "1 of 10,500 decisions"
    assert records.REFUSAL.next_step in html.unescape(page)
    assert 'href="documents/' not in page
    page = shown(folder, profile, f"state={records.REFUSAL.state}")
    assert status(page) == "1 of 10,500 decisions"
    page = shown(folder, profile, "state=-&sort=id&down=")
    assert status(page) == "the first 5,000 of 10,499 decisions; decisions.csv has all of them"
    assert 'aria-sort="descending"' in page
    assert page.index("LN-010498") < page.index("LN-010497")
    assert 'href="documents/' in page
    page = shown(folder, profile, f"reason={quote('Length of employment')}&outcome=favourable")
    assert status(page) == "No decision fits."


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_shows_hostile_texts_as_texts(tmp_path: Path) -> None:
    table = decision_rows.table([records.record(decision=records.decision(id=HOSTILE))], failed={HOSTILE: HOSTILE})
    written(tmp_path, table)
    page = shown(tmp_path, tmp_path / "profile")
    assert status(page) == "2 of 2 decisions"
    assert "<img" not in page
    assert html.escape(HOSTILE, quote=False) in page


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_says_which_file_is_missing(tmp_path: Path) -> None:
    written(tmp_path, many(3))
    (tmp_path / layout.INDEX_ROWS / "00000.js").unlink()
    assert status(shown(tmp_path, tmp_path / "profile")) == (
        "index/00000.js cannot be loaded: it belongs beside this page."
    )
