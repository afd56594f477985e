"""Whether a batch is what it was when it was sealed: offline, without its model, and naming whatever is not (BA-12)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pyarrow import ArrowException

from lrp_audit.errors import LrpAuditError
from lrp_audit.history import events
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import document_names, leaf_tables, sealed_names
from lrp_audit.sealing.finding import Finding
from lrp_audit.sealing.hashing import digests
from lrp_audit.sealing.leaves import altered
from lrp_audit.sealing.log import purged_rows
from lrp_audit.sealing.manifest import Manifest, editions, read_manifest
from lrp_audit.sealing.rows import Row, rows
from lrp_audit.sealing.seal import tree_of
from lrp_audit.sealing.sums import disagreement

_LETTERS = ("notice.pdf", "letter.pdf")


def verify(folder: Path, *, root: str | None = None) -> Iterator[Finding]:
    """Everything that can be said about a batch by its folder, less its signature.

    Args:
        folder: a sealed batch.
        root: that the batch had, as somebody else kept it.
    """
    try:
        manifest = read_manifest(folder / layout.MANIFEST)
        every = editions(folder, manifest)
    except LrpAuditError as error:
        yield Finding(False, str(error))
        return
    first = every[0]
    if root is not None:
        yield same_root(manifest, root)
    yield from _files(folder, manifest)
    yield from _sound(lambda: _leaves(folder, first))
    yield from _sound(lambda: _documents(folder))
    yield from _sound(lambda: _log(folder, manifest))
    yield from _sound(lambda: _rows(folder, manifest))
    yield from _sound(lambda: _sums(folder, manifest))


def _sound(check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of a check, or that a file is too damaged for it."""
    try:
        yield from check()
    except LrpAuditError as error:
        yield Finding(False, str(error))
    except OSError as error:
        yield Finding(False, f"{error.filename} cannot be read: {error.strerror}.")
    except (ArrowException, LookupError, TypeError, ValueError, AttributeError) as error:  # made by somebody else
        yield Finding(False, f"What is left cannot be checked: a table is not as it was written ({error}).")


def same_root(manifest: Manifest, root: str) -> Finding:
    """Whether a manifest is of the tree whose root somebody kept."""
    same = manifest.root == root.lower()
    return Finding(same, f"The root is {'' if same else 'not '}the one that you know.")


def _files(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """The files that the manifest lists, and none besides."""
    changed = 0
    for file, found in zip(manifest.files, digests(folder, (file.name for file in manifest.files)), strict=True):
        if found.sha256 != file.sha256:
            changed += 1
            yield _differs(folder, file.name, found.sha256)
    plan = {file.name: file.sha256 for file in manifest.files}.get(layout.PLAN)
    if plan != manifest.plan_sha256:
        yield Finding(False, f"{layout.MANIFEST} states two digests of {layout.PLAN}.")
    known = {file.name for file in manifest.files}
    for name in sealed_names(folder):
        if name not in known:
            yield Finding(False, f"{name} was added: the manifest does not list it.")
    if not changed:
        size = sum(file.bytes for file in manifest.files)
        yield Finding(True, f"All {len(known)} files of the manifest are as they were sealed ({size} bytes).")


def _differs(folder: Path, name: str, sha256: str | None) -> Finding:
    if sha256 is not None:
        return Finding(False, f"{name} was changed: its SHA-256 is another one than was sealed.")
    there = (folder / name).is_symlink() or (folder / name).exists()
    return Finding(False, f"{name} is no plain file that can be read." if there else f"{name} is missing.")


def _leaves(folder: Path, first: Manifest) -> Iterator[Finding]:
    for number, table in enumerate(leaf_tables(folder)):
        for place in altered(table):
            row, name = table.column("row")[place].as_py(), table.column("name")[place].as_py()
            what = name or f"row {row}"
            yield Finding(False, f"The leaf of {what} (chunk {number}) does not fit what it was made of.")
    tree = tree_of(folder, first.files)
    if tree.root == first.root and tree.size == first.size:
        yield Finding(True, f"The tree of {tree.size} leaves has the root {first.root}.")
    else:
        yield Finding(False, f"The tree of {tree.size} leaves does not have the root {first.root} that was sealed.")


def _documents(folder: Path) -> Iterator[Finding]:
    """The documents that leaves were made for, and none besides."""
    known: set[str] = set()
    changed = 0
    for table in leaf_tables(folder):
        columns = (table.column(name).to_pylist() for name in ("kind", "name", "sha256"))
        expected = {name: sha256 for kind, name, sha256 in zip(*columns, strict=True) if kind == "document" and name}
        for found in digests(folder, expected):
            if found.sha256 != expected[found.name]:
                changed += 1
                yield _differs(folder, found.name, found.sha256)
        known.update(expected)
    for name in sorted(document_names(folder)):
        if name not in known:
            yield from _added(folder, name)
    if not changed:
        yield Finding(True, f"All {len(known)} documents are as they were sealed.")


def _added(folder: Path, name: str) -> Iterator[Finding]:
    """A document without a leaf; a log of reviews may come later, and is a chain of its own."""
    if not name.endswith(f"/{events.NAME}"):
        yield Finding(False, f"{name} was added: no leaf was made for it.")
        return
    problem = events.check(folder / name).problem
    if problem is None:
        yield Finding(None, f"{name} was added later; its chain is sound.")
    else:
        yield Finding(False, f"{name}: {problem}.")


def _log(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    log = events.check(folder / layout.EVENTS)
    if log.problem is not None:
        yield Finding(False, f"{layout.EVENTS}: {log.problem}.")
    sealed = manifest.log
    if len(log.events) < sealed.events or log.head_at(sealed.events) != sealed.sha256:
        yield Finding(False, f"{layout.EVENTS} is not the log that the manifest knows: it was cut or written anew.")
    purges = [event for event in log.events[: sealed.events] if event.kind == "purge"]
    if len(purged_rows(purges)) != manifest.purged:
        yield Finding(False, f"{layout.MANIFEST} and {layout.EVENTS} tell different numbers of purged decisions.")
    for event in purges:
        yield Finding(
            None,
            f"{event.details['decisions']} decisions were purged on {event.time.date()}, due by "
            f"{event.details['as_of']} ({event.details['basis']}); their leaves are still in the tree.",
        )
    if any(event.kind == "purge" for event in log.events[sealed.events :]):
        yield Finding(False, "A purge was interrupted; run `lrp-audit purge` again to finish it.")
    if later := len(log.events) - sealed.events:
        yield Finding(None, f"{layout.EVENTS} holds {later} more events than the manifest knows of.")


def _rows(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """BA-02: every decision with its record and its documents, and nothing without a decision."""
    purged = purged_rows(events.check(folder / layout.EVENTS).events)
    counted: Counter[str] = Counter()
    wrong = 0
    for row in rows(folder):
        found = list(_purged(row) if row.row in purged else _kept(row, records=manifest.counts.records > 0))
        counted["decisions"] += row.decided is not None or row.row in purged
        named = () if row.decided is None else row.decided.documents
        counted["letters"] += any(name.endswith(_LETTERS) for name, _ in named)
        wrong += len(found)
        yield from found
    counts = manifest.counts
    planned = json.loads((folder / layout.PLAN).read_bytes())["decisions"]
    if planned != counts.decisions:
        yield Finding(False, f"{layout.PLAN} is of {planned} decisions, and {counts.decisions} were sealed.")
    if counted["decisions"] != counts.decisions:
        yield Finding(False, f"There are {counted['decisions']} decisions, and {counts.decisions} were sealed.")
    elif not wrong:
        refused = ", ".join(f"{count} {state}" for state, count in sorted(counts.refused.items())) or "none"
        yield Finding(
            True,
            f"All {counts.decisions} decisions are there with what they name; letters: {counted['letters']}; "
            f"refused: {refused}; failed: {counts.failed}; purged: {len(purged)}.",
        )


def _purged(row: Row) -> Iterator[Finding]:
    leaves = row.leaves
    if row.decided is not None or row.record is not None or (leaves and (leaves.record or leaves.documents)):
        yield Finding(False, f"Row {row.row} was purged, and something of it is still there.")


def _kept(row: Row, *, records: bool) -> Iterator[Finding]:
    decided, leaves = row.decided, row.leaves
    where = f"Row {row.row}"
    if decided is None:
        yield Finding(False, f"{where} has a record or leaves, and is no decision of {layout.DECISIONS}.")
        return
    if leaves is not None and leaves.purged:
        yield Finding(False, f"{where} has leaves without salt, and no purge is logged.")
    if records and decided.record != row.record:
        what = "has no record" if row.record is None else "has another record than it names"
        yield Finding(False, f"{where} of {layout.DECISIONS} {what}.")
    if decided.record != (None if leaves is None else leaves.record):
        yield Finding(False, f"{where}: the leaf of the record is of another record, or there is none.")
    bound = () if leaves is None else leaves.documents
    for name, _ in sorted(set(decided.documents) ^ set(bound)):
        yield Finding(False, f"{where}: {layout.DECISIONS} and the leaves do not agree about {name}.")


def _sums(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    differs = disagreement(folder, manifest)
    if differs is None:
        yield Finding(True, f"{layout.SUMS} says what the manifest says.")
    else:
        yield Finding(False, f"{layout.SUMS} does not agree with what was sealed, first of {differs}.")
