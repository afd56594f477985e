"""What a user asked a run for, and the plan that it makes; on a second start, whether it is still the same."""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from lrp_audit.aggregate.analysis import groupings_of
from lrp_audit.batch import source
from lrp_audit.batch.plan import Digests, Plan, Source, Wanted, read_plan, require_same
from lrp_audit.batch.work import KINDS, Setup, digests, open_batch_session
from lrp_audit.deciding.facts import require_columns, text_columns
from lrp_audit.deciding.session import Session, digest_of, require_checks
from lrp_audit.errors import ConfigError, DataError, ReportError
from lrp_audit.files import write_bytes
from lrp_audit.records.record import canonical
from lrp_audit.sealing import layout
from lrp_audit.sealing.contents import is_unfinished
from lrp_audit.sealing.leaves import SALT_BYTES
from lrp_audit.sealing.manifest import read_manifest
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import Stream, open_stream, queries, read_table

HEAD = "head.parquet"
_QUERY = "query"
_ROOMS = (layout.SOURCE, layout.CHUNKS, layout.PARTS, layout.DOCUMENTS)
_BEGUN = {*_ROOMS, layout.LOCK, layout.SECRET, layout.LOG, layout.SETTINGS}  # what lies there before there is a plan
CHUNK_ROWS, CHUNK_ROWS_WITH_DOCUMENTS = 1536, 256  # a chunk should be a second of work, and a minute at most


@dataclass(frozen=True)
class Order:
    """A batch as it was asked for.

    Attributes:
        data: a CSV or Parquet file, or a folder of Parquet files; or None.
        query: a database's address and what to ask it; or None.
        config: where audit.toml lies.
        out: the folder of the batch.
        trust: open model files that could run code.
        passphrase: of the key that signs.
        others: as in `Plan`; `as_of` of None takes what the run was started with.
    """

    data: Path | None
    query: tuple[str, str] | None
    config: Path
    out: Path
    as_of: dt.date | None = None
    documents: Wanted = "none"
    documents_sample: int | None = None
    only: Literal["adverse"] | None = None
    sample: int | None = None
    seed: int = 0
    limit: int | None = None
    chunk_rows: int | None = None
    records: bool = True
    previous: Path | None = None
    groups: Path | None = None
    trust: bool = False
    passphrase: str | None = None


def planned(order: Order) -> tuple[Plan, Session | None]:
    """The plan of a run that is begun, or goes on, or is done; and the model, unless it is done.

    Call it with the folder locked.

    Raises:
        ConfigError: the settings do not allow it, or the run was started as another.
        DataError: the source cannot be read.
        ReportError: the folder holds something else, or cannot be written to.
        LrpAuditError: the model cannot be used.
    """
    config = load(order.config)
    _require_sense(order, config)
    plan = read_plan(order.out)
    if plan is None:
        return _begin(order, config)
    now, session = _wanted_now(order, plan)
    require_same(plan, now, order.out)
    return plan, session


def setup(order: Order, plan: Plan) -> Setup:
    """What those who work on chunks are told. Raises ReportError where a file of the run is missing."""
    return Setup(
        config=order.config.resolve(),
        plan=plan,
        secret=_content(order.out / layout.SECRET),
        head=_content(order.out / layout.SOURCE / HEAD),
        trust=order.trust,
        passphrase=order.passphrase,
    )


def read_groups(order: Order, config: AuditConfig) -> pd.DataFrame | None:
    """The table of groups; None where none is asked for.

    Raises:
        DataError: it cannot be read, has no column `id`, or none beside it.
        ConfigError: decisions have no ids to find their groups by.
    """
    if order.groups is None:
        return None
    if config.facts.id is None:
        raise ConfigError("--groups needs facts.id in audit.toml, by which the group of a decision can be found.")
    groups = read_table(order.groups, text=["id"])
    if "id" not in groups:
        raise DataError(f"{order.groups} has no column 'id'; name the column with the decisions' ids so.")
    groupings_of(groups)
    return groups


def is_sealed(folder: Path) -> bool:
    """Whether a run is done, up to what sealing leaves to be removed."""
    return (folder / layout.MANIFEST).exists()


def _require_sense(order: Order, config: AuditConfig) -> None:
    """Raise what says why a run cannot be meant so."""
    read_groups(order, config)
    _previous_root(order)
    if (order.data is None) == (order.query is None):
        raise DataError("Name one source: a CSV or Parquet file, a folder of Parquet files, or a query with --sql.")
    if order.sample is not None and config.facts.id is None:
        raise ConfigError("--sample needs facts.id in audit.toml, by which a sampled decision can be found again.")
    if "letter" in KINDS[order.documents]:
        require_checks(config)


def _begin(order: Order, config: AuditConfig) -> tuple[Plan, Session]:
    """Read the source and write the plan, last of all: without it, the run starts from the beginning."""
    folder = order.out
    present = {path.name for path in folder.iterdir()}
    others = sorted(name for name in present - _BEGUN if not is_unfinished(name))
    if others:
        raise ReportError(f"{folder} holds other files already ({others[0]}); name a folder of its own for the batch.")
    try:
        for room in _ROOMS:
            shutil.rmtree(folder / room, ignore_errors=True)
            (folder / room).mkdir()
    except OSError as error:
        raise ReportError(f"{error.filename} cannot be made: {error.strerror}.") from None
    where = _source(order)
    stream = _stream(order, config)
    head = next(stream.frames(_chunk_rows(order)))
    require_columns(config.facts, head)
    session = open_batch_session(order.config, head, trust=order.trust)
    session.model.problems(head)  # raises where the source lacks a column of the model
    choice = source.Choice(_chunk_rows(order), order.limit, order.sample, order.seed)
    extent = source.spool(stream, folder, config.facts, choice)
    if _source(order) != where:
        raise DataError(f"{order.data} was changed while it was read; run again when it is whole.")
    write_bytes(folder / layout.SOURCE / HEAD, source.packed(head, range(len(head))))
    shutil.rmtree(folder / layout.SOURCE / _QUERY, ignore_errors=True)
    write_bytes(folder / layout.SECRET, secrets.token_bytes(SALT_BYTES))
    write_bytes(folder / layout.SETTINGS, _content(order.config))
    plan = _planned(order, where, extent, digests(session, order.config), dict(session.versions), order.as_of)
    write_bytes(folder / layout.PLAN, canonical(plan))
    return plan, session


def _wanted_now(order: Order, known: Plan) -> tuple[Plan, Session | None]:
    """The plan that the order would make today, of the rows that were read then."""
    extent, as_of = source.Extent(known.rows, known.decisions), order.as_of or known.as_of
    if is_sealed(order.out):  # nothing is judged again
        return _planned(order, _source(order), extent, known.sha256, known.versions, as_of), None
    head = source.unpacked(_content(order.out / layout.SOURCE / HEAD)).frame
    session = open_batch_session(order.config, head, trust=order.trust)
    found = digests(session, order.config)
    return _planned(order, _source(order), extent, found, dict(session.versions), as_of), session


def _planned(
    order: Order, where: Source, extent: source.Extent, found: Digests, versions: dict[str, str], as_of: dt.date | None
) -> Plan:
    return Plan(
        source=where,
        rows=extent.rows,
        decisions=extent.decisions,
        chunk_rows=_chunk_rows(order),
        as_of=as_of,
        documents=order.documents,
        documents_sample=order.documents_sample,
        only=order.only,
        sample=order.sample,
        seed=order.seed,
        limit=order.limit,
        records=order.records,
        sign=order.passphrase is not None,
        sha256=found,
        versions=versions,
        previous_root=_previous_root(order),
        groups=None if order.groups is None else digest_of(order.groups),
    )


def _previous_root(order: Order) -> str | None:
    return None if order.previous is None else read_manifest(order.previous / layout.MANIFEST).root


def _chunk_rows(order: Order) -> int:
    if order.chunk_rows is not None:
        return order.chunk_rows
    many = order.documents != "none" and order.documents_sample is None
    return CHUNK_ROWS_WITH_DOCUMENTS if many else CHUNK_ROWS


def _source(order: Order) -> Source:
    if order.query is not None:
        address, query = order.query
        return Source(kind="query", name=queries.shown(address), query=query)
    path = _path(order)
    if not path.exists():
        raise DataError(f"{path}: there is no such file.")
    return Source(kind="folder" if path.is_dir() else "file", name=path.resolve().name, sha256=digest_of(path))


def _stream(order: Order, config: AuditConfig) -> Stream:
    text = text_columns(config.facts)
    if order.query is None:
        return open_stream(_path(order), text=text)
    answer = order.out / layout.SOURCE / _QUERY
    answer.mkdir()
    queries.save(*order.query, answer)
    return open_stream(answer, text=text)


def _path(order: Order) -> Path:
    assert order.data is not None  # as there is no query
    return order.data


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from None
