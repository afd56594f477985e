"""Whatever is changed in a sealed batch is found and named; and nobody needs a model to find it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batches
import pyarrow as pa
import pytest
import signing_keys as keys

from lrp_audit.commands.batch_verification import verify_batch
from lrp_audit.commands.signatures import read_roots
from lrp_audit.errors import ReportError
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import read_table, write_table
from lrp_audit.sealing.leaves import SCHEMA
from lrp_audit.sealing.manifest import Manifest, read_manifest, root_of
from lrp_audit.sealing.seal import seal, tree_of
from lrp_audit.settings.signing_config import SigningSection
from lrp_audit.signing import Signer, open_signer

Command = Callable[..., Any]


def opened(folder: Path) -> Signer:
    path = keys.write_pkcs12(folder / "lender.p12")
    return open_signer(SigningSection(pkcs12=path.name), folder, lambda _: keys.PASSPHRASE, now=keys.now())


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = batches.write(tmp_path_factory.mktemp("sealed") / "batch")
    seal(folder, signer=opened(tmp_path_factory.mktemp("keys")))
    return folder


@pytest.fixture
def batch(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "batch"))


def wrong(folder: Path, **more: Any) -> list[str]:
    return [item.sentence for item in verify_batch(folder, **more) if item.holds is False]


@pytest.mark.rule("BA-02", "BA-12")
def test_a_sealed_batch_is_as_it_was(sealed: Path, tmp_path: Path) -> None:
    roots = read_roots(keys.write_root(tmp_path / "root.pem"))
    found = list(verify_batch(sealed, roots, root_of(sealed)))
    assert [item.sentence for item in found if item.holds is False] == []
    said = " ".join(item.sentence for item in found if item.holds)
    assert "The root is the one that you know." in said
    assert "All 7 decisions are there with what they name; letters: 5; refused: 2 NOT_ADVERSE; failed: 0" in said
    assert "manifest.json: It is as Example Bank signed it." in said
    assert "SHA256SUMS says what the manifest says." in said


def test_every_flipped_byte_is_found_and_its_file_named(sealed: Path, tmp_path: Path) -> None:
    """One byte of every file, in the middle of it."""
    names = sorted(path.relative_to(sealed).as_posix() for path in sealed.rglob("*") if path.is_file())
    apart = {layout.LOG}
    assert {layout.MANIFEST, layout.SIGNATURE, layout.SUMS, layout.PLAN, layout.DECISIONS} < set(names)
    for name in names:
        content = (sealed / name).read_bytes()
        try:
            (sealed / name).write_bytes(flipped(content, len(content) // 2))
            found = wrong(sealed)
            assert any(name in sentence for sentence in found) == (name not in apart), (name, found)
        finally:
            (sealed / name).write_bytes(content)
    assert wrong(sealed) == []


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :]


def test_every_byte_of_the_manifest_counts(batch: Path) -> None:
    path = batch / layout.MANIFEST
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(flipped(content, place))
        assert wrong(batch), content[place - 20 : place + 20]


@pytest.mark.parametrize(
    "name",
    [layout.PLAN, layout.DECISIONS, layout.RELEVANCE, layout.REPORT, "records/00001.parquet", "leaves/00000.parquet"],
)
def test_a_missing_file_is_named(batch: Path, name: str) -> None:
    (batch / name).unlink()
    assert f"{name} is missing." in wrong(batch)


def test_a_missing_document_is_named(batch: Path) -> None:
    path = next((batch / layout.DOCUMENTS).glob("*/*/notice.pdf"))
    path.unlink()
    assert wrong(batch) == [f"{path.relative_to(batch).as_posix()} is missing."]


@pytest.mark.parametrize("name", ["extra.txt", "documents/3f/x/notice.pdf", ".salt", "records/00009.parquet", "a/b/c"])
def test_an_added_file_is_named(batch: Path, name: str) -> None:
    path = batch / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    assert any(sentence.startswith(f"{name} was added") for sentence in wrong(batch))


def test_a_link_in_the_place_of_a_file_is_no_file(batch: Path, tmp_path: Path) -> None:
    path = batch / layout.REPORT
    path.rename(tmp_path / "elsewhere.pdf")
    path.symlink_to(tmp_path / "elsewhere.pdf")
    assert wrong(batch) == [f"{layout.REPORT} is no plain file that can be read."]


def test_a_pipe_in_the_place_of_a_file_does_not_stop_the_verification(batch: Path) -> None:
    (batch / layout.REPORT).unlink()
    os.mkfifo(batch / layout.REPORT)
    assert wrong(batch) == [f"{layout.REPORT} is no plain file that can be read."]


def test_another_root_than_the_one_kept_is_found(batch: Path) -> None:
    assert wrong(batch, root="ab" * 32) == ["The root is not the one that you know."]


# --- who changes a file and the manifest with it ----------------------------------------------------------------------


def reissued(folder: Path, **changes: Any) -> None:
    """A manifest that fits the files as they are now, as a forger would write it."""
    old = read_manifest(folder / layout.MANIFEST)
    (folder / layout.MANIFEST).unlink()
    made = seal(folder, signer=None)
    forged = Manifest.model_validate({**made.model_dump(), "signed": old.signed, **changes})
    (folder / layout.MANIFEST).write_bytes(canonical(forged))


def test_a_manifest_written_anew_does_not_fit_its_signature_nor_the_root_kept(batch: Path) -> None:
    kept = root_of(batch)
    (batch / layout.REPORT).write_bytes(b"another report")
    reissued(batch)
    found = wrong(batch, root=kept)
    assert "The root is not the one that you know." in found
    assert any("does not fit: the document was changed after it was signed" in sentence for sentence in found)


def test_a_manifest_that_names_another_signer_is_found(batch: Path) -> None:
    signed = read_manifest(batch / layout.MANIFEST).signed
    assert signed is not None
    reissued(batch, signed=signed.model_copy(update={"certificate_sha256": "0" * 64}))
    assert any("signed it, and not whom it names" in sentence for sentence in wrong(batch))


def test_an_unsigned_batch_fails_only_where_trust_is_asked_for(tmp_path: Path) -> None:
    folder = batches.write(tmp_path / "batch")
    seal(folder)
    assert wrong(folder) == []
    roots = read_roots(keys.write_root(tmp_path / "root.pem"))
    assert wrong(folder, roots=roots) == [f"{layout.MANIFEST} is not signed."]


def test_a_batch_that_is_to_be_signed_is_not_sealed_without_the_key(tmp_path: Path) -> None:
    folder = batches.write(tmp_path / "batch")
    seal(folder, signer=opened(tmp_path))
    (folder / layout.SIGNATURE).unlink()
    assert "manifest.json.p7s is missing: the manifest names a signer, Example Bank." in wrong(folder)
    with pytest.raises(ReportError, match="is to be signed by Example Bank"):
        seal(folder)
    seal(folder, signer=opened(tmp_path))
    assert wrong(folder) == []


def replaced(folder: Path, name: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """A table changed, with a manifest that fits it."""
    path = folder / name
    table = read_table(path)
    rows = table.to_pylist()
    change(rows)
    path.unlink()
    write_table(path, pa.Table.from_pylist(rows, table.schema))
    reissued(folder)


def test_a_decision_that_was_left_out_is_found_by_its_record_and_leaves(batch: Path) -> None:
    replaced(batch, layout.DECISIONS, lambda rows: rows.pop(4))
    assert f"Row 4 has a record or leaves, and is no decision of {layout.DECISIONS}." in wrong(batch)


def test_fewer_decisions_than_were_planned_are_found(batch: Path) -> None:
    path = batch / layout.PLAN
    path.write_text(path.read_text().replace('"decisions": 7', '"decisions": 8'))
    reissued(batch)
    assert "plan.json is of 8 decisions, and 7 were sealed." in wrong(batch)


def test_a_record_that_was_left_out_is_found(batch: Path) -> None:
    replaced(batch, "records/00001.parquet", lambda rows: rows.pop(1))
    assert f"Row 4 of {layout.DECISIONS} has no record." in wrong(batch)


def test_a_record_that_was_exchanged_is_found(batch: Path) -> None:
    def exchange(rows: list[dict[str, Any]]) -> None:
        rows[1]["record"] = rows[1]["record"].replace("A-00004", "A-00005")

    replaced(batch, "records/00001.parquet", exchange)
    assert f"Row 4 of {layout.DECISIONS} has another record than it names." in wrong(batch)


def test_a_document_that_no_decision_names_is_found(batch: Path) -> None:
    replaced(batch, layout.DECISIONS, lambda rows: rows[0]["documents"].pop())
    assert any(sentence.startswith("Row 0: decisions.parquet and the leaves do not agree") for sentence in wrong(batch))


def test_a_leaf_without_its_salt_is_no_purge(batch: Path) -> None:
    path = batch / "leaves" / "00000.parquet"
    rows = read_table(path).to_pylist()
    rows[0].update(name=None, sha256=None, salt=None)
    path.unlink()
    write_table(path, pa.Table.from_pylist(rows, SCHEMA))
    reissued(batch)
    assert "Row 0 has leaves without salt, and no purge is logged." in wrong(batch)


def test_rows_out_of_order_are_found(batch: Path) -> None:
    replaced(batch, layout.DECISIONS, lambda rows: rows.reverse())
    assert any("a table was rearranged" in sentence for sentence in wrong(batch))


def test_a_table_of_another_kind_is_no_traceback(batch: Path) -> None:
    table = pa.table(
        {"row": ["x"], "folder": [1], "record_sha256": [2], "documents": [3], "state": [None], "failure": [1]}
    )
    write_table(batch / layout.DECISIONS, table)
    assert any("cannot be checked" in sentence for sentence in wrong(batch))


def test_the_tree_in_memory_is_the_one_on_disk(sealed: Path) -> None:
    manifest = read_manifest(sealed / layout.MANIFEST)
    assert tree_of(sealed, manifest.files).root == manifest.root
    assert hashlib.sha256((sealed / layout.PLAN).read_bytes()).hexdigest() == manifest.plan_sha256


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_says_what_holds_and_exits_with_1_on_any_fault(command: Command, batch: Path) -> None:
    result = command("verify", batch)
    assert result.code == 0, result
    assert "holds  All 7 decisions" in result.out
    (batch / layout.README).write_text("changed")
    result = command("verify", batch, "--json")
    assert result.code == 1
    found = [item["finding"] for item in json.loads(result.out)[batch.as_posix()] if item["holds"] is False]
    assert found == ["README.txt was changed: its SHA-256 is another one than was sealed."]


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", b'{"schema_version": "1"}', b"[" * 100_000])
def test_a_folder_without_a_sound_manifest_is_one_sentence(command: Command, tmp_path: Path, content: bytes) -> None:
    if content is not None:
        (tmp_path / layout.MANIFEST).write_bytes(content)
    result = command("verify", tmp_path)
    assert result.code == 1
    assert len(result.out.splitlines()) == 2
    assert "Traceback" not in result.out + result.err


def test_nobody_needs_a_model_or_a_layout_engine(sealed: Path) -> None:
    code = (
        "import sys; sys.argv = ['lrp-audit', 'verify', sys.argv[1]]\n"
        "from lrp_audit.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "print(sorted({'torch', 'weasyprint', 'pandas', 'sklearn', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(sealed)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
