"""The main job on the shipped synthetic samples: letters with their audits, then every reachable refusal state."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from lrp_audit.commands.aggregation import write_reports
from lrp_audit.commands.review_desk import Desk
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import open_session
from lrp_audit.errors import ReportError
from lrp_audit.history.reviews import Review
from lrp_audit.output import Document, Output, Written
from lrp_audit.privacy.pseudonym import load_key
from lrp_audit.records.record import RefusalState
from lrp_audit.resources import samples
from lrp_audit.settings.config import load
from lrp_audit.settings.sections import FactsSection
from lrp_audit.tables import read_table
from lrp_audit.terminal import printable, progress, summary_table

NOTICE = dt.date(2026, 11, 16)  # the samples' decisions were made shortly before
MANY = 300  # past applications
DOCUMENTS: frozenset[Document] = frozenset({"letter", "audit"})


@dataclass(frozen=True)
class Case:
    """A small configuration under `refusals/`, a row of its table, and the state that row ends in."""

    settings: str
    id: str
    state: RefusalState


EXPLAINED = {"eu": "German", "uk": "British"}  # sample -> whose law its letters follow

CASES = (
    Case("stale_reference", "R-001", "REFERENCE_MISSING_OR_STALE"),
    Case("no_approval", "R-001", "MISSING_LEGAL_TEXT"),
    Case("unmapped_reason", "R-001", "UNMAPPED_PRINCIPAL_REASON"),
    Case("contradictory_reasons", "R-001", "CONTRADICTORY_REASONS"),
    Case("no_adverse_contribution", "R-049", "NO_ADVERSE_CONTRIBUTION"),
    Case("unfaithful_reasons", "R-372", "UNFAITHFUL_EXPLANATION"),
    Case("protected_inputs", "R-001", "PROHIBITED_BASIS_INFLUENTIAL"),
    Case("protected_inputs", "R-046", "SPECIAL_CATEGORY_INFLUENTIAL"),
    Case("protected_inputs", "R-029", "AGE_62_NEGATIVE"),
    Case("review_required", "R-001", "REVIEW_PENDING"),
)


def run(out: Path, console: Console) -> None:
    """Write everything below `out` and say what came of it.

    Raises:
        ReportError: `out` cannot be written to.
    """
    folder = _copy_samples(out / "input")
    console.print("Everybody and everything in these files is synthetic.\n", style="bold")
    written = _decide(folder / "audit.toml", folder / "synthetic_applications.csv", out)
    _print_main_run(written, console)
    for sample, whose in EXPLAINED.items():
        console.print(f"\nThe same model, explained to {whose} applicants, approvals included:", style="bold")
        data = folder / f"synthetic_applications_{sample}.csv"
        explained = _decide(folder / f"audit_{sample}.toml", data, out / f"{sample}-letters")
        console.print(summary_table(_counts(explained), [item.refusal for item in explained]))
    console.print("\nA transformer that reads what applicants write:", style="bold")
    texts = _decide(folder / "text" / "audit.toml", folder / "text" / "synthetic_narratives.csv", out / "texts")
    console.print(summary_table(_counts(texts), [item.refusal for item in texts]))
    console.print("\nWhat many decisions rest on, and how groups differ:", style="bold")
    _print_aggregate(folder, out / "many", console)
    console.print("\nRefusals that a whole run can end in, each from one short audit.toml:", style="bold")
    shutil.rmtree(out / "refusals" / "review_required", ignore_errors=True)  # an earlier demo's review is logged there
    _print_cases(folder / "refusals", out / "refusals", console)
    _print_review(folder / "refusals" / "review_required.toml", out / "refusals" / "review_required", console)
    console.print(f"\nLook in {out}: a folder per decision, with notice.pdf, audit.pdf and record.json.", markup=False)
    console.print("Letters under the law of the EU and the UK are called letter.pdf.")
    console.print(f"Settings and data are in {folder}; change them and run `lrp-audit letter` on them.", markup=False)


def _copy_samples(target: Path) -> Path:
    """The samples beside the output: a run makes a key beside audit.toml, and an installed package may be read-only."""
    try:
        ignored = shutil.ignore_patterns("*.py", "__pycache__", "*.key")
        return Path(shutil.copytree(samples(), target, ignore=ignored, dirs_exist_ok=True))
    except (OSError, shutil.Error) as error:
        raise ReportError(f"{target} cannot be written: {getattr(error, 'strerror', None) or error}.") from error


def _decide(settings: Path, data: Path, out: Path, ids: Sequence[str] | None = None) -> list[Written]:
    config = load(settings)
    frame = read_table(data, text=text_columns(config.facts))
    session = open_session(config, settings.parent, frame)
    output = Output(out, config, session.key, DOCUMENTS)
    decisions = decide(session, frame, notice=NOTICE, ids=ids)
    with progress(decisions, len(frame) if ids is None else len(ids), settings.stem) as counted:
        return [output.write(decision) for decision in counted]


def _print_aggregate(folder: Path, out: Path, console: Console) -> None:
    """What `lrp-audit aggregate` does, on past applications with their records alone."""
    settings = folder / "audit.toml"
    whole = load(settings)
    config = whole.model_copy(
        update={
            "facts": FactsSection(id=whole.facts.id),
            "variations": whole.variations.model_copy(update={"search": False}),
        }
    )
    frame = read_table(folder / "synthetic_history.csv", text=text_columns(config.facts))
    session = open_session(config, folder, frame)
    output = Output(out / "records", config, session.key, frozenset())
    some = frame.head(MANY)
    with progress(decide(session, some, notice=NOTICE), len(some), "history") as counted:
        for decision in counted:
            output.write(decision)
    groups = out / "groups.csv"
    some.rename(columns={whole.facts.id or "": "id"})[["id", "marital_status"]].to_csv(groups, index=False)
    for path in write_reports(
        out / "records", config, groups=groups, basis="Demonstration on synthetic data", out=out / "reports"
    ):
        if path.suffix == ".pdf":
            console.print(path.as_posix(), markup=False)
    console.print("These rows are also the reference's own data, which the report flags.")


def _print_main_run(written: Sequence[Written], console: Console) -> None:
    console.print(summary_table(_counts(written), [item.refusal for item in written]))
    console.print("\nWhy a row got no letter:", style="bold")
    for item in written:
        _print_refusal(item, item.record.decision.id, console)


def _counts(written: Sequence[Written]) -> dict[str, int]:
    audits = sum(path.name == "audit.pdf" for item in written for path in item.files)
    return {"letters": sum(item.letter for item in written), "audits": audits}


def _print_cases(folder: Path, out: Path, console: Console) -> None:
    for settings in dict.fromkeys(case.settings for case in CASES):
        ids = [case.id for case in CASES if case.settings == settings]
        for item in _decide(folder / f"{settings}.toml", folder / "synthetic_rows.csv", out / settings, ids):
            _print_refusal(item, f"{settings}.toml", console)


def _print_review(settings: Path, out: Path, console: Console) -> None:
    """What `lrp-audit review --uphold` and then `lrp-audit render` do, for the case that waits for a review."""
    identifier = next(case.id for case in CASES if case.state == "REVIEW_PENDING")
    config, now = load(settings), dt.datetime.now(dt.UTC)
    key = load_key(settings.parent / config.documents.key_file)
    found = Review("uphold", "Robin Reviewer (fictitious)", "Credit officer", "Read and compared with the file.", now)
    Desk(out, key).record([(identifier, found)], now)
    written = Output(out, config, key, DOCUMENTS).render(identifier)
    state = "its letter is written" if written.letter else "there is still no letter"
    console.print(f"\nOnce a person has upheld {identifier} of {settings.name}, {state}:", style="bold")
    console.print(written.files[-1].as_posix(), markup=False)


def _print_refusal(item: Written, place: str, console: Console) -> None:
    refusal = item.refusal
    if refusal is not None:
        console.print(f"{refusal.state}, {place}", style="yellow", markup=False)
        console.print(Padding(Text(printable(refusal.evidence)), (0, 0, 0, 4)))
