"""One letter is proven part of a batch, by itself, without a word about anybody else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batches
import pytest

from lrp_audit.errors import DataError, ReportError
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.find import find
from lrp_audit.sealing.manifest import read_manifest, root_of
from lrp_audit.sealing.proof import Proof, check, prove
from lrp_audit.sealing.rows import rows
from lrp_audit.sealing.seal import seal

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = batches.write(tmp_path_factory.mktemp("sealed") / "batch")
    seal(folder)
    return folder


def holds(path: Path, document: bytes, root: str | None) -> list[bool | None]:
    return [item.holds for item in check(path, document, root)]


@pytest.mark.rule("BA-12")
def test_every_document_and_record_is_proven(sealed: Path, tmp_path: Path) -> None:
    root, path = root_of(sealed), tmp_path / "proof.json"
    for row in range(7):
        place = find(sealed, f"A-{row:05d}")
        for file in place.documents:
            path.write_bytes(canonical(prove(sealed, place, file)))
            assert holds(path, (sealed / place.document(file)).read_bytes(), root) == [True, True, True]
        path.write_bytes(canonical(prove(sealed, place, "record")))
        assert holds(path, canonical(batches.record(row)), root) == [True, True, True]


@pytest.mark.rule("G-07")
def test_a_proof_shows_nothing_of_anybody_else(sealed: Path) -> None:
    content = canonical(prove(sealed, find(sealed, "A-00003"), "notice")).decode()
    others = [row for row in rows(sealed) if row.row != 3]
    for row in others:
        assert row.decided is not None
        assert str(row.decided.record) not in content
        for name, sha256 in row.decided.documents:
            assert name.split("/")[2] not in content
            assert sha256 not in content
    for row in range(7):
        assert batches.addressee(row).name not in content  # type: ignore[operator]


def test_another_document_another_root_and_no_root_are_told(sealed: Path, tmp_path: Path) -> None:
    place, path = find(sealed, "A-00003"), tmp_path / "proof.json"
    path.write_bytes(canonical(prove(sealed, place, "notice.pdf")))
    notice = (sealed / place.document("notice")).read_bytes()
    assert holds(path, notice + b" ", root_of(sealed)) == [False, True, True]
    assert holds(path, notice, "ab" * 32) == [True, True, False]
    assert holds(path, notice, None) == [True, True, None]


def test_no_byte_of_a_proof_can_be_changed(sealed: Path, tmp_path: Path) -> None:
    place, path = find(sealed, "A-00003"), tmp_path / "proof.json"
    content = canonical(prove(sealed, place, "notice"))
    notice, manifest = (sealed / place.document("notice")).read_bytes(), read_manifest(sealed / layout.MANIFEST)
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        found = [item.holds for item in check(path, notice, manifest.root, manifest.size)]
        assert False in found, content[position - 10 : position + 10]


def test_a_proof_for_another_place_in_the_tree_is_none(sealed: Path, tmp_path: Path) -> None:
    proof, path = prove(sealed, find(sealed, "A-00003"), "notice"), tmp_path / "proof.json"
    changes: list[dict[str, Any]] = [{"index": proof.index + 1}, {"path": proof.path[:-1]}, {"salt": "00" * 32}]
    for change in changes:
        path.write_bytes(canonical(Proof(**{**proof.model_dump(), **change})))
        assert False in holds(path, b"", None)[1:]


@pytest.mark.parametrize("document", ["letter", "notice.txt", "", "../record"])
def test_a_document_that_is_not_there_is_named(sealed: Path, document: str) -> None:
    with pytest.raises(DataError, match=r"there are: addressee\.json, notice\.pdf, record\.json"):
        prove(sealed, find(sealed, "A-00003"), document)


def test_nothing_of_a_batch_that_was_changed_is_proven(sealed: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sealed, tmp_path / "batch"))
    (folder / "leaves" / "00001.parquet").unlink()
    with pytest.raises(ReportError, match="not as it was sealed"):
        prove(folder, find(folder, "A-00000"), "notice")


def test_the_commands_prove_and_verify(command: Command, sealed: Path, tmp_path: Path) -> None:
    proof, notice = tmp_path / "proof.json", tmp_path / "letter of mine.pdf"
    assert command("prove", sealed, "A-00003", "--out", proof).code == 0
    shutil.copy(sealed / find(sealed, "A-00003").document("notice"), notice)
    shutil.copy(sealed / layout.MANIFEST, tmp_path / "manifest.json")
    assert command("verify", proof, "--document", notice, "--root", root_of(sealed)).code == 0
    result = command("verify", proof, "--document", notice, "--manifest", tmp_path / "manifest.json", "--json")
    assert result.code == 0
    assert [item["holds"] for item in json.loads(result.out)[proof.as_posix()]][:3] == [True, True, True]
    notice.write_bytes(b"forged")
    assert command("verify", proof, "--document", notice, "--root", root_of(sealed)).code == 1


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prove", "BATCH", "A-99999"), "holds no decision with id 'A-99999'"),
        (("prove", "BATCH", "A-00002", "--document", "notice"), "no documents called 'notice'"),
        (("prove", "nowhere", "A-00002"), "decisions.parquet is missing"),
        (("verify", "proof.json"), "--document names the file"),
        (("verify", "BATCH", "--document", "x.pdf"), "--document belongs to a proof"),
    ],
)
def test_wrong_use_is_one_sentence(
    command: Command, sealed: Path, in_folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    (in_folder / "proof.json").write_text("{}")
    result = command(*(sealed if argument == "BATCH" else argument for argument in arguments))
    assert result.code == 2
    assert said in result.err
    assert len(result.err.splitlines()) == 1
    assert read_manifest(sealed / layout.MANIFEST).edition == 1
