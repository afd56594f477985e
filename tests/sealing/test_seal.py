"""Sealing binds every file, ends the same wherever it was killed, and leaves nothing that only a run needs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batches
import pytest

from lrp_audit.errors import ReportError
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout, merkle
from lrp_audit.sealing.contents import leaf_tables
from lrp_audit.sealing.manifest import SCHEMA, Manifest, read_manifest
from lrp_audit.sealing.seal import seal


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def unsealed(tmp_path: Path) -> Path:
    return batches.write(tmp_path / "batch")


def test_the_manifest_lists_what_is_nobodys_alone(unsealed: Path) -> None:
    manifest = seal(unsealed)
    listed = {file.name: file.sha256 for file in manifest.files}
    apart = {*layout.UNSEALED}
    expected = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files(unsealed).items()
        if name not in apart and not name.startswith("documents/")
    }
    assert listed == expected
    assert list(listed) == sorted(listed)


@pytest.mark.rule("BA-02", "BA-12")
def test_the_manifest_counts_decisions_and_documents(unsealed: Path) -> None:
    counts = seal(unsealed).counts
    assert counts.decisions == 7
    assert counts.refused == {"NOT_ADVERSE": 2}
    assert (counts.ready, counts.failed, counts.records) == (5, 0, 7)
    assert counts.documents == sum(1 for path in (unsealed / layout.DOCUMENTS).rglob("*") if path.is_file())


def test_the_root_is_over_the_leaves_and_then_the_files(unsealed: Path) -> None:
    manifest = seal(unsealed)
    leaves = [leaf for table in leaf_tables(unsealed) for leaf in table.column("leaf").to_pylist()]
    for file in manifest.files:
        leaves.append(merkle.leaf_hash(bytes(32) + f"file\0{file.name}\0".encode() + bytes.fromhex(file.sha256)))
    assert manifest.root == merkle.root(leaves).hex()
    assert manifest.size == len(leaves)


def test_no_digest_of_a_persons_document_stands_in_the_manifest(unsealed: Path) -> None:
    seal(unsealed)
    text = (unsealed / layout.MANIFEST).read_text()
    for path in (unsealed / layout.DOCUMENTS).glob("*/*/*"):
        assert path.name not in text
        assert path.parent.name not in text
        assert hashlib.sha256(path.read_bytes()).hexdigest() not in text


def test_nothing_is_left_that_only_a_run_needs(unsealed: Path) -> None:
    (unsealed / ".plan.json.17.part").write_bytes(b"half a pl")
    seal(unsealed)
    assert {path.name for path in unsealed.iterdir()} & {*layout.WORKING, ".plan.json.17.part"} == set()


def test_sha256sum_finds_every_file_as_it_was(unsealed: Path) -> None:
    seal(unsealed)
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", layout.SUMS], cwd=unsealed, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    apart = {layout.SUMS, layout.LOG}
    assert {line.removesuffix(": OK") for line in checked.stdout.splitlines()} == set(files(unsealed)) - apart


class Killed(BaseException):
    """Stands for SIGKILL."""


def test_killed_before_any_write_and_called_again_it_ends_the_same(
    unsealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path(shutil.copytree(unsealed, tmp_path / "whole"))
    seal(whole)
    expected = files(whole)
    for place in range(1, 100):
        folder = Path(shutil.copytree(unsealed, tmp_path / f"killed-{place}"))
        with monkeypatch.context() as patched:
            _kill_at(place, patched)
            try:
                seal(folder)
                break
            except Killed:
                pass
        seal(folder)
        assert files(folder) == expected
    assert 6 < place < 99


def _kill_at(place: int, patched: pytest.MonkeyPatch) -> None:
    """Stop before the call of this number that changes the disk."""
    count = 0

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == place:
                raise Killed
            return original(*arguments, **options)

        return call

    for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync"), (shutil, "rmtree")):
        patched.setattr(owner, name, counted(getattr(owner, name)))


def test_a_sealed_batch_is_not_sealed_again(unsealed: Path) -> None:
    seal(unsealed)
    before = files(unsealed)
    (unsealed / layout.REPORT).write_bytes(b"another")
    seal(unsealed)
    assert files(unsealed) == {**before, layout.REPORT: b"another"}


def test_a_folder_without_a_plan_is_no_batch(unsealed: Path) -> None:
    (unsealed / layout.PLAN).unlink()
    with pytest.raises(ReportError, match=r"holds no plan\.json"):
        seal(unsealed)
    assert not (unsealed / layout.MANIFEST).exists()


def test_a_link_cannot_be_sealed(unsealed: Path) -> None:
    (unsealed / layout.GROUPS).symlink_to(unsealed / layout.REPORT)
    with pytest.raises(ReportError, match=r"groups\.pdf cannot be sealed"):
        seal(unsealed)


def test_a_batch_without_records_is_sealed_over_its_documents(tmp_path: Path) -> None:
    counts = seal(batches.write(tmp_path / "batch", kept=False)).counts
    assert counts.records == 0
    assert counts.documents > 0


@pytest.mark.parametrize("change", [b" ", b"\n{}", b""])
def test_a_manifest_that_was_touched_is_none(unsealed: Path, change: bytes) -> None:
    path = unsealed / layout.MANIFEST
    content = canonical(seal(unsealed))
    assert path.read_bytes() == content
    path.write_bytes(content + change if change else b"")
    with pytest.raises(ReportError, match=r"was changed since it was written"):
        read_manifest(path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../plan.json", "a/../../b", "./plan.json", "a//b", "tab\t", ""])
def test_a_manifest_names_nothing_outside_its_folder(unsealed: Path, name: str) -> None:
    content = json.loads(canonical(seal(unsealed)))
    content["files"][0]["name"] = name
    with pytest.raises(ValueError, match="a file's name is its path below the folder"):
        Manifest.model_validate_json(json.dumps(content))


def test_the_shipped_schema_is_that_of_manifests() -> None:
    shipped = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert shipped == Manifest.model_json_schema(mode="serialization")
