"""What a process needs to work on chunks: the model and the settings, opened, and known to be those of the plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import torch

from lrp_audit.batch.plan import THREADS, Digests, Plan, chosen
from lrp_audit.batch.source import unpacked
from lrp_audit.deciding.session import Session, digest_of, open_session
from lrp_audit.errors import ConfigError
from lrp_audit.output import Document, Output
from lrp_audit.settings.config import load

if TYPE_CHECKING:
    from lrp_audit.signing import Signer

KINDS: dict[str, frozenset[Document]] = {
    "none": frozenset(),
    "letters": frozenset({"letter"}),
    "audits": frozenset({"audit"}),
    "all": frozenset({"letter", "audit"}),
}


@dataclass(frozen=True)
class Setup:
    """All that a process has to be told to work on chunks; can be sent to another.

    Attributes:
        config: where audit.toml lies; what it names lies beside it, on every machine.
        plan: of the run.
        secret: of this batch, which salts come from.
        head: the first rows of the source, packed: the population where the settings name no reference data.
        trust: open model files that could run code.
        passphrase: of the signing key; None where nothing is signed.
    """

    config: Path
    plan: Plan
    secret: bytes
    head: bytes
    trust: bool = False
    passphrase: str | None = None


@dataclass(frozen=True)
class Work:
    """A setup, opened. `sampled` are the positions that documents are written of; None for all."""

    session: Session
    plan: Plan
    secret: bytes
    output: Output
    sampled: frozenset[int] | None

    def wants_documents(self, position: int, *, adverse: bool, refused: bool) -> bool:
        """Whether documents are to be written of a decision; a refused one has no letter."""
        if self.sampled is not None and position not in self.sampled:
            return False
        kinds = self.output.documents - {"letter"} if refused else self.output.documents
        return bool(kinds) and (adverse or self.plan.only is None)


def open_work(setup: Setup) -> Work:
    """Open the model, and hold it against the plan.

    Raises:
        ConfigError: the settings or the model are not those that the plan names.
        LrpAuditError: they cannot be used.
    """
    session = open_batch_session(setup.config, unpacked(setup.head).frame, trust=setup.trust)
    if digests(session, setup.config) != setup.plan.sha256:
        raise ConfigError(f"The model or the settings at {setup.config} are not those that this run was started with.")
    return work_of(setup, session)


def work_of(setup: Setup, session: Session) -> Work:
    """A setup whose model is open already."""
    plan = setup.plan
    count, documents = plan.documents_sample, KINDS[plan.documents]
    return Work(
        session=session,
        plan=plan,
        secret=setup.secret,
        output=Output(Path(), session.config, session.key, documents, signer=_signer(session, setup)),
        sampled=None if count is None else frozenset(chosen(plan.decisions, count, plan.seed, "documents")),
    )


def open_batch_session(config: Path, head: pd.DataFrame, *, trust: bool) -> Session:
    """A session of one thread, as bits depend on how many there are.

    Args:
        config: where audit.toml lies.
        head: first rows of the source.
        trust: open model files that could run code.

    Raises:
        ConfigError: the settings name no reference data, and the method needs them.
        LrpAuditError: model, data or settings cannot be used.
    """
    torch.set_num_threads(THREADS)
    settings = load(config)
    reference = settings.reference
    if reference.data is None and reference.population != "zero" and settings.text is None:
        raise ConfigError(
            "A batch reads its source in pieces, so that it cannot be compared with itself: name a table of the "
            "population in [reference] data, or set reference.population to zero."
        )
    return open_session(settings, config.parent, head, trust=trust)


def digests(session: Session, config: Path) -> Digests:
    """What the decisions of a session depend on."""
    facts, reference = session.model.facts, session.config.reference.data
    return Digests(
        config=session.config_sha256,
        model_file=facts.file_sha256,
        weights=facts.weights_sha256,
        preprocessing=facts.preprocessing_sha256,
        reference=None if reference is None else digest_of(config.parent / reference),
    )


def _signer(session: Session, setup: Setup) -> Signer | None:
    if setup.passphrase is None or session.config.signing is None:
        return None
    from lrp_audit.signing import open_signer  # noqa: PLC0415  # an extra

    known = setup.passphrase
    now = dt.datetime.now(dt.UTC)
    return open_signer(session.config.signing, setup.config.parent, lambda _: known, now=now)
