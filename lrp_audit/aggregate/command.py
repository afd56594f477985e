"""`lrp-audit aggregate`: what many written decisions say together. It needs no model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def aggregate(
    records: Annotated[Path, typer.Argument(help="A folder that `lrp-audit audit` wrote.", metavar="RECORDS_FOLDER")],
    groups: Annotated[
        Path | None,
        typer.Option(help="Groups that are no input of the model: a column `id`, and one for each.", metavar="CSV"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the tables go.", metavar="FOLDER")] = Path("reports/aggregate"),
) -> None:
    """Write what many decisions rest on, how groups differ, and which strategies there are: Parquet and HTML."""
    from lrp_audit.aggregate.summary import records_below, tables_of, write  # noqa: PLC0415  # heavy
    from lrp_audit.aggregate.table import collect  # noqa: PLC0415
    from lrp_audit.tables import read_table  # noqa: PLC0415

    given = None if groups is None else read_table(groups, text=["id"])
    table = collect(records_below(records))
    for path in write(tables_of(table, given), table, out):
        typer.echo(path)
