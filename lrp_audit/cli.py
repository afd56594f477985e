"""The command line. No logic of its own: options in, calls to the rooms below, results and errors as text.

Exit codes: 0 done; 1 the one named decision was refused, or `--strict` and any was; 2 wrong use, or something that
cannot be read or written; 130 interrupted.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from lrp_audit.commands import (
    aggregation,
    batch_command,
    document_commands,
    model_evidence,
    sealing_commands,
    template_commands,
)
from lrp_audit.errors import DataError, LrpAuditError

if TYPE_CHECKING:
    from lrp_audit.explanation import Explanation
    from lrp_audit.output import Document
    from lrp_audit.records.record import Record

app = typer.Typer(
    name="lrp-audit",
    help="Explains single decisions of a neural network, and writes the documents that follow from them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # in which [signing] is text
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(template_commands.app, name="template")

Model = Annotated[
    Path,
    typer.Argument(help="Model: .skops, .pt2 or a Hugging Face directory; others with --trust-model.", metavar="MODEL"),
]
Data = Annotated[Path, typer.Argument(help="Decisions, a row each: CSV or Parquet.", metavar="DATA")]
Config = Annotated[Path, typer.Option("--config", help="The settings.", metavar="FILE")]
Id = Annotated[str | None, typer.Option("--id", help="Only the decision with this id.", metavar="ID")]
AsOf = Annotated[
    dt.datetime | None,
    typer.Option("--as-of", help="Date of the notice. There is no default.", formats=["%Y-%m-%d"], metavar="DATE"),
]
Draft = Annotated[
    bool, typer.Option("--draft", help="Write letters with their gaps marked, as internal drafts, and no others.")
]
Out = Annotated[Path, typer.Option("--out", help="Where documents go.", metavar="FOLDER")]
Twins = Annotated[bool, typer.Option("--twins", help="Write twins beside every PDF: HTML, and plain text of letters.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sign = Annotated[bool, typer.Option("--sign", help="Sign every PDF with the key of [signing].")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if any denial was refused a letter.")]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust-model",
        help="Open model files that can run code when opened (.joblib, .pkl, .pt). Only for files of your own.",
    ),
]


@app.command(epilog="Example: lrp-audit init model.skops applications.csv")
def init(
    model: Model,
    data: Data,
    config: Config = Path("audit.toml"),
    columns: Annotated[str, typer.Option(help="A network's input columns in order: a,b,c.", metavar="NAMES")] = "",
    classes: Annotated[str, typer.Option(help="A network's classes in order: a,b.", metavar="NAMES")] = "",
    trust_model: Trust = False,
) -> None:
    """Write a first audit.toml by looking at a model and a table."""
    from lrp_audit import init as proposals
    from lrp_audit.adapters.formats import open_model
    from lrp_audit.adapters.tabular import adapt
    from lrp_audit.tables import read_table

    frame = read_table(data)
    beside = config.resolve().parent
    adapted = adapt(open_model(model, trust=trust_model), columns=_split(columns), classes=_split(classes))
    places = (os.path.relpath(path.resolve(), beside) for path in (data, model))
    text = proposals.propose(adapted, frame, *places, named=not columns)
    proposals.write(text, config)
    typer.echo(f"Wrote {config}. Read it, then draft the first letters:")
    typer.echo(f"lrp-audit letter {_quoted(data)} --config {_quoted(config)} --draft")


@app.command(epilog="Example: lrp-audit explain model.skops applications.csv --id A-00017")
def explain(
    model: Model,
    data: Data,
    config: Annotated[Path | None, typer.Option("--config", help="Settings, if there are any.", metavar="FILE")] = None,
    id_: Id = None,
    adverse: Annotated[str | None, typer.Option(help="The class that means refusal.", metavar="CLASS")] = None,
    reference: Annotated[
        Literal["near_cutoff", "all_applicants", "zero"] | None, typer.Option(help="Whom to compare with.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(help="The column a text classifier reads, where there is no --config.", metavar="COLUMN"),
    ] = None,
    top: Annotated[int, typer.Option(help="Bars for each decision.", min=1)] = 10,
    rows: Annotated[int, typer.Option(help="Decisions to show, adverse ones first.", min=1)] = 5,
    as_json: AsJson = False,
    trust_model: Trust = False,
) -> None:
    """Show what counted for and against in the terminal. Needs no audit.toml."""
    from lrp_audit.deciding.facts import text_columns
    from lrp_audit.explanation import explain as explain_table
    from lrp_audit.settings.config import load
    from lrp_audit.tables import read_table

    frame = read_table(data, text=["id"] if config is None else text_columns(load(config).facts))
    found = explain_table(
        model, frame, config=config, adverse=adverse, reference=reference, text=text, trust_model=trust_model
    )
    chosen = [item for item in found if id_ is None or item.id == id_]
    if not chosen:
        raise DataError(f"{data} holds no decision with id {id_!r}.")
    records = [item.record for item in chosen]
    if as_json:
        _print_records(records)
    else:
        _show(chosen, top, 1 if id_ is not None else rows)
    if id_ is not None and not all(record.outcome for record in records):
        raise typer.Exit(2)


@app.command(epilog="Example: lrp-audit letter applications.csv --as-of 2026-11-16 --out letters/")
def letter(
    data: Data,
    config: Config = Path("audit.toml"),
    id_: Id = None,
    as_of: AsOf = None,
    draft: Draft = False,
    out: Out = Path("reports"),
    twins: Twins = False,
    sign: Sign = False,
    corrects: Annotated[
        str | None,
        typer.Option(help="The letter that this one replaces, by its date or its record's SHA-256.", metavar="WHICH"),
    ] = None,
    as_json: AsJson = False,
    strict: Strict = False,
    trust_model: Trust = False,
) -> None:
    """Write the letter that audit.toml names, or say by a named state why none may go out.

    A US notice goes to everybody refused; letters of the EU and the UK explain approvals too.

    With --corrects the letter of one decision, with its audit, that replaces an earlier one, which stays as it is.
    """
    from lrp_audit.commands.document_runs import Documents, Run, run

    kinds: frozenset[Document] = frozenset({"letter"} if corrects is None else {"letter", "audit"})
    wanted = Documents(kinds, out, draft, twins, sign)
    run(Run(data, config, id_, as_of, wanted, as_json, strict, trust_model, corrects))


@app.command(epilog="Example: lrp-audit audit applications.csv --as-of 2026-11-16 --id A-00017")
def audit(
    data: Data,
    config: Config = Path("audit.toml"),
    id_: Id = None,
    as_of: AsOf = None,
    draft: Draft = False,
    out: Out = Path("reports"),
    twins: Twins = False,
    sign: Sign = False,
    as_json: AsJson = False,
    strict: Strict = False,
    trust_model: Trust = False,
) -> None:
    """Write the internal audit of every decision, refused ones included; with --draft a draft letter as well."""
    from lrp_audit.commands.document_runs import Documents, Run, run

    kinds: frozenset[Document] = frozenset({"audit", "letter"} if draft else {"audit"})
    run(Run(data, config, id_, as_of, Documents(kinds, out, draft, twins, sign), as_json, strict, trust_model))


@app.command(epilog="Example: lrp-audit demo")
def demo(out: Out = Path("reports/demo")) -> None:
    """Write letters and audits for the shipped synthetic applications, then show every refusal state."""
    from rich.console import Console

    from lrp_audit.demo import run

    run(out, Console(highlight=False))


@app.command(epilog="Example: lrp-audit doctor --json")
def doctor(as_json: AsJson = False) -> None:
    """Print versions, those supported, and what is missing or wrong with the line that installs it; exit 1 then."""
    from lrp_audit.doctor import apt_line, examine

    findings = examine()
    if as_json:
        typer.echo(json.dumps({item.name: item.found for item in findings}, indent=2))
    else:
        for item in findings:
            typer.echo(f"{item.name:22}{item.text}")
        if line := apt_line(findings):
            typer.echo(f"\nOn Debian or Ubuntu, type: {line}")
    raise typer.Exit(0 if all(item.right for item in findings) else 1)


document_commands.register(app)
batch_command.register(app)
sealing_commands.register(app)
app.command("aggregate", epilog="Example: lrp-audit aggregate reports/ --groups groups.csv --out aggregate/")(
    aggregation.aggregate
)
app.command(
    "validate", epilog="Example: lrp-audit validate model.skops history.csv --label outcome --as-of 2026-11-27"
)(model_evidence.validate)
app.command("rules", epilog="Example: lrp-audit rules model.skops history.csv --write")(model_evidence.rules)


def _show(chosen: Sequence[Explanation], top: int, most: int) -> None:
    from rich.console import Console

    from lrp_audit.report.heatmap_terminal import heatmap_terminal
    from lrp_audit.terminal import decision_table, headline, strongest, sum_line

    console = Console(highlight=False)
    order = sorted(chosen, key=lambda item: item.record.outcome is None or not item.record.outcome.adverse)  # stable
    for item in order[:most]:
        record = item.record
        if record.contributions:
            console.print(decision_table(record, console, top))
        else:
            console.print(headline(record), markup=False)
        console.print(sum_line(record, len(strongest(record.contributions, top))) + "\n", markup=False)
        for evidence in record.text_evidence:
            console.print(heatmap_terminal(evidence, item.config))
    if len(chosen) > most:
        _say(f"{len(chosen) - most} more: --rows, --id or --json shows them.")


def _print_records(records: Sequence[Record]) -> None:
    from lrp_audit.records.record import canonical

    typer.echo("[" + ",\n".join(canonical(record).decode() for record in records) + "]")


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _say(sentence: str) -> None:
    from lrp_audit.terminal import aside

    aside(sentence)


def _fail(sentence: str) -> NoReturn:
    _say(f"lrp-audit: {sentence}")
    sys.exit(2)


def main() -> None:
    """Run the command line. Whatever a user can cause ends in one sentence on stderr."""
    try:
        app()
    except SystemExit as stop:
        if stop.code == 130:
            _say("lrp-audit: interrupted; every file written so far is complete.")
        raise
    except LrpAuditError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}")
    except MemoryError:
        _fail("not enough memory; explain fewer rows at a time.")
