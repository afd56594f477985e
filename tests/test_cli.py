"""The command line: what it prints and writes, how it exits, and that no mistake of a user ends in a traceback."""

import ctypes
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from lrp_audit.settings.config import load
from lrp_audit.tables import read_table

Result = Any  # code, out, err
Command = Callable[..., Result]

COMMANDS = ("init", "explain", "letter", "audit", "review", "render", "verify", "demo", "doctor", "validate", "rules")
AS_OF = ("--as-of", "2026-11-16")
DENIED, APPROVED, INVALID, NOT_REPRODUCED = "A-00001", "A-00027", "A-00041", "A-00037"


@pytest.fixture
def small(sample_folder: Path) -> Path:
    """The sample folder with few applications to decide: two denials, one approval, two odd rows."""
    path = sample_folder / "synthetic_applications.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = ("A-00002", "A-00003", APPROVED, INVALID, NOT_REPRODUCED)
    path.write_text("\n".join([lines[0], *(line for line in lines if line.startswith(kept))]), encoding="utf-8")
    return sample_folder


def arguments(folder: Path, *more: str) -> list[object]:
    data, config = folder / "synthetic_applications.csv", folder / "audit.toml"
    return [data, "--config", config, "--out", folder / "out", *AS_OF, *more]


# --- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(command: Command, name: str) -> None:
    result = command(name, "--help")
    assert result.code == 0
    assert f"Example: lrp-audit {name}" in " ".join(result.out.split())


def test_brackets_in_help_are_text_and_no_markup(command: Command) -> None:
    assert "[signing]" in command("letter", "--help").out


def test_help_is_fast_since_heavy_libraries_wait() -> None:
    began = time.perf_counter()
    code = "\n".join(
        [
            "import sys, lrp_audit.cli",
            "sys.argv[1:] = ['--help']",
            "try: lrp_audit.cli.main()",
            "except SystemExit: pass",
            "print([name for name in ('torch', 'pandas', 'weasyprint', 'sklearn') if name in sys.modules])",
        ]
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
    assert time.perf_counter() - began < 5  # 0.2 s on an idle machine


@pytest.mark.parametrize(("mistake", "meant"), [(["letter", "--drft"], "--draft"), (["leter"], "letter")])
def test_a_misspelt_option_or_command_is_answered_with_the_right_one(
    command: Command, mistake: list[str], meant: str
) -> None:
    result = command(*mistake)
    assert result.code == 2
    assert meant in result.err


# --- letters and audits -----------------------------------------------------------------------------------------------


def test_letters_go_to_folders_that_name_nobody(command: Command, small: Path) -> None:
    result = command("letter", *arguments(small))
    assert result.code == 0
    assert "letters" in result.out
    assert "DECISION_NOT_REPRODUCED" in result.out
    files = sorted(path.relative_to(small / "out") for path in (small / "out").rglob("*") if path.is_file())
    assert {path.name for path in files} == {"notice.pdf", "record.json", "addressee.json"}
    assert sum(path.name == "notice.pdf" for path in files) == 2
    applications = read_table(small / "synthetic_applications.csv")
    for word in " ".join([*applications["applicant_name"], *applications["application_id"]]).split():
        assert not any(word.lower() in str(path).lower() for path in files)


def test_twins_stand_beside_every_letter(command: Command, small: Path) -> None:
    assert command("letter", *arguments(small, "--twins")).code == 0
    for letter in (small / "out").rglob("notice.pdf"):
        name = read_table(small / "synthetic_applications.csv")["applicant_name"]
        text = letter.with_suffix(".txt").read_text(encoding="utf-8")
        assert sum(str(person) in text for person in name) == 1
        assert letter.with_suffix(".html").is_file()


def test_audits_are_written_for_refused_decisions_as_well(command: Command, small: Path) -> None:
    result = command("audit", *arguments(small, "--twins", "--json"))
    assert result.code == 0
    found = json.loads(result.out)
    assert found["audits"] == 5
    for decision in found["decisions"]:
        names = {Path(path).name for path in decision["files"]}
        assert names - {"addressee.json"} == {"audit.pdf", "audit.html", "record.json"}
        assert all(Path(path).stat().st_size > 0 for path in decision["files"])
    states = {decision["id"]: decision["state"] for decision in found["decisions"]}
    assert states["A-00002"] is None
    assert states[APPROVED] == "NOT_ADVERSE"
    assert states[INVALID] == "INVALID_INPUT"
    assert states[NOT_REPRODUCED] == "DECISION_NOT_REPRODUCED"


@pytest.mark.parametrize(
    ("name", "identifier", "code"),
    [
        ("letter", "A-00002", 0),
        ("letter", NOT_REPRODUCED, 1),
        ("letter", APPROVED, 1),
        ("audit", APPROVED, 0),
        ("letter", INVALID, 2),
    ],
)
def test_the_exit_code_says_what_became_of_the_one_named_decision(
    command: Command, small: Path, name: str, identifier: str, code: int
) -> None:
    result = command(name, *arguments(small, "--id", identifier))
    assert result.code == code
    assert len(list((small / "out").iterdir())) == 1
    if code:
        assert "(" in result.err  # the state with its rule


def test_strict_counts_refused_denials_and_not_approvals(command: Command, small: Path) -> None:
    assert command("letter", *arguments(small, "--strict")).code == 1
    data = small / "synthetic_applications.csv"
    lines = data.read_text(encoding="utf-8").splitlines()
    data.write_text("\n".join(line for line in lines if not line.startswith((INVALID, NOT_REPRODUCED))), "utf-8")
    assert command("letter", *arguments(small, "--strict")).code == 0


def test_drafts_are_marked_and_exit_with_0(command: Command, small: Path) -> None:
    config = small / "audit.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text[: text.index("[approval]")] + text[text.index("[institution]") :], encoding="utf-8")
    refused = command("letter", *arguments(small, "--id", "A-00002"))
    assert refused.code == 1
    assert "--draft" in refused.err
    assert command("letter", *arguments(small, "--id", "A-00002", "--draft")).code == 0
    names = {path.name for path in (small / "out").rglob("*.pdf")}
    assert names == {"DRAFT-notice.pdf"}


def test_an_earlier_letter_of_a_decision_that_is_now_refused_cannot_be_sent_by_mistake(
    command: Command, small: Path
) -> None:
    assert command("letter", *arguments(small, "--id", "A-00002")).code == 0
    config = small / "audit.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("date = 2026-09-30", "date = 2020-09-30"), "utf-8")
    assert command("letter", *arguments(small, "--id", "A-00002")).code == 1
    assert {path.name for path in (small / "out").rglob("*.pdf")} == {"WITHDRAWN-notice.pdf"}


def test_the_same_run_writes_the_same_bytes(command: Command, small: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted((small / "out").rglob("*")) if path.is_file()}

    command("letter", *arguments(small))
    first = contents()
    command("letter", *arguments(small))
    assert contents() == first


def test_unused_columns_are_named_once(command: Command, small: Path) -> None:
    result = command("letter", *arguments(small, "--id", "A-00002"))
    assert result.err.count("marital_status") == 1


# --- explain ----------------------------------------------------------------------------------------------------------


def test_explain_needs_no_settings_and_says_that_relevance_is_conserved(command: Command, small: Path) -> None:
    data = small / "synthetic_history.csv"
    result = command("explain", small / "synthetic_pipeline.skops", data, "--adverse", "defaulted", "--id", "row 1")
    assert result.code == 0, result.err
    assert "within rounding: conserved" in " ".join(result.out.split())
    assert "█" in result.out or "#" in result.out


def test_explain_prints_records_as_json(command: Command, small: Path) -> None:
    config = small / "audit_network.toml"
    data = small / "synthetic_applications.csv"
    result = command("explain", small / "synthetic_network.pt2", data, "--config", config, "--json")
    assert result.code == 0, result.err
    records = json.loads(result.out)
    assert len(records) == 5
    for record in records:
        if record["conservation"] is not None:
            total = sum(item["relevance"] for item in record["contributions"])
            assert total == pytest.approx(record["conservation"]["explained"], rel=1e-9)


# --- mistakes ---------------------------------------------------------------------------------------------------------


def assert_one_sentence(result: Result, *said: str) -> None:
    assert result.code == 2, result
    assert "Traceback" not in result.err
    lines = [line for line in result.err.splitlines() if not line.startswith("Ignored, since")]
    assert len(lines) == 1, result.err
    for words in said:
        assert words in lines[0]


def test_missing_files_are_named(command: Command, small: Path) -> None:
    absent = small / "absent.csv"
    assert_one_sentence(command("letter", absent, "--config", small / "audit.toml"), "absent.csv")
    assert_one_sentence(command("letter", absent, "--config", small / "absent.toml"), "absent.toml")
    assert_one_sentence(
        command("explain", small / "absent.skops", small / "synthetic_applications.csv"), "absent.skops"
    )


def test_a_table_that_lacks_a_column_of_the_model_is_refused(command: Command, small: Path) -> None:
    data = small / "synthetic_applications.csv"
    read_table(data).drop(columns="debt_to_income").to_csv(data, index=False)
    assert_one_sentence(command("letter", *arguments(small)), "debt_to_income")
    assert not list((small / "out").rglob("*.pdf"))


def test_an_unknown_id_is_named(command: Command, small: Path) -> None:
    assert_one_sentence(command("letter", *arguments(small, "--id", "A-99999")), "A-99999")
    model, data = small / "synthetic_pipeline.skops", small / "synthetic_history.csv"
    assert_one_sentence(command("explain", model, data, "--adverse", "defaulted", "--id", "row 99999"), "row 99999")


def test_a_misspelt_key_names_line_and_the_right_key(command: Command, small: Path) -> None:
    config = small / "audit.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("cutoff = 0.35", "cutof = 0.35"), encoding="utf-8")
    assert_one_sentence(command("letter", *arguments(small)), "line", "cutof", "cutoff")


def test_an_output_folder_that_cannot_be_made_is_named(command: Command, small: Path) -> None:
    (small / "out").write_text("a file")
    assert_one_sentence(command("letter", *arguments(small)), "out", "cannot be written")


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(
    command: Command, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert_one_sentence(command("letter", *arguments(small)), "No space left on device")
    assert [path for path in (small / "out").rglob("*") if path.is_file()] == []


def test_an_interruption_exits_with_130(command: Command, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lrp_audit.commands.document_runs.read_table", interrupt)
    result = command("letter", *arguments(small))
    assert result.code == 130
    assert "interrupted" in result.err
    assert "Traceback" not in result.err


def test_text_from_a_file_cannot_steer_the_terminal(command: Command, tmp_path: Path) -> None:
    result = command("letter", tmp_path / "no\x1b[2Jsuch.csv", "--config", tmp_path / "absent\x1b]0;x\x07.toml")
    assert "\x1b" not in result.err
    assert result.code == 2


# --- init, doctor -----------------------------------------------------------------------------------------------------


def test_init_writes_settings_that_lead_to_a_draft(
    command: Command, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small)
    model, data = "synthetic_pipeline.skops", "synthetic_history.csv"
    result = command("init", model, data, "--config", "new.toml")
    assert result.code == 0, result.err
    assert len(Path("new.toml").read_text(encoding="utf-8").splitlines()) <= 60
    following = "lrp-audit letter synthetic_history.csv --config new.toml --draft"
    assert following in result.out
    assert command(*following.split()[1:], "--id", "H-00005", "--out", "drafts").code == 0
    assert len(list(Path("drafts").rglob("DRAFT-notice.pdf"))) == 1
    assert_one_sentence(command("init", model, data, "--config", "new.toml"), "new.toml")


def test_init_keeps_the_names_that_a_network_does_not_know(
    command: Command, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small)
    network, data = "synthetic_network.pt2", "synthetic_history.csv"
    columns = load(Path("audit_network.toml")).model.columns
    assert_one_sentence(command("init", network, data, "--config", "new.toml"), "columns")
    named = ("--columns", ",".join(columns), "--classes", "repaid,defaulted")
    result = command("init", network, data, *named, "--config", "new.toml")
    assert result.code == 0, result.err
    assert load(Path("new.toml")).model.columns == columns


def test_doctor_finds_everything_where_the_tests_run(command: Command) -> None:
    result = command("doctor", "--json")
    assert result.code == 0
    found = json.loads(result.out)
    assert found["harfbuzz subset"]
    assert "MISSING" not in command("doctor").out


def test_doctor_names_the_versions_supported_and_says_of_others_what_to_type(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["torch<2.14,>=2.13", "NumPy", 'skops==0; extra == "other"']
    monkeypatch.setattr("lrp_audit.doctor.metadata.requires", lambda _: asked)
    result = command("doctor")
    assert result.code == 0
    assert re.search(r"^torch +2\.13\.\d\S* \(supported: <2\.14,>=2\.13\)$", result.out, re.MULTILINE)
    assert re.search(r"^numpy +[\d.]+$", result.out, re.MULTILINE)
    asked[0] = "torch>=99"
    result = command("doctor")
    assert result.code == 1
    assert re.search(r'^torch +2\.13\.\d\S* is NOT SUPPORTED: pip install "torch>=99"$', result.out, re.MULTILINE)


def test_doctor_prints_the_line_that_installs_what_is_missing(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(library: str) -> None:
        raise OSError(library)

    monkeypatch.setattr("ctypes.CDLL", absent)
    result = command("doctor")
    assert result.code == 1
    assert "sudo apt-get install --no-install-recommends libpango-1.0-0" in result.out


def test_a_missing_font_library_is_said_once_a_run(
    command: Command, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_library = ctypes.CDLL

    def without_subset(library: str) -> ctypes.CDLL:
        if "subset" in library:
            raise OSError(library)
        return load_library(library)

    assert "libharfbuzz" not in command("letter", *arguments(small)).err
    monkeypatch.setattr("ctypes.CDLL", without_subset)
    result = command("letter", *arguments(small))
    assert result.err.count("libharfbuzz-subset0 is missing") == 1
    record = next((small / "out").glob("*/record.json")).read_text(encoding="utf-8")
    assert json.loads(record)["versions"]["harfbuzz subset"] == "not installed"


# --- demo -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_demo_writes_letters_with_audits_and_reaches_every_state(command: Command, tmp_path: Path) -> None:
    from lrp_audit.demo import CASES
    from lrp_audit.records.record import RefusalState

    out = tmp_path / "a demo"
    result = command("demo", "--out", out)
    assert result.code == 0, result.err
    letters = [path.parent for path in out.glob("*/notice.pdf")]
    assert len(letters) >= 20
    assert all((folder / "audit.pdf").exists() for folder in letters)
    for case in CASES:
        assert f"{case.state}, {case.settings}.toml" in result.out
    for state in get_args(RefusalState):
        assert state in result.out
    assert list((out / "refusals" / "review_required").glob("*/notice.pdf"))
