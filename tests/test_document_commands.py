"""Commands for documents that are there already: review, correct, render, sign, verify, each with its mistakes."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import signing_keys as keys

from lrp_audit.signing import PASSPHRASE

Result = Any  # code, out, err
Command = Callable[..., Result]

ROW = "R-001"
REVIEWER = ("--by", "M. Okafor", "--role", "Senior credit officer")


@pytest.fixture
def folder(sample_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lender whose letters need a review, and whose documents can be signed."""
    refusals = sample_folder / "refusals"
    keys.write_pkcs12(refusals / "lender.p12")
    keys.write_root(refusals / "root.pem")
    config = refusals / "review_required.toml"
    config.write_text(config.read_text(encoding="utf-8") + '\n[signing]\npkcs12 = "lender.p12"\n', encoding="utf-8")
    monkeypatch.setenv(PASSPHRASE, keys.PASSPHRASE)
    return refusals


def here(folder: Path) -> tuple[object, ...]:
    return "--config", folder / "review_required.toml", "--out", folder / "out"


def letter(command: Command, folder: Path, *more: object, as_of: str = "2026-11-16") -> Result:
    return command("letter", folder / "synthetic_rows.csv", *here(folder), "--id", ROW, "--as-of", as_of, *more)


def uphold(command: Command, folder: Path) -> Result:
    return command("review", ROW, "--uphold", *REVIEWER, *here(folder))


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "out").rglob("*") if path.is_file()}


def assert_one_sentence(result: Result, *said: str) -> None:
    assert result.code == 2, result
    assert "Traceback" not in result.err
    lines = [line for line in result.err.splitlines() if not line.startswith("Ignored, since")]
    assert len(lines) == 1, result.err
    for words in said:
        assert words in lines[0]


# --- review and render ------------------------------------------------------------------------------------------------


@pytest.mark.rule("CA-12")
def test_a_letter_waits_for_its_review_and_is_then_rendered(command: Command, folder: Path) -> None:
    waiting = letter(command, folder)
    assert waiting.code == 1
    assert "REVIEW_PENDING (CA-12, G-02)" in waiting.err
    assert names(folder) == {"record.json", "addressee.json"}
    assert command("render", ROW, *here(folder)).code == 1
    assert uphold(command, folder).out == "Logged 1 review.\n"
    rendered = command("render", ROW, *here(folder))
    assert rendered.code == 0, rendered.err
    assert rendered.out.splitlines()[-1].endswith("/notice.pdf")
    assert letter(command, folder).code == 0
    history = command("review", ROW, *here(folder))
    assert "review by M. Okafor (Senior credit officer): verdict: uphold" in history.out
    assert json.loads(command("review", ROW, "--json", *here(folder)).out)[0]["kind"] == "review"


def test_an_audit_that_waits_for_review_is_no_refusal(command: Command, folder: Path) -> None:
    data = folder / "synthetic_rows.csv"
    result = command("audit", data, *here(folder), "--id", ROW, "--as-of", "2026-11-16")
    assert result.code == 0, result.err
    assert command("render", ROW, "--only", "audit", *here(folder)).code == 0


def test_an_overturned_letter_is_withdrawn_at_once(command: Command, folder: Path) -> None:
    letter(command, folder)
    uphold(command, folder)
    assert letter(command, folder).code == 0
    overturned = command("review", ROW, "--overturn", "--grounds", "Income was misread", *REVIEWER, *here(folder))
    assert overturned.code == 0, overturned.err
    assert "WITHDRAWN-notice.pdf" in names(folder)
    assert "notice.pdf" not in names(folder)
    refused = letter(command, folder)
    assert refused.code == 1
    assert "Income was misread" in refused.err


def test_reviews_are_imported_once(command: Command, folder: Path) -> None:
    letter(command, folder)
    table = folder / "reviews.csv"
    table.write_text(f"id,verdict,by,role,time,grounds\n{ROW},uphold,A. Ito,Officer,2026-11-22T09:30:00Z,\n")
    assert command("review", "--import", table, *here(folder)).out == "Logged 1 review.\n"
    assert command("review", "--import", table, *here(folder)).out == "Logged 0 reviews; 1 known already.\n"
    assert letter(command, folder).code == 0


def test_a_table_with_a_wrong_row_logs_nothing(command: Command, folder: Path) -> None:
    letter(command, folder)
    table = folder / "reviews.csv"
    row = "uphold,A. Ito,Officer,2026-11-22T09:30:00Z,\n"
    table.write_text(f"id,verdict,by,role,time,grounds\n{ROW},{row}X-999,{row}")
    assert_one_sentence(command("review", "--import", table, *here(folder)), "Decision 'X-999'", "holds no record.json")
    assert "events.jsonl" not in names(folder)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([ROW, "--uphold"], "reviewer's name"),
        ([ROW, "--overturn", *REVIEWER], "needs its grounds"),
        ([ROW, "--uphold", "--return", *REVIEWER], "Name one decision"),
        (["--uphold", *REVIEWER], "Name one decision"),
        ([], "Name one decision"),
        (["R-002", "--uphold", *REVIEWER], "holds no record.json"),
        ([ROW, "--uphold", *REVIEWER, "--record", "ab" * 32], "review that one"),
    ],
)
def test_a_review_that_cannot_be_logged_is_one_sentence(
    command: Command, folder: Path, options: list[str], said: str
) -> None:
    letter(command, folder)
    assert_one_sentence(command("review", *options, *here(folder)), said)
    assert "events.jsonl" not in names(folder)


def test_without_the_key_no_folder_is_found_and_none_is_made(command: Command, folder: Path) -> None:
    assert_one_sentence(uphold(command, folder), "There is no key file")
    assert not (folder / "audit.key").exists()


def test_a_purged_addressee_is_named(command: Command, folder: Path) -> None:
    letter(command, folder)
    uphold(command, folder)
    next((folder / "out").rglob("addressee.json")).unlink()
    assert_one_sentence(command("render", ROW, *here(folder)), "addressee.json is missing")
    assert command("render", ROW, "--only", "audit", *here(folder)).code == 0


# --- correct ----------------------------------------------------------------------------------------------------------


def test_a_correction_is_a_new_letter_beside_the_old_one(command: Command, folder: Path) -> None:
    letter(command, folder)
    uphold(command, folder)
    letter(command, folder)
    (old,) = (folder / "out").glob("*/notice.pdf")
    content = old.read_bytes()
    assert letter(command, folder, "--corrects", "2026-11-16", as_of="2026-12-01").code == 1  # to be reviewed
    uphold(command, folder)
    made = letter(command, folder, "--corrects", "2026-11-16", as_of="2026-12-01")
    assert made.code == 0, made.err
    assert old.read_bytes() == content
    (new,) = (folder / "out").glob("*/*/notice.pdf")
    assert (new.parent / "audit.pdf").is_file()
    assert re.search("correction by lrp-audit", command("review", ROW, *here(folder)).out)


def test_a_correction_needs_one_decision_and_an_earlier_letter(command: Command, folder: Path) -> None:
    data = folder / "synthetic_rows.csv"
    assert_one_sentence(command("letter", data, *here(folder), "--corrects", "2026-11-16"), "--id")
    assert_one_sentence(letter(command, folder, "--corrects", "2026-11-16"), "--corrects", "no letters")


# --- sign and verify --------------------------------------------------------------------------------------------------


@pytest.mark.rule("CA-14")
def test_a_signed_letter_is_verified(command: Command, folder: Path) -> None:
    letter(command, folder)
    uphold(command, folder)
    assert command("render", ROW, "--sign", *here(folder)).code == 0
    (notice,) = (folder / "out").glob("*/notice.pdf")
    audit = notice.with_name("audit.pdf")
    checked = command("verify", notice, audit, "--trust", folder / "root.pem")
    assert checked.code == 0, checked.out
    assert checked.out.count("as Example Bank signed it") == 2
    assert "The event log holds this signature" in checked.out
    assert "reviewed on" in checked.out
    content = bytearray(notice.read_bytes())
    content[len(content) // 3] ^= 1
    notice.write_bytes(content)
    changed = command("verify", notice, "--json")
    assert changed.code == 1
    (findings,) = json.loads(changed.out).values()
    assert any(finding["holds"] is False for finding in findings)


def test_verification_loads_no_model(folder: Path, command: Command) -> None:
    letter(command, folder, "--draft")
    (draft,) = (folder / "out").rglob("DRAFT-notice.pdf")
    code = "\n".join(
        [
            "import sys, lrp_audit.cli",
            f"sys.argv[1:] = ['verify', {str(draft)!r}]",
            "try: lrp_audit.cli.main()",
            "except SystemExit: pass",
            "print([name for name in ('torch', 'pandas', 'weasyprint', 'sklearn') if name in sys.modules])",
        ]
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('[signing]\npkcs12 = "lender.p12"\n', "", "--sign needs the section [signing]"),
        ("lender.p12", "absent.p12", "absent.p12 cannot be read"),
        ("pkcs12", "pkcs13", "did you mean 'pkcs12'"),
    ],
)
def test_a_key_that_is_not_there_is_one_sentence(
    command: Command, folder: Path, before: str, after: str, said: str
) -> None:
    config = folder / "review_required.toml"
    config.write_text(config.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    assert_one_sentence(letter(command, folder, "--sign"), said)
    assert not (folder / "out").exists()


def test_a_wrong_passphrase_writes_nothing(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "guess")
    assert_one_sentence(letter(command, folder, "--sign"), "the passphrase is wrong")
    assert not (folder / "out").exists()


def test_drafts_are_not_signed(command: Command, folder: Path) -> None:
    assert_one_sentence(letter(command, folder, "--sign", "--draft"), "Drafts are not signed")


def test_without_the_extra_the_sentence_names_it(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyhanko", None)
    assert_one_sentence(letter(command, folder, "--sign"), "pip install 'lrp_audit[sign]'")
    assert_one_sentence(command("verify", folder / "root.pem"), "pip install 'lrp_audit[sign]'")


def test_what_cannot_be_verified_is_named(command: Command, folder: Path) -> None:
    assert_one_sentence(command("verify", folder / "absent.pdf"), "absent.pdf cannot be read")
    assert_one_sentence(command("verify", folder / "root.pem", "--trust", folder / "lender.p12"), "no certificate")
    assert command("verify", folder / "root.pem").code == 1


@pytest.mark.rule("G-02")
def test_no_letter_is_written_where_nothing_is_checked(command, sample_folder):
    settings = sample_folder / "audit.toml"
    settings.write_text(settings.read_text().replace("[checks]", '[checks]\nlevel = "none"'))
    asked = (sample_folder / "synthetic_applications.csv", "--config", settings, "--out", sample_folder / "out")
    result = command("letter", *asked)
    assert result.code == 2
    assert "checks.level" in result.err
    assert not (sample_folder / "out").exists()
