"""`lrp-audit batch`: options in, a run, and what came of it as text, JSON lines and exit code."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast, get_args

import typer

from lrp_audit.errors import DataError

if TYPE_CHECKING:
    from lrp_audit.batch.events import Event, Watch
    from lrp_audit.batch.executors import Executor
    from lrp_audit.batch.plan import Wanted
    from lrp_audit.batch.run import Ended
    from lrp_audit.batch.tally import Tally
    from lrp_audit.batch.work import Setup
    from lrp_audit.deciding.session import Session

EXAMPLE = "lrp-audit batch decisions.parquet --config audit.toml --documents letters --as-of 2026-11-16 --out 2026/"


def batch(
    source: Annotated[
        Path | None,
        typer.Argument(help="Decisions, a row each: CSV, Parquet, or a folder of Parquet files.", metavar="[SOURCE]"),
    ] = None,
    config: Annotated[Path, typer.Option("--config", help="The settings.", metavar="FILE")] = Path("audit.toml"),
    out: Annotated[Path, typer.Option("--out", help="The folder of this batch.", metavar="DIR")] = Path("batch"),
    sql: Annotated[
        tuple[str, str] | None,
        typer.Option("--sql", help="A database and what to ask it, instead of SOURCE.", metavar="URL QUERY"),
    ] = None,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option("--as-of", help="Date of the notices.", formats=["%Y-%m-%d"], metavar="DATE"),
    ] = None,
    documents: Annotated[
        str,
        typer.Option(help="none, letters, audits, all, or sample:N for all documents of N decisions.", metavar="WHICH"),
    ] = "none",
    only: Annotated[
        Literal["adverse"] | None, typer.Option(help="Write documents only for decisions that are adverse.")
    ] = None,
    sample: Annotated[int | None, typer.Option(help="Judge only N rows, drawn by --seed.", min=1, metavar="N")] = None,
    seed: Annotated[int, typer.Option(help="Of what is drawn by lot.", min=0)] = 0,
    limit: Annotated[int | None, typer.Option(help="Read only the first N rows.", min=1, metavar="N")] = None,
    chunk_rows: Annotated[
        int | None, typer.Option("--chunk-rows", help="Rows that are worked on together.", min=1, max=65_536)
    ] = None,
    records: Annotated[
        bool, typer.Option("--records/--no-records", help="Keep every decision's record, and its digest.")
    ] = True,
    workers: Annotated[
        int | None, typer.Option(help="Processes; default: one for every core.", min=1, metavar="N")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler whose workers do the work.", metavar="ADDRESS")
    ] = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign every PDF with the key of [signing].")] = False,
    previous: Annotated[Path | None, typer.Option(help="The batch that this one continues.", metavar="DIR")] = None,
    groups: Annotated[
        Path | None,
        typer.Option(help="Groups that are no input of the model: a column `id`, and one for each.", metavar="FILE"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print events as JSON, one a line.")] = False,
    trust_model: Annotated[
        bool,
        typer.Option("--trust-model", help="Open model files that can run code. Only for files of your own."),
    ] = False,
) -> None:
    """Judge all decisions of a table or database into one sealed folder.

    Killed or interrupted, the same command goes on where it was. Exits with 1 if any decision failed.
    """
    # Before anything loads pyarrow, here and in workers: its own allocator keeps 80 MB of a table that took 30.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

    from lrp_audit.batch.events import logged
    from lrp_audit.batch.order import Order
    from lrp_audit.batch.run import run
    from lrp_audit.batch.stopping import Stopping
    from lrp_audit.commands.keys import opened_key
    from lrp_audit.settings.config import load
    from lrp_audit.terminal import aside

    signer, passphrase = opened_key(load(config), config.parent) if sign else (None, None)
    wanted, count = _documents(documents)
    order = Order(
        data=source,
        query=sql,
        config=config,
        out=out,
        as_of=None if as_of is None else as_of.date(),
        documents=wanted,
        documents_sample=count,
        only=only,
        sample=sample,
        seed=seed,
        limit=limit,
        chunk_rows=chunk_rows,
        records=records,
        previous=previous,
        groups=groups,
        trust=trust_model,
        passphrase=passphrase,
    )
    stop = Stopping(lambda: aside("Finishing the chunks that are worked on; once more stops at once."))
    with stop, _shown(as_json=as_json) as show:
        log = logged(out)

        def watch(event: Event) -> None:
            log(event)
            show(event)

        ended = run(order, _executor(out, workers, scheduler), watch, stop, signer)
    if stop.received is not None and ended.root is None:
        aside(f"{ended.tally.rows} of {ended.plan.decisions} decisions are done; the same command goes on from there.")
        raise typer.Exit(128 + stop.received)
    if not as_json:
        _summarise(ended, out)
    raise typer.Exit(1 if ended.tally.failed else 0)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog=f"Example: {EXAMPLE}")(batch)


def _documents(given: str) -> tuple[Wanted, int | None]:
    """What --documents asks for, and of how many decisions drawn by lot."""
    from lrp_audit.batch.plan import Wanted

    word, _, count = given.partition(":")
    if word == "sample" and count.isdecimal() and int(count) > 0:
        return "all", int(count)
    if given in get_args(Wanted):
        return cast(Wanted, given), None
    raise DataError(f"--documents is none, letters, audits, all or sample:N, and not {given[:40]!r}.")


def _executor(out: Path, workers: int | None, scheduler: str | None) -> Callable[[Setup, Session], Executor]:
    from lrp_audit.batch.dask_cluster import Cluster
    from lrp_audit.batch.executors import InProcess
    from lrp_audit.batch.pool import Pool
    from lrp_audit.batch.work import work_of
    from lrp_audit.terminal import aside

    if scheduler is not None:
        if workers is not None:
            raise DataError("--scheduler has workers of its own; leave out --workers.")
        return lambda setup, _: Cluster(out, setup, scheduler, aside)
    size = len(os.sched_getaffinity(0)) if workers is None else workers
    if size == 1:
        return lambda setup, session: InProcess(out, work_of(setup, session))
    return lambda setup, _: Pool(out, setup, min(size, setup.plan.chunks))


@contextmanager
def _shown(*, as_json: bool) -> Iterator[Watch]:
    """Shows events: as JSON lines on stdout, else as a bar on stderr where that is a terminal."""
    if as_json:
        yield lambda event: typer.echo(json.dumps(event.fields()))
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Reading", total=None, rate="", counts="")

        def watch(event: Event) -> None:
            title = {"begun": "Judging", "chunk": "Judging"}.get(event.kind, "Sealing")
            bar.update(task, description=title, total=event.decisions, completed=event.tally.rows)
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, rate="" if speed is None else f"{speed:,.0f}/s", counts=_counts(event.tally))

        yield watch


def _counts(tally: Tally) -> str:
    found = {
        "letters": tally.letters,
        "audits": tally.audits,
        "refused": sum(tally.refused.values()),
        "failed": tally.failed,
    }
    return ", ".join(f"{count:,} {name}" for name, count in found.items() if count)


def _summarise(ended: Ended, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    tally = ended.tally
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    counts = {"decisions": tally.rows}
    if not ended.earlier:
        counts |= {"adverse": tally.adverse, "letters": tally.letters, "audits": tally.audits}
    for name, count in (*counts.items(), ("no letter", sum(tally.refused.values())), ("failed", tally.failed)):
        table.add_row(name, f"{count:,}", style="bold")
        for state, some in sorted(tally.refused.items()) if name == "no letter" else ():
            table.add_row(f"  {state}", f"{some:,}")
    Console(highlight=False).print(table)
    typer.echo(f"In {out}{', done before' if ended.earlier else ''}; root {ended.root}")
