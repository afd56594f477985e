"""Files are whole or absent, names hold no personal data, and a letter is the last file of a decision."""

from pathlib import Path

import pytest

from lrp_audit.deciding.decisions import Decision
from lrp_audit.deciding.printability import may_be_drafted, with_printability
from lrp_audit.output import Output
from lrp_audit.records.record import (
    Addressee,
    DecisionFacts,
    ModelFacts,
    Outcome,
    Record,
    Refusal,
    RefusalState,
    TextFacts,
)
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ModelSection

CONFIG = AuditConfig(model=ModelSection(file="model.skops"))
KEY = bytes(range(32))


def decision(identifier: str = "A-1", name: str = "Robin Sample", state: RefusalState | None = None) -> Decision:
    refusals = () if state is None else (Refusal(state=state, rule="", evidence="", next_step=""),)
    record = Record(
        decision=DecisionFacts(id=identifier, applicant="0123456789abcdef"),
        model=ModelFacts(
            kind="", name=None, version=None, file_sha256=None, weights_sha256="", preprocessing_sha256=None,
            classes=("yes", "no"), adverse="no",
        ),
        outcome=Outcome(
            adverse=True, margin=1, cutoff_margin=0, score=0.7, cutoff=0.5, cutoff_on="probability", estimator_score=0.7
        ),
        refusals=refusals,
        texts=TextFacts(language="en"),
    )  # fmt: skip
    return Decision(record, Addressee(name=name), 0)


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Output:
    """Writes letters and audits whose content is a word."""
    monkeypatch.setattr("lrp_audit.report.letter_pdf", lambda *_, **__: b"letter")
    monkeypatch.setattr("lrp_audit.report.audit_pdf", lambda *_, **__: b"audit")
    return Output(tmp_path, CONFIG, KEY, frozenset({"letter", "audit"}))


@pytest.mark.parametrize("identifier", ["../../etc/passwd", "a/b\\c", "x" * 500, "tab\tnul\0", ""])
def test_hostile_ids_stay_inside_the_folder_and_out_of_names(output: Output, identifier: str) -> None:
    written = output.write(decision(identifier))
    for path in written.files:
        assert path.resolve().is_relative_to(output.folder.resolve())
        assert path.parent.parent == output.folder
        assert len(path.parent.name) == 16
        assert not identifier.strip() or identifier not in str(path)


def test_folders_depend_on_the_key_and_the_id(output: Output) -> None:
    def folder(key: bytes, identifier: str) -> str:
        writer = Output(output.folder, CONFIG, key, frozenset({"audit"}))
        return writer.write(decision(identifier)).files[0].parent.name

    names = [folder(KEY, "A-1"), folder(KEY, "A-2"), folder(bytes(32), "A-1")]
    assert len(set(names)) == 3
    assert folder(KEY, "A-1") == names[0]


def test_a_repeated_id_does_not_overwrite_the_first_decision(output: Output) -> None:
    first = output.write(decision())
    second = output.write(decision(state="INVALID_INPUT"))
    assert first.files[0].parent != second.files[0].parent
    assert (first.files[0].parent / "notice.pdf").exists()


def test_the_letter_is_the_last_file_of_a_decision(output: Output) -> None:
    assert [path.name for path in output.write(decision()).files] == [
        "record.json", "addressee.json", "audit.pdf", "notice.pdf"
    ]  # fmt: skip


def test_a_refused_decision_gets_an_audit_and_no_letter(output: Output) -> None:
    written = output.write(decision(state="PROVENANCE_INCOMPLETE"))
    assert [path.name for path in written.files] == ["record.json", "addressee.json", "audit.pdf"]
    assert not written.letter


@pytest.mark.parametrize(("state", "drafted"), [("PROVENANCE_INCOMPLETE", True), ("NOT_ADVERSE", False)])
def test_a_draft_is_written_only_about_a_denial(
    tmp_path: Path, output: Output, state: RefusalState, drafted: bool
) -> None:
    drafts = Output(tmp_path, CONFIG, KEY, frozenset({"letter"}), draft=True)
    refused = decision(state=state)
    assert may_be_drafted(refused.record) is drafted
    names = [path.name for path in drafts.write(refused).files]
    assert ("DRAFT-notice.pdf" in names) is drafted
    assert "notice.pdf" not in names


@pytest.mark.parametrize(
    ("name", "printable"), [("Žofie Łukasz Ωμέγα Иванова", True), ("示例", False), ("a\u202eb", False)]
)
def test_a_name_that_the_document_font_lacks_refuses_the_letter(name: str, printable: bool) -> None:
    record = with_printability(decision().record, Addressee(name=name), CONFIG)
    states = [refusal.state for refusal in record.refusals]
    assert states == ([] if printable else ["UNPRINTABLE_TEXT"])
    assert name not in record.model_dump_json()
