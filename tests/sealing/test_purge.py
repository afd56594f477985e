"""What is due is deleted for good, holds win, and the root goes on to prove what is left."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batches
import pytest
import signing_keys as keys
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.commands.batch_verification import verify_batch
from lrp_audit.errors import DataError, ReportError
from lrp_audit.history import events
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import leaf_tables, read_table, write_table
from lrp_audit.sealing.find import find
from lrp_audit.sealing.log import rows_in_words, rows_of, set_hold
from lrp_audit.sealing.manifest import read_manifest, root_of
from lrp_audit.sealing.proof import prove
from lrp_audit.sealing.purge import due, purge
from lrp_audit.sealing.rows import rows
from lrp_audit.sealing.seal import seal
from lrp_audit.settings.signing_config import SigningSection
from lrp_audit.signing import Signer, open_signer

Command = Callable[..., Any]
NOON = dt.datetime(2028, 12, 4, 12, tzinfo=dt.UTC)
AS_OF = NOON.date()  # rows 0, 1 and 2 are over, and row 1 is held


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    folder = batches.write(tmp_path / "batch")
    seal(folder)
    return folder


def nothing(_: Path) -> None:
    """Stands for the lists of decisions, which this batch has none of."""


def purged(folder: Path, as_of: dt.date = AS_OF, signer: Signer | None = None) -> int:
    return purge(folder, as_of, by="M. Okafor", now=NOON, relist=nothing, signer=signer)


def wrong(folder: Path, **more: Any) -> list[str]:
    return [item.sentence for item in verify_batch(folder, **more) if item.holds is False]


def everything(folder: Path) -> bytes:
    """All that the folder says of anybody, with Parquet in plain."""
    tables = [str(read_table(path).to_pylist()).encode() for path in folder.rglob("*.parquet")]
    return b"\n".join([*(path.read_bytes() for path in folder.rglob("*") if path.is_file()), *tables])


def test_what_is_due_is_what_is_over_and_not_held(batch: Path) -> None:
    found = due(batch, AS_OF)
    assert found.rows == {batches.BASES[0]: (0, 2)}
    assert (found.held, found.undated) == (1, 1)
    assert due(batch, batches.FIRST).count == 0  # the last day is kept to its end
    assert due(batch, batches.FIRST + dt.timedelta(1)).rows == {batches.BASES[0]: (0,)}


def test_nothing_is_left_of_a_purged_decision_and_all_of_the_others(batch: Path) -> None:
    before = {row.row: row for row in rows(batch)}
    names = {row: find(batch, f"A-{row:05d}").folder for row in range(7)}
    assert purged(batch) == 2
    said = everything(batch)
    for row in (0, 2):
        assert f"A-{row:05d}".encode() not in said
        assert str(batches.addressee(row).name).encode() not in said
        assert names[row].encode() not in said
        assert str(before[row].record).encode() not in said
        with pytest.raises(DataError, match="holds no decision"):
            find(batch, f"A-{row:05d}")
    assert [row for row in rows(batch) if row.decided] == [before[row] for row in (1, 3, 4, 5, 6)]


@pytest.mark.rule("BA-12")
def test_the_root_stays_and_the_verification_says_what_was_purged(batch: Path) -> None:
    root = root_of(batch)
    leaves = [leaf for table in leaf_tables(batch) for leaf in table.column("leaf").to_pylist()]
    purged(batch)
    assert [leaf for table in leaf_tables(batch) for leaf in table.column("leaf").to_pylist()] == leaves
    assert wrong(batch, root=root) == []
    said = [item.sentence for item in verify_batch(batch)]
    assert (
        "2 decisions were purged on 2028-12-04, due by 2028-12-04 (12 CFR 1002.12(b)(1)); their leaves are still in "
        "the tree." in said
    )
    assert prove(batch, find(batch, "A-00003"), "notice").root == root


def test_the_event_proves_what_was_deleted_when_and_on_which_basis(batch: Path) -> None:
    purged(batch, dt.date(2030, 1, 1))
    logged = events.read(batch / layout.EVENTS)
    assert [(item.kind, item.by, item.time) for item in logged] == [("purge", "M. Okafor", NOON)] * 2
    assert [item.details["rows"] for item in logged] == ["0,2,4", "3,5"]
    assert [item.details["basis"] for item in logged] == list(batches.BASES)
    assert {item.record_sha256 for item in logged} == {root_of(batch)}
    gone = rows_of("0,2-5")
    for table in leaf_tables(batch):
        for leaf in table.to_pylist():
            assert (leaf["salt"] is None) == (leaf["row"] in gone)


def test_purging_again_deletes_nothing_and_changes_nothing(batch: Path) -> None:
    purged(batch)
    before = {path: path.read_bytes() for path in batch.rglob("*") if path.is_file()}
    assert purged(batch) == 0
    assert {path: path.read_bytes() for path in batch.rglob("*") if path.is_file()} == before


def test_a_second_purge_goes_on_from_the_first(batch: Path) -> None:
    root = root_of(batch)
    purged(batch)
    assert purged(batch, AS_OF + dt.timedelta(1)) == 1
    manifest = read_manifest(batch / layout.MANIFEST)
    assert (manifest.edition, manifest.purged, manifest.root) == (3, 3, root)
    assert wrong(batch) == []


def test_everything_can_be_purged(batch: Path) -> None:
    set_hold(batch, [1], held=False, by="M. Okafor", role="Counsel", why="The suit is settled", now=NOON)
    assert purged(batch, dt.date(2040, 1, 1)) == 6
    assert wrong(batch) == []


def test_holds_are_set_and_lifted_with_their_grounds_and_win(batch: Path) -> None:
    set_hold(batch, [0], held=True, by="M. Okafor", role="Counsel", why="Suit 26-117", now=NOON)
    set_hold(batch, [1], held=False, by="M. Okafor", role="Counsel", why="The suit is settled", now=NOON)
    assert due(batch, AS_OF).rows == {batches.BASES[1]: (1,), batches.BASES[0]: (2,)}
    assert wrong(batch) == []
    purged(batch)
    assert [row.row for row in rows(batch) if row.decided] == [0, 3, 4, 5, 6]
    held = events.read(batch / layout.EVENTS)[0]
    assert (held.kind, held.by, held.role, held.details["grounds"]) == ("hold", "M. Okafor", "Counsel", "Suit 26-117")


@pytest.mark.parametrize("missing", ["by", "role", "why"])
@pytest.mark.parametrize("text", ["", " ", "two\nlines"])
def test_a_hold_needs_who_and_why(batch: Path, missing: str, text: str) -> None:
    said = {"by": "M. Okafor", "role": "Counsel", "why": "Suit 26-117", missing: text}
    with pytest.raises(DataError, match="A legal hold needs the"):
        set_hold(batch, [0], held=True, now=NOON, **said)  # type: ignore[arg-type]
    assert not (batch / layout.EVENTS).exists()


class Killed(BaseException):
    """Stands for SIGKILL."""


def test_killed_anywhere_and_run_again_it_ends_the_same(batch: Path, tmp_path: Path) -> None:
    whole = Path(shutil.copytree(batch, tmp_path / "whole"))
    purged(whole)
    expected = {path.relative_to(whole): path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    for place in range(1, 200):
        folder = Path(shutil.copytree(batch, tmp_path / f"killed-{place}"))
        with pytest.MonkeyPatch.context() as patched:
            _kill_at(place, patched)
            try:
                purged(folder)
                break
            except Killed:
                pass
        assert place == 1 or wrong(folder) or purged(folder) == 0  # an unfinished purge shows
        purged(folder)
        assert wrong(folder) == [], place
        left = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert left == expected, place
        shutil.rmtree(folder)
    assert 20 < place < 199


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


# --- what is not purged -----------------------------------------------------------------------------------------------


def test_a_batch_that_was_changed_is_not_purged(batch: Path) -> None:
    path = batch / layout.DECISIONS
    listed = read_table(path).to_pylist()
    for row in listed:
        row["legal_hold"] = False
    write_table(path, read_table(path).from_pylist(listed, read_table(path).schema))
    with pytest.raises(ReportError, match=r"not as it was sealed\. Nothing was deleted"):
        purged(batch)
    assert not (batch / layout.EVENTS).exists()


def test_a_log_that_was_cut_brings_nothing_back_and_is_found(batch: Path) -> None:
    purged(batch)
    (batch / layout.EVENTS).unlink()
    assert any("not the log that the manifest knows" in sentence for sentence in wrong(batch))


def test_a_purge_that_never_was_does_not_cover_a_deletion(batch: Path) -> None:
    """Who removes a decision and logs a purge has still to sign the next manifest, or to match the one there is."""
    details = {"as_of": "2028-12-04", "basis": "none", "decisions": "1", "rows": "4", "last_day": "2028-12-01"}
    act = events.Act(kind="purge", time=NOON, by="x", role="", details=details, record_sha256=root_of(batch))
    events.append(batch / layout.EVENTS, [act])
    assert any("A purge was interrupted" in sentence for sentence in wrong(batch))


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    path = keys.write_pkcs12(tmp_path / "lender.p12")
    return open_signer(SigningSection(pkcs12=path.name), tmp_path, lambda _: keys.PASSPHRASE, now=keys.now())


def test_a_signed_batch_is_purged_with_the_key_or_not_at_all(tmp_path: Path, signer: Signer) -> None:
    folder = batches.write(tmp_path / "signed")
    seal(folder, signer=signer)
    with pytest.raises(ReportError, match="purge with --sign"):
        purged(folder)
    assert purged(folder, signer=signer) == 2
    assert wrong(folder) == []
    earlier = folder / layout.EDITIONS / "1.json.p7s"
    earlier.write_bytes(earlier.read_bytes()[:-9])
    assert any("1.json" in sentence for sentence in wrong(folder))


def test_an_earlier_manifest_that_was_changed_is_found(batch: Path) -> None:
    purged(batch)
    path = batch / layout.EDITIONS / "1.json"
    manifest = read_manifest(path)
    path.write_bytes(canonical(manifest.model_copy(update={"counts": manifest.counts.model_copy(update={"ready": 1})})))
    assert wrong(batch) == [f"{path} is not the manifest that edition 2 replaced."]


@given(st.sets(st.integers(0, 60)))
def test_rows_are_written_as_ranges_and_read_back(found: set[int]) -> None:
    assert rows_of(rows_in_words(found)) == found


# --- the commands -----------------------------------------------------------------------------------------------------


def test_the_commands_hold_and_purge(command: Command, batch: Path) -> None:
    who = ("--by", "M. Okafor", "--role", "Counsel", "--grounds", "Suit 26-117")
    assert command("hold", batch, "A-00000", *who).code == 0
    result = command("purge", batch, "--as-of", "2028-12-04", "--dry-run")
    assert result.code == 0, result
    assert "Due: 1 decisions, kept until 2028-12-03 at the latest (12 CFR 1002.12(b)(1))" in result.out
    assert "Due and held: 2; without a last day: 1" in result.out
    assert len(read_table(batch / layout.DECISIONS)) == 7
    assert command("purge", batch, "--as-of", "2028-12-04").code == 0
    assert len(read_table(batch / layout.DECISIONS)) == 6
    assert command("verify", batch).code == 0
    assert command("hold", batch, "A-00000", *who, "--lift").code == 0
    assert "Deleted 1 decisions" in command("purge", batch, "--as-of", "2028-12-04").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("purge", "nowhere", "--as-of", "2028-12-04"), "decisions.parquet is missing"),
        (("hold", "BATCH", "A-9", "--by", "x", "--role", "y", "--grounds", "z"), "holds no decision with id 'A-9'"),
        (("hold", "BATCH", "A-00000", "--by", "", "--role", "y", "--grounds", "z"), "A legal hold needs the name"),
    ],
)
def test_wrong_use_is_one_sentence(
    command: Command, batch: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(batch.parent)
    result = command(*(batch if argument == "BATCH" else argument for argument in arguments))
    assert result.code == 2, result
    assert said in result.err
    assert len(result.err.splitlines()) == 1
    assert not (batch.parent / "nowhere").exists()
