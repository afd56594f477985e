"""`lrp-audit validate`: evidence on one model as a record that its audits cite."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lrp_audit.report.validation_report import ValidationReport

Trust = Annotated[
    bool,
    typer.Option(
        "--trust-model",
        help="Open model files that can run code when opened (.joblib, .pkl, .pt). Only for files of your own.",
    ),
]


def validate(
    model: Annotated[Path, typer.Argument(help="The model.", metavar="MODEL")],
    data: Annotated[Path, typer.Argument(help="Its training or validation table: CSV or Parquet.", metavar="DATA")],
    as_of: Annotated[
        dt.datetime,
        typer.Option("--as-of", help="Date of the validation. There is no default.", formats=["%Y-%m-%d"]),
    ],
    config: Annotated[Path, typer.Option("--config", help="The settings.", metavar="FILE")] = Path("audit.toml"),
    out: Annotated[Path, typer.Option("--out", help="Where the record goes.", metavar="FOLDER")] = Path("reports"),
    label: Annotated[
        str | None,
        typer.Option(help="The column of DATA with what became known, to fit the model again.", metavar="COLUMN"),
    ] = None,
    sample: Annotated[int, typer.Option(help="Rows to explain.", min=50, max=5000)] = 200,
    draws: Annotated[int, typer.Option(help="Random draws of every set of layers.", min=1, max=100)] = 5,
    refit_seconds: Annotated[float, typer.Option(help="Time that fitting the model once may take.", min=1)] = 120,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0, max=2**32 - 1)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record.")] = False,
    trust_model: Trust = False,
) -> None:
    """Check a model's explanations as a whole and write the record: validation.json and validation.pdf.

    Do explanations depend on what the model learned, are they kept by its own checks over a sample, do they add up?
    `validation = "validation.json"` under [model] makes every audit of this model cite the record.
    """
    from lrp_audit.deciding.facts import text_columns
    from lrp_audit.deciding.session import digest_of, new_session, open_decisions
    from lrp_audit.files import write_bytes
    from lrp_audit.records.record import canonical, digest
    from lrp_audit.report.validation import validation_pdf
    from lrp_audit.settings.config import load
    from lrp_audit.tables import read_table
    from lrp_audit.terminal import counter
    from lrp_audit.validation.validate import Wanted, checking, prepare

    settings = checking(load(config))
    frame = read_table(data, text=text_columns(settings.facts))
    decisions = open_decisions(settings, config.parent, model, frame, trust=trust_model)
    wanted = Wanted(digest_of(data), label, sample, seed, draws, refit_seconds, as_of.date())
    ready = prepare(new_session(settings, decisions, bytes(32)), frame, wanted)
    with counter(ready.steps, "Validating") as done:
        report = ready.run(done)
    content, pdf = canonical(report), validation_pdf(report, settings)
    write_bytes(out / "validation.pdf", pdf)
    record = write_bytes(out / "validation.json", content)
    if as_json:
        typer.echo(content.decode())
        return
    for line in _summary(report):
        typer.echo(line)
    typer.echo(f"\nWrote {record} and validation.pdf. SHA-256 of the record: {digest(report)}")
    typer.echo('Audits cite it with validation = "validation.json" under [model], beside audit.toml.')


def _summary(report: ValidationReport) -> list[str]:
    """What was found, in a few lines; flags are said, no verdict is (G-03)."""
    test, labels = report.parameters, report.labels
    last = test.cascading[-1].signed
    above = "above" if test.flag else "not above"
    found = [
        f"Sample: {report.data.sample} of {report.data.usable} readable rows, {report.data.refused} refused.",
        "All layers drawn anew: rank correlation with the model's own explanations "
        + ("not defined." if last is None else f"{last.mean:+.3f}, {above} the threshold of {test.threshold:g}."),
    ]
    if labels.reason is not None:
        found.append(f"Label randomisation: not performed, {labels.reason}.")
    elif labels.true is not None and labels.shuffled is not None:
        above = "above" if labels.flag else "not above"
        true, shuffled = (fit.similarity or 0.0 for fit in (labels.true, labels.shuffled))
        found.append(
            f"Fitted again on the labels: {true:+.3f}; on shuffled ones: {shuffled:+.3f}, {above} the threshold."
        )
    if report.residual is not None:
        found.append(f"Largest residual over its tolerance: {report.residual.highest:.2g}.")
    found += [
        f"{check.title}: {check.flagged} of {check.performed} flagged." for check in report.checks if check.performed
    ]
    return found
