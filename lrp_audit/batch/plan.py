"""plan.json: what a run is. Written when all of the source was read, never changed, and compared when a run goes on.

The bits of a batch depend on what stands in it: the rows of a chunk, its settings and model, one thread, versions of
packages, and what the processor can do.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from lrp_audit.errors import ConfigError, ReportError
from lrp_audit.records.record import Frozen, canonical
from lrp_audit.sealing import layout

THREADS = 1
Wanted = Literal["none", "letters", "audits", "all"]


class Source(Frozen):
    """Where the decisions came from."""

    kind: Literal["file", "folder", "query"]
    name: str  # of the file or folder, without its path; of a query the database's address, without its password
    sha256: str | None = None  # of the file; of a folder, over the names and digests of its files
    query: str | None = None


class Digests(Frozen):
    """What judges the decisions."""

    config: str  # the settings as they count, whatever the layout of audit.toml
    model_file: str | None
    weights: str
    preprocessing: str | None
    reference: str | None  # of the file with the reference population


class Plan(Frozen):
    """A run, as an auditor would have to repeat it (BA-01)."""

    schema_version: Literal["1"] = "1"
    source: Source
    rows: int  # of the source, as far as `limit` lets it be read
    decisions: int  # of them, after sampling: these are judged
    chunk_rows: int  # rows that are judged together, and the shape of every pass through the model
    as_of: dt.date | None  # printed on notices
    documents: Wanted
    documents_sample: int | None  # documents for so many decisions only
    only: Literal["adverse"] | None  # documents for such decisions only
    sample: int | None  # judge so many rows only
    seed: int  # of both samples
    limit: int | None  # read so many rows only
    records: bool
    sign: bool
    sha256: Digests
    versions: dict[str, str]
    threads: int = THREADS
    previous_root: str | None = None  # of the batch that this one continues
    groups: str | None = None  # SHA-256 of the table of groups that groups.pdf is about

    @property
    def chunks(self) -> int:
        return -(-self.decisions // self.chunk_rows)


def chosen(population: int, count: int, seed: int, purpose: Literal["rows", "documents", "replay"]) -> list[int]:
    """A sample that anybody can draw again: the positions whose SHA-256 of `purpose:seed:position` is smallest.

    Args:
        population: positions are counted from 0 up to it.
        count: how many, at most.
        seed: another one gives another sample.
        purpose: samples for different ones do not depend on each other.
    """
    drawn = (
        (hashlib.sha256(f"{purpose}:{seed}:{position}".encode()).digest(), position) for position in range(population)
    )
    return sorted(position for _, position in heapq.nsmallest(count, drawn))


def read_plan(folder: Path) -> Plan | None:
    """The plan of a batch that was started; None where there is none.

    Raises:
        ReportError: it cannot be read, or was changed.
    """
    path = folder / layout.PLAN
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        plan = Plan.model_validate_json(content)
    except (ValidationError, ValueError, RecursionError):
        plan = None
    if plan is None or canonical(plan) != content:
        raise ReportError(f"{path} was changed since it was written; start in a new folder.")
    return plan


def require_same(known: Plan, wanted: Plan, folder: Path) -> None:
    """Raise ConfigError, which names every difference, unless a run may go on as what it was started as."""
    differences = list(_differences(known, wanted))
    if differences:
        raise ConfigError(
            f"{folder} was started as another run: {'; '.join(differences)}. Put that back as it was, or start in a "
            "new folder."
        )


def _differences(known: Plan, wanted: Plan) -> Iterator[str]:
    if known.source != wanted.source:
        yield f"the source changed: {_source(known.source)}, now {_source(wanted.source)}"
    for name, words in _DIGESTS.items():
        before, now = (getattr(plan.sha256, name) for plan in (known, wanted))
        if before != now:
            yield f"the {words} changed: SHA-256 {_short(before)}, now {_short(now)}"
    for name, words in _OPTIONS.items():
        before, now = (getattr(plan, name) for plan in (known, wanted))
        if before != now:
            yield f"{words}: {_option(before)}, now {_option(now)}"
    for name in sorted(known.versions.keys() | wanted.versions.keys()):
        before, now = (plan.versions.get(name, "none") for plan in (known, wanted))
        if before != now:
            yield f"the version of {name} changed: {before}, now {now}"


_DIGESTS = {
    "config": "configuration",
    "model_file": "model file",
    "weights": "model's weights",
    "preprocessing": "model's preprocessing",
    "reference": "reference data",
}
_OPTIONS = {
    "chunk_rows": "--chunk-rows",
    "as_of": "--as-of",
    "documents": "--documents",
    "documents_sample": "--documents sample",
    "only": "--only",
    "sample": "--sample",
    "seed": "--seed",
    "limit": "--limit",
    "records": "records kept",
    "sign": "--sign",
    "previous_root": "the root of --previous",
    "groups": "the SHA-256 of --groups",
}


def _source(source: Source) -> str:
    if source.query is not None:
        return f"{source.query!r} of {source.name}"
    return f"{source.name} ({_short(source.sha256)})"


def _short(sha256: str | None) -> str:
    return "none" if sha256 is None else f"{sha256[:12]}…"


def _option(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
