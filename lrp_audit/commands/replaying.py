"""`lrp-audit verify --replay`: a model opened, decisions judged again, and what came of it as findings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from lrp_audit.batch.plan import Plan, read_plan
from lrp_audit.batch.recomputing import from_records, from_source
from lrp_audit.batch.replay import TOLERANCE, replay
from lrp_audit.commands.keys import naming_key
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import Session, digest_of, new_session, open_decisions
from lrp_audit.errors import ConfigError, DataError
from lrp_audit.files import write_bytes
from lrp_audit.records.record import canonical
from lrp_audit.report.batch_report import Replay
from lrp_audit.sealing import layout
from lrp_audit.sealing.finding import Finding
from lrp_audit.settings import config as configuration
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import open_stream


@dataclass(frozen=True)
class Again:
    """The options of a replay."""

    count: str  # a number, or all
    seed: int
    config: Path | None
    model: Path | None
    reference: Path | None
    data: Path | None
    trust: bool


def replayed(folder: Path, asked: Again) -> Iterator[Finding]:
    """Judge decisions of a batch again, say what differs, and keep that in replay.json.

    Raises:
        LrpAuditError: the settings are not those of the batch, or the model or the source cannot be used.
    """
    plan = read_plan(folder)
    if plan is None:
        raise DataError(f"{folder} is no batch, so that nothing of it can be judged again: --replay needs a folder.")
    if not plan.records:
        raise DataError(f"{folder} was run with --no-records, so that there is nothing to compare with.")
    count = _count(asked.count)
    session = _session(plan, asked, _settings(folder, asked.config))
    if asked.data is None:
        found = replay(folder, from_records(session, folder), session.versions, count=count, seed=asked.seed)
    else:
        with tempfile.TemporaryDirectory() as spool:
            recompute = from_source(session, plan, asked.data, Path(spool))
            found = replay(folder, recompute, session.versions, count=count, seed=asked.seed)
    write_bytes(folder / layout.REPLAY, canonical(found))
    yield from _findings(found, plan, session)


def _findings(found: Replay, plan: Plan, session: Session) -> Iterator[Finding]:
    other = [
        f"{name} {plan.versions.get(name, 'none')}, now {session.versions.get(name, 'none')}"
        for name in sorted(plan.versions.keys() | session.versions.keys())
        if plan.versions.get(name) != session.versions.get(name)
    ]
    how = f"within {TOLERANCE:g}" if other else "to the bit"
    if other:
        yield Finding(None, f"The run was on other versions ({'; '.join(other)}); numbers are compared {how}.")
    for item in found.differences:
        yield Finding(False, f"Decision {item.id[:80]!r} differs: {item.what}.")
    if found.recomputed == 0:
        yield Finding(None, "No decision could be judged again: none that was explained is left.")
    elif not found.differences:
        yield Finding(True, f"All {found.recomputed} decisions that were judged again have the same record, {how}.")


def _count(given: str) -> int | None:
    if given == "all":
        return None
    if given.isdecimal() and int(given) > 0:
        return int(given)
    raise DataError(f"--replay is a number of decisions or all, and not {given[:40]!r}.")


def _settings(folder: Path, given: Path | None) -> Path:
    """Where the settings lie: those of the batch are among its own files."""
    here = Path(layout.SETTINGS)
    return given or (here if here.exists() else folder / layout.SETTINGS)


def _session(plan: Plan, asked: Again, config: Path) -> Session:
    settings, folder = load(config), config.parent
    if configuration.digest(settings) != plan.sha256.config:
        raise ConfigError(
            f"{config} does not hold the settings of the batch, which lie in its own {layout.SETTINGS}: put that "
            "beside the model and the reference data that it names, and give it with --config."
        )
    torch.set_num_threads(plan.threads)
    key = b"" if asked.data is None else naming_key(settings, config)
    head = _head(settings, plan, asked.data)
    model = open_decisions(
        settings,
        folder,
        asked.model or folder / settings.model.file,
        head,
        reference=_reference(settings, plan, asked.reference, folder),
        trust=asked.trust,
    )
    return new_session(settings, model, key)


def _reference(settings: AuditConfig, plan: Plan, given: Path | None, folder: Path) -> Path | None:
    """The population that decisions were compared with, wherever its file lies now; None where there is no file."""
    if settings.reference.data is None:
        if given is not None:
            raise ConfigError("The settings name no [reference] data, which --reference could stand for.")
        return None
    path = given or folder / settings.reference.data
    try:
        found = digest_of(path)
    except OSError as error:
        raise DataError(
            f"{path}, the reference data of the batch, cannot be read: {error.strerror}; --reference names another "
            "place of the file."
        ) from None
    if found != plan.sha256.reference:
        raise DataError(
            f"{path} is not the reference data of the batch: its SHA-256 is another one than plan.json names."
        )
    return path


def _head(settings: AuditConfig, plan: Plan, data: Path | None) -> pd.DataFrame:
    """The first rows of the source, which stand for its population where the settings name no reference data."""
    if data is not None:
        return next(open_stream(data, text=text_columns(settings.facts)).frames(plan.chunk_rows))
    if settings.reference.data is None:
        raise ConfigError("The settings name no [reference] data: name the source with --data to judge it again.")
    return pd.DataFrame()
