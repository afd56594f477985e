"""Commands on a model as a whole: `validate` writes the record that audits cite, `rules` compares and recommends."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrp_audit.errors import ConfigError

if TYPE_CHECKING:
    from lrp_audit.report.validation_report import ValidationReport

Config = Annotated[Path, typer.Option("--config", help="The settings.", metavar="FILE")]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.", min=0, max=2**32 - 1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
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
    config: Config = Path("audit.toml"),
    out: Annotated[Path, typer.Option("--out", help="Where the record goes.", metavar="FOLDER")] = Path("reports"),
    label: Annotated[
        str | None,
        typer.Option(help="The column of DATA with what became known, to fit the model again.", metavar="COLUMN"),
    ] = None,
    sample: Annotated[int, typer.Option(help="Rows to explain.", min=50, max=5000)] = 200,
    draws: Annotated[int, typer.Option(help="Random draws of every set of layers.", min=1, max=100)] = 5,
    refit_seconds: Annotated[float, typer.Option(help="Time that fitting the model once may take.", min=1)] = 120,
    seed: Seed = 0,
    as_json: AsJson = False,
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
    from lrp_audit.validation.sample import require_rows
    from lrp_audit.validation.validate import Wanted, checking, prepare

    settings = checking(load(config))
    frame = read_table(data, text=text_columns(settings.facts))
    require_rows(frame)
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


def rules(
    model: Annotated[Path, typer.Argument(help="The model.", metavar="MODEL")],
    data: Annotated[Path, typer.Argument(help="A validation table: CSV or Parquet.", metavar="DATA")],
    config: Config = Path("audit.toml"),
    sample: Annotated[int, typer.Option(help="Rows, half of them refused ones.", min=50, max=5000)] = 200,
    seed: Seed = 0,
    write: Annotated[bool, typer.Option("--write", help="Write the recommended choice into the settings.")] = False,
    as_json: AsJson = False,
    trust_model: Trust = False,
) -> None:
    """Measure rules and references on a model side by side, and recommend a choice.

    What each loses, how faithful it is, how near to Shapley values (of texts: to leaving words out), how noisy, how
    dear; and what the model's layers and activations ask for.
    """
    from rich.console import Console

    from lrp_audit.advice.advise import prepare, with_population
    from lrp_audit.advice.comparison import comparison, in_words
    from lrp_audit.advice.settings_file import with_choice
    from lrp_audit.deciding.facts import text_columns
    from lrp_audit.deciding.session import open_decisions
    from lrp_audit.files import write_bytes
    from lrp_audit.settings.config import load
    from lrp_audit.tables import read_table
    from lrp_audit.terminal import aside, counter
    from lrp_audit.validation.sample import draw_sample, require_rows

    settings = with_population(load(config))
    frame = read_table(data, text=text_columns(settings.facts))
    require_rows(frame)
    decisions = open_decisions(settings, config.parent, model, frame, trust=trust_model)
    drawn = draw_sample(decisions, frame, size=sample, seed=seed)
    ready = prepare(decisions, drawn.frame[drawn.adverse].reset_index(drop=True))
    with counter(ready.steps, "Measuring") as done:
        found = ready.run(done)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        console = Console(highlight=False)
        console.print(comparison(found))
        for line in in_words(found):
            typer.echo(line)
    if not write:
        return
    if found.recommended is None:
        raise ConfigError("No choice conserves what is explained, so nothing was written; see the column 'lost'.")
    text = with_choice(config.read_text(encoding="utf-8-sig"), found.settings(), found.evidence)
    write_bytes(config, text.encode())
    aside(f"Wrote the choice into {config}.")
