"""`lrp-audit template`: copy the package's templates to edit them, and check what was made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Use templates of your own: copy ours, edit them, check them.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The folder of your templates.", metavar="FOLDER")]


@app.command("copy", epilog="Example: lrp-audit template copy us-notice templates/")
def copy_template(
    document: Annotated[str, typer.Argument(help="us-notice, eu-letter, uk-letter or audit.", metavar="DOCUMENT")],
    folder: Folder,
) -> None:
    """Copy a document's templates and style sheets below a folder; nothing there is overwritten."""
    from lrp_audit.report.template_copy import copy  # heavy imports wait until they are needed

    for path in copy(document, folder):
        typer.echo(path)
    typer.echo(f"Edit them, then: lrp-audit template check {folder}", err=True)


@app.command("check", epilog="Example: lrp-audit template check templates/")
def check_templates(
    folder: Folder, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Render your templates with decisions at the edges; exit with 1 if anything is missing or invalid."""
    from lrp_audit.report.template_check import can_validate, check

    found = list(check(folder))
    wrong = [item for item in found if item.problems]
    if as_json:
        rows = [{"document": item.document, "case": item.specimen, "problems": item.problems} for item in found]
        typer.echo(json.dumps({"validated": can_validate(), "cases": rows}, indent=2))
    else:
        for item in wrong:
            typer.echo("\n".join(f"{item.document}, {item.specimen}: {problem}" for problem in item.problems))
        typer.echo(f"{len(found)} cases rendered, {len(wrong)} of them with problems.")
        if not can_validate():
            typer.echo("Not validated as PDF/UA and PDF/A; to do so, type: pip install 'lrp_audit[check]'", err=True)
    raise typer.Exit(1 if wrong else 0)
