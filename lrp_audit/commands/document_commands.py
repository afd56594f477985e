"""Commands for documents that are there already: review and render. None of them needs the model."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lrp_audit.commands.keys import naming_key, signer_of
from lrp_audit.errors import DataError

if TYPE_CHECKING:
    from lrp_audit.commands.review_desk import Desk
    from lrp_audit.history.events import Event
    from lrp_audit.history.reviews import Review, Verdict
    from lrp_audit.output import Document
    from lrp_audit.settings.config import AuditConfig

Config = Annotated[Path, typer.Option("--config", help="The settings.", metavar="FILE")]
Out = Annotated[Path, typer.Option("--out", help="Where the documents are.", metavar="FOLDER")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def review(
    id_: Annotated[str | None, typer.Argument(help="The decision.", metavar="[ID]")] = None,
    uphold: Annotated[bool, typer.Option("--uphold", help="The decision stands.")] = False,
    overturn: Annotated[bool, typer.Option("--overturn", help="The decision is wrong; needs --grounds.")] = False,
    return_: Annotated[
        bool, typer.Option("--return", help="Something is to be settled first; needs --grounds.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who reviewed it.", metavar="NAME")] = "",
    role: Annotated[str, typer.Option(help="As what.", metavar="ROLE")] = "",
    grounds: Annotated[str, typer.Option(help="Why.", metavar="TEXT")] = "",
    record: Annotated[
        str | None, typer.Option(help="SHA-256 of the record that was reviewed.", metavar="DIGEST")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--import", help="Reviews, a row each: id, verdict, by, role, time, grounds.", metavar="FILE"),
    ] = None,
    out: Out = Path("reports"),
    config: Config = Path("audit.toml"),
    as_json: AsJson = False,
) -> None:
    """Log a person's review of a decision; with ID alone, show the events of its log."""
    from lrp_audit.commands.review_desk import Desk
    from lrp_audit.history.review_table import read_reviews
    from lrp_audit.history.reviews import Review

    now = dt.datetime.now(dt.UTC)
    verdicts: dict[Verdict, bool] = {"uphold": uphold, "overturn": overturn, "return": return_}
    given = [name for name, said in verdicts.items() if said]
    if (id_ is None) == (table is None) or len(given) > 1 or (given and id_ is None):
        raise DataError("Name one decision with --uphold, --overturn or --return, or a table of reviews with --import.")
    desk = Desk(out, naming_key(_settings(config), config))
    if id_ is None:
        _record(desk, read_reviews(Path(str(table))), now)
    elif given:
        _record(desk, [(id_, Review(given[0], by, role, grounds, now, record))], now)
    else:
        _show_history(desk.history(id_), as_json=as_json)


def render(
    which: Annotated[
        list[str], typer.Argument(help="The decision, with the folder of its batch before it.", metavar="[DIR] ID")
    ],
    only: Annotated[Literal["letter", "audit"] | None, typer.Option(help="Only this document.")] = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign with the key of [signing].")] = False,
    twins: Annotated[
        bool, typer.Option("--twins", help="Write twins beside every PDF: HTML, and plain text of letters.")
    ] = False,
    out: Out = Path("reports"),
    config: Config = Path("audit.toml"),
) -> None:
    """Write the documents of a record on disk again, for instance after a review. Exits with 1 if no letter may go.

    With the folder of a batch, documents of a decision in it, as the batch writes them, into --out.
    """
    from lrp_audit.output import Output
    from lrp_audit.terminal import printable

    if len(which) > 2:
        raise DataError(f"Name one decision, not {len(which) - 1}: lrp-audit render [DIR] ID.")
    settings = _settings(config)
    kinds: frozenset[Document] = frozenset({"letter", "audit"} if only is None else {only})
    signer = signer_of(settings, config.parent) if sign else None
    output = Output(out, settings, naming_key(settings, config), kinds, twins=twins, signer=signer)
    if len(which) == 2:
        from lrp_audit.batch import rendering

        files, refusal = rendering.render(Path(which[0]), which[1], output)
    else:
        written = output.render(which[0])
        files, refusal = written.files, written.refusal
    for path in files:
        typer.echo(path.as_posix())
    if refusal is not None and only != "audit":
        said = f"{refusal.state} ({refusal.rule}): {refusal.evidence} {refusal.next_step}"
        typer.echo(printable(said), err=True)
        raise typer.Exit(1)


EXAMPLES: tuple[tuple[Callable[..., None], str], ...] = (
    (review, 'lrp-audit review A-00017 --uphold --by "M. Okafor" --role "Senior credit officer"'),
    (render, "lrp-audit render A-00017 --sign"),  # of a batch: lrp-audit render 2026/ A-00017
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command, example in EXAMPLES:
        app.command(epilog=f"Example: {example}")(command)


def _settings(config: Path) -> AuditConfig:
    from lrp_audit.settings.config import load

    return load(config)


def _record(desk: Desk, reviews: Sequence[tuple[str, Review]], now: dt.datetime) -> None:
    new = desk.record(reviews, now)
    known = len(reviews) - new
    typer.echo(f"Logged {new} review{'' if new == 1 else 's'}" + (f"; {known} known already." if known else "."))


def _show_history(events: Sequence[Event], *, as_json: bool) -> None:
    from lrp_audit.terminal import printable

    if as_json:
        typer.echo(json.dumps([event.model_dump(mode="json") for event in events], indent=2))
        return
    for event in events:
        details = "; ".join(f"{name}: {text}" for name, text in sorted(event.details.items()) if text)
        who = f"{event.by} ({event.role})" if event.role else event.by
        line = f"{event.sequence} {event.time:%Y-%m-%d %H:%M} {event.kind} by {who}: {details}"
        typer.echo(printable(line))
    if not events:
        typer.echo("No events are logged.")
