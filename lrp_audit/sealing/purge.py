"""Purging: what is due is deleted with its salts, and the tree goes on to prove what is left (GDPR Art. 5(1)(e)).

What a purge will delete is logged before anything goes, so that one that was killed is finished by the next. Legal
holds win. Documents, records, addressees and rows of tables go; leaf hashes stay, and say nothing without their salts.
Deleted means removed from the folder: copies, backups and what a disk keeps are the user's to remove.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lrp_audit.errors import ReportError
from lrp_audit.files import sync_folder, write_bytes
from lrp_audit.history import events
from lrp_audit.history.events import Act, Event
from lrp_audit.parquet import open_parquet
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import (
    batches,
    chunk_files,
    read_table,
    remove_unfinished,
    write_groups,
    write_table,
)
from lrp_audit.sealing.hashing import hashed
from lrp_audit.sealing.log import held_rows, purged_rows, rows_in_words
from lrp_audit.sealing.manifest import LogHead, Manifest, edition_file, editions, read_manifest
from lrp_audit.sealing.seal import ManifestSigner, publish, sealed_files, tree_of

_DOCUMENT = re.compile(r"documents/[0-9a-f]+/[0-9A-Za-z-]+/[^/]+")


@dataclass(frozen=True)
class Due:
    """What a purge would delete.

    Attributes:
        rows: basis -> rows of the source.
        last: basis -> the latest last day among them.
        held: how many more are due, and under a legal hold.
        undated: how many have no last day, so that they are never due.
    """

    rows: Mapping[str, tuple[int, ...]]
    last: Mapping[str, dt.date]
    held: int
    undated: int

    @property
    def count(self) -> int:
        return sum(map(len, self.rows.values()))


def due(folder: Path, as_of: dt.date) -> Due:
    """What is due on a day: its last day is over, and nothing holds it.

    Raises:
        ReportError, EventLogError: the batch cannot be read.
    """
    logged = events.read(folder / layout.EVENTS)
    columns = list(_retention(folder))
    held = held_rows(logged, (row for row, _, _, hold in columns if hold))
    rows: dict[str, list[int]] = defaultdict(list)
    last: dict[str, dt.date] = {}
    kept = undated = 0
    for row, until, basis, _ in columns:
        if until is None or basis is None:
            undated += 1
        elif until < as_of and row in held:
            kept += 1
        elif until < as_of:
            rows[basis].append(row)
            last[basis] = max(until, last.get(basis, until))
    return Due({basis: tuple(found) for basis, found in rows.items()}, last, kept, undated)


def purge(
    folder: Path,
    as_of: dt.date,
    *,
    by: str,
    now: dt.datetime,
    relist: Callable[[Path], None],
    signer: ManifestSigner | None = None,
) -> int:
    """Delete what is due, or what an interrupted purge has left; return how many decisions went.

    Args:
        folder: a sealed batch that nobody else works in.
        as_of: the day.
        by: who deletes.
        now: the time of the event.
        relist: writes the lists of decisions anew, from the tables.
        signer: signs the next manifest.

    Raises:
        ReportError: the batch is not as it was sealed, or cannot be written; what was begun is finished by the next.
        EventLogError: its log is damaged.
        SigningError: the key does not sign.
    """
    manifest = read_manifest(folder / layout.MANIFEST)
    logged = events.read(folder / layout.EVENTS)
    _require_sound(folder, manifest, signer)
    remove_unfinished(folder)
    before = manifest.purged
    if len(purged_rows(logged)) == manifest.purged:
        _require_decisions(folder, manifest)
        acts = list(_acts(due(folder, as_of), manifest, as_of, by, now))
        logged += events.append(folder / layout.EVENTS, acts)
    gone = purged_rows(logged)
    if len(gone) != manifest.purged:
        _delete(folder, gone)
        relist(folder)
        manifest = _next_edition(folder, manifest, logged, len(gone), signer)
    publish(folder, manifest, signer)
    return len(gone) - before


def still_naming(folder: Path) -> list[str]:
    """Files of a batch that may name purged decisions by their ids: sealed, and about all of its decisions."""
    return [name for name in layout.NAMING if (folder / name).exists()]


def _retention(folder: Path) -> Iterator[tuple[int, dt.date | None, str | None, bool]]:
    names = ["row", "retain_until", "basis", "legal_hold"]
    for batch in batches(folder / layout.DECISIONS, names):
        yield from zip(*(batch.column(name).to_pylist() for name in names), strict=True)


def _require_sound(folder: Path, manifest: Manifest, signer: ManifestSigner | None) -> None:
    """A purge that deletes by tables that somebody changed would delete the wrong things."""
    if manifest.signed is not None and signer is None:
        raise ReportError(f"The manifest is signed by {manifest.signed.signer}: purge with --sign, or nothing goes.")
    first = editions(folder, manifest)[0]
    if tree_of(folder, first.files).root != manifest.root:
        raise ReportError(f"{folder} is not as it was sealed: see `lrp-audit verify`. Nothing was deleted.")


def _require_decisions(folder: Path, manifest: Manifest) -> None:
    sealed = {file.name: file.sha256 for file in manifest.files}
    if hashed(folder, layout.DECISIONS).sha256 != sealed.get(layout.DECISIONS):
        raise ReportError(f"{folder / layout.DECISIONS} is not as it was sealed. Nothing was deleted.")


def _acts(found: Due, manifest: Manifest, as_of: dt.date, by: str, now: dt.datetime) -> Iterator[Act]:
    for basis, rows in sorted(found.rows.items()):
        details = {
            "as_of": as_of.isoformat(),
            "basis": basis,
            "decisions": str(len(rows)),
            "last_day": found.last[basis].isoformat(),
            "rows": rows_in_words(rows),
        }
        time = now.replace(microsecond=0)
        yield Act(kind="purge", time=time, by=by, role="", details=details, record_sha256=manifest.root)


def _delete(folder: Path, rows: Set[int]) -> None:
    """Delete all of some rows; what is gone already is passed over."""
    wanted = np.fromiter(sorted(rows), np.int64, len(rows))
    try:
        for path in chunk_files(folder, layout.LEAVES):
            table = read_table(path)
            going = pc.is_in(table.column("row"), pa.array(wanted))
            _delete_documents(folder, table.filter(going))
            if pc.any(pc.and_(going, pc.is_valid(table.column("salt")))).as_py():
                write_table(path, _without_salts(table, going))
        for room in (layout.RECORDS, layout.ADDRESSEES):
            for path in chunk_files(folder, room):
                _keep_others(path, wanted)
        (folder / layout.REPLAY).unlink(missing_ok=True)  # it may name them, and what they were; another replay is made
        for name in (layout.RELEVANCE, layout.DECISIONS):
            _keep_others(folder / name, wanted)
    except OSError as error:
        raise ReportError(f"{error.filename or folder} cannot be deleted: {error.strerror}.") from error


def _delete_documents(folder: Path, leaves: pa.Table) -> None:
    """The folders of decisions whose leaves still have names. Raises OSError."""
    chosen = leaves.filter(pc.and_(pc.equal(leaves.column("kind"), "document"), pc.is_valid(leaves.column("name"))))
    for name in sorted(set(chosen.column("name").to_pylist())):
        if not _DOCUMENT.fullmatch(name):
            raise ReportError(f"{name!r} is no name of a document of a batch; nothing more was deleted.")
        place = (folder / name).parent
        if place.is_dir():
            shutil.rmtree(place)
            sync_folder(place.parent)


def _without_salts(table: pa.Table, going: pa.ChunkedArray) -> pa.Table:
    for name in ("name", "sha256", "salt"):
        position = table.schema.get_field_index(name)
        field = table.schema.field(position)
        emptied = pc.if_else(going, pa.scalar(None, field.type), table.column(name))
        table = table.set_column(position, field, emptied)
    return table


def _keep_others(path: Path, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    """Write a table anew without some rows, if it has any of them."""
    gone = pa.array(rows)
    if not any(pc.any(pc.is_in(batch.column("row"), gone)).as_py() for batch in batches(path, ["row"])):
        return
    with open_parquet(path) as file:
        schema = file.schema_arrow
        left = (
            pa.Table.from_batches([batch.filter(pc.invert(pc.is_in(batch.column("row"), gone)))])
            for batch in file.iter_batches(layout.ROW_GROUP)
        )
        write_groups(path, schema, left)


def _next_edition(
    folder: Path, manifest: Manifest, logged: Sequence[Event], purged: int, signer: ManifestSigner | None
) -> Manifest:
    """Keep the manifest and its signature as an earlier edition, and write the one that takes their place."""
    kept, signature = edition_file(folder, manifest.edition), folder / layout.SIGNATURE
    content = canonical(manifest)
    write_bytes(kept, content)
    if signature.exists():
        write_bytes(kept.with_name(f"{kept.name}.p7s"), signature.read_bytes())
        signature.unlink()
    head = events.check(folder / layout.EVENTS).head_at(len(logged))
    following = manifest.model_copy(
        update={
            "edition": manifest.edition + 1,
            "replaces": hashlib.sha256(content).hexdigest(),
            "files": sealed_files(folder),
            "purged": purged,
            "log": LogHead(events=len(logged), sha256=head),
            "signed": None if signer is None else signer.signs_as,
        }
    )
    write_bytes(folder / layout.MANIFEST, canonical(following))
    return following
