"""A run of `letter` or `audit`: a table in, documents out, and what came of it as text and exit code."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import typer
from rich.console import Console

from lrp_audit.commands.keys import signer_of
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.libraries import slow_fonts
from lrp_audit.deciding.session import Session, open_session, require_checks
from lrp_audit.errors import DataError, SigningError
from lrp_audit.history.decision_folder import decision_folder
from lrp_audit.output import Document, Output, Written
from lrp_audit.records.record import Correction, Refusal
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import read_table
from lrp_audit.terminal import aside, progress, summary_table

if TYPE_CHECKING:
    from lrp_audit.signing import Signer


@dataclass(frozen=True)
class Documents:
    """Which documents a run writes, and where."""

    kinds: frozenset[Document]
    out: Path
    draft: bool
    twins: bool
    sign: bool


@dataclass(frozen=True)
class Run:
    """The options that `letter` and `audit` share."""

    data: Path
    config: Path
    id: str | None
    as_of: dt.datetime | None
    documents: Documents
    as_json: bool
    strict: bool
    trust: bool
    corrects: str | None = None


def run(wanted: Run) -> None:
    """Judge the decisions of a table, write their documents, and say what came of it.

    Raises:
        LrpAuditError: something cannot be used, read or written; the message says what.
        typer.Exit: with the code that tells what became of a named decision, or of a strict run.
    """
    config, documents = load(wanted.config), wanted.documents
    if "letter" in documents.kinds and not documents.draft:
        require_checks(config)
    signer = _signer(config, wanted)
    frame = read_table(wanted.data, text=text_columns(config.facts))
    session = open_session(config, wanted.config.parent, frame, trust=wanted.trust)
    _note_unused(session, frame)
    if slow := slow_fonts():
        aside(slow)
    written = _write(wanted, session, frame, signer)
    _report(written, documents, as_json=wanted.as_json)
    _exit(wanted, [_kept_back(item, documents) for item in written])


def _write(wanted: Run, session: Session, frame: pd.DataFrame, signer: Signer | None) -> list[Written]:
    documents, ids = wanted.documents, None if wanted.id is None else [wanted.id]
    output = Output(
        documents.out,
        session.config,
        session.key,
        documents.kinds,
        draft=documents.draft,
        twins=documents.twins,
        signer=signer,
    )
    notice = None if wanted.as_of is None else wanted.as_of.date()
    decisions = decide(session, frame, notice=notice, ids=ids, corrects=_correction(wanted, session.key))
    with progress(decisions, len(frame) if ids is None else 1, "Writing") as counted:
        return [output.write(decision) for decision in counted]


def _signer(config: AuditConfig, wanted: Run) -> Signer | None:
    if not wanted.documents.sign:
        return None
    if wanted.documents.draft:
        raise SigningError("Drafts are not signed: leave out --sign or --draft.")
    return signer_of(config, wanted.config.parent)


def _correction(wanted: Run, key: bytes) -> Correction | None:
    if wanted.corrects is None:
        return None
    if wanted.id is None:
        raise DataError("--corrects replaces the letter of one decision: name it with --id.")
    return decision_folder(wanted.documents.out, key, wanted.id).find(wanted.corrects)


def _kept_back(item: Written, documents: Documents) -> Refusal | None:
    """Why there is no letter; an audit that is yet to be reviewed has done its part."""
    return item.refusal if "letter" in documents.kinds else item.record.refusal


def _note_unused(session: Session, frame: pd.DataFrame) -> None:
    facts = session.config.facts.model_dump().values()
    unused = [str(name) for name in frame.columns if name not in {*session.model.columns, *facts}]
    if unused:
        aside(f"Ignored, since neither the model nor [facts] uses them: {', '.join(unused)}.")


def _report(written: Sequence[Written], documents: Documents, *, as_json: bool) -> None:
    refusals = [_kept_back(item, documents) for item in written]
    names = [path.name for item in written for path in item.files]
    counts = {"letters": sum(item.letter for item in written)} if "letter" in documents.kinds else {}
    if documents.draft:
        counts = {"draft letters": sum(name.startswith("DRAFT-") and name.endswith(".pdf") for name in names)}
    if "audit" in documents.kinds:
        counts["audits"] = names.count("audit.pdf")
    if as_json:
        typer.echo(json.dumps({**counts, "decisions": [_result(item, documents) for item in written]}, indent=2))
        return
    Console(highlight=False).print(summary_table(counts, refusals))
    typer.echo(f"In {documents.out}")


def _result(item: Written, documents: Documents) -> dict[str, object]:
    refusal = _kept_back(item, documents)
    return {
        "id": item.record.decision.id,
        "state": None if refusal is None else refusal.state,
        "next_step": None if refusal is None else refusal.next_step,
        "files": [path.as_posix() for path in item.files],
    }


def _exit(wanted: Run, refusals: Sequence[Refusal | None]) -> None:
    """Exit codes of a run that wrote what it could."""
    if wanted.documents.draft:
        return
    if wanted.id is not None:
        _exit_for_named(refusals, approved="letter" not in wanted.documents.kinds)
    elif wanted.strict and any(refusal and refusal.state != "NOT_ADVERSE" for refusal in refusals):
        raise typer.Exit(1)


def _exit_for_named(refusals: Sequence[Refusal | None], *, approved: bool) -> None:
    """Exit with 1 if the one named decision was refused, or with 2 if its row is invalid.

    An approval, for which no letter is due, counts as refused only where a letter was asked for.
    """
    for refusal in refusals:
        if refusal is None or (approved and refusal.state == "NOT_ADVERSE"):
            continue
        aside(f"{refusal.state} ({refusal.rule}): {refusal.evidence} {refusal.next_step}")
        raise typer.Exit(2 if refusal.state == "INVALID_INPUT" else 1)
