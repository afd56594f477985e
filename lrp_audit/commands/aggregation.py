"""`lrp-audit aggregate`: what many written decisions say together. It needs no model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

if TYPE_CHECKING:
    import pandas as pd

    from lrp_audit.aggregate.gather import Gathered
    from lrp_audit.aggregate.membership import Grouping
    from lrp_audit.aggregate.sources import Source
    from lrp_audit.settings.config import AuditConfig


DOCUMENTS = ("aggregate.pdf", "aggregate.html", "groups.pdf", "groups.html")


def aggregate(
    decisions: Annotated[
        Path, typer.Argument(help="A folder that `lrp-audit audit` or `lrp-audit batch` wrote.", metavar="FOLDER")
    ],
    compare: Annotated[
        Path | None,
        typer.Option(help="Another such folder, later or of another model: what changed.", metavar="FOLDER"),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(help="Groups that are no input of the model: a column `id`, and one for each.", metavar="FILE"),
    ] = None,
    basis: Annotated[
        str | None, typer.Option(help="On what ground the groups may be used; printed.", metavar="TEXT")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings: names of columns, language, look.", metavar="FILE")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of samples.", min=0)] = 0,
    out: Annotated[Path, typer.Option(help="Where everything goes.", metavar="FOLDER")] = Path("reports/aggregate"),
) -> None:
    """Write what many decisions rest on, how they changed, and how groups differ: PDF, HTML and Parquet.

    Groups get files of their own.
    """
    for path in write_reports(
        decisions, _settings(config, decisions), compare, groups, basis=basis, seed=seed, out=out
    ):
        typer.echo(path)


def write_reports(
    decisions: Path,
    settings: AuditConfig,
    compare: Path | None = None,
    groups: Path | None = None,
    *,
    basis: str | None = None,
    seed: int = 0,
    out: Path,
) -> list[Path]:
    """Read, count, and only then write; the arguments are the command's.

    Raises:
        LrpAuditError: something cannot be read, counted or written; the message says what.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # the last bits of a sum depend on how many threads share it
        return list(_write(out, *_reports(decisions, settings, compare, groups, basis, seed)))


def _reports(
    decisions: Path, settings: AuditConfig, compare: Path | None, groups: Path | None, basis: str | None, seed: int
) -> tuple[dict[str, bytes], dict[str, pd.DataFrame]]:
    """Documents and tables by name."""
    from lrp_audit.aggregate.analysis import aggregate_report, group_report, groupings_of, words_of
    from lrp_audit.aggregate.sources import open_source
    from lrp_audit.aggregate.tables import group_tables, tables_of
    from lrp_audit.report.aggregate import aggregate_html, aggregate_pdf
    from lrp_audit.report.group_report import groups_html, groups_pdf
    from lrp_audit.tables import read_table

    given = () if groups is None else groupings_of(read_table(groups, text=["id"]))
    source = open_source(decisions)
    reference = _reference_ids(settings)
    found = _read(source, given, reference, seed)
    after = None if compare is None else (_name(compare), _read(open_source(compare), (), None, seed))
    report = aggregate_report(
        found,
        name=_name(decisions),
        words=words_of(source),
        after=after,
        overlap_known=reference is not None,
        seed=seed,
    )
    files: dict[str, bytes] = {
        "aggregate.pdf": aggregate_pdf(report, settings),
        "aggregate.html": aggregate_html(report, settings).encode(),
    }
    tables = tables_of(report)
    if given:
        compared = group_report(found, given, name=_name(decisions), basis=basis, seed=seed)
        files |= {"groups.pdf": groups_pdf(compared, settings), "groups.html": groups_html(compared, settings).encode()}
        tables |= group_tables(compared)
    return files, tables


def _settings(config: Path | None, folder: Path) -> AuditConfig:
    """Those given, those of a batch, or all by default."""
    from lrp_audit.sealing.layout import SETTINGS
    from lrp_audit.settings.config import AuditConfig, load

    if config is not None:
        return load(config)
    if (folder / SETTINGS).is_file():
        return load(folder / SETTINGS)
    return AuditConfig.model_validate({"model": {"file": ""}})


def _reference_ids(settings: AuditConfig) -> pd.Index[str] | None:
    """The ids in the reference's own data; None where that has none, or is not there to look."""
    import pandas as pd

    from lrp_audit.tables import read_table

    data, column = settings.reference.data, settings.facts.id
    if data is None or column is None or not (path := settings.folder / data).is_file():
        return None
    table = read_table(path, text=[column])
    return pd.Index(table[column].astype(str)) if column in table else None


def _read(source: Source, groupings: tuple[Grouping, ...], reference: pd.Index[str] | None, seed: int) -> Gathered:
    from lrp_audit.aggregate.analysis import read
    from lrp_audit.aggregate.table import ExplainedTable
    from lrp_audit.terminal import progress

    def watch(parts: Iterable[ExplainedTable]) -> Iterable[ExplainedTable]:
        with progress(parts, source.parts, "reading") as counted:
            yield from counted

    return read(source, groupings, reference=reference, seed=seed, watch=watch)


def _name(folder: Path) -> str:
    return folder.resolve().name


def _write(out: Path, files: Mapping[str, bytes], tables: Mapping[str, pd.DataFrame]) -> Iterable[Path]:
    """Write all, and take away what an earlier run into the same folder wrote and this one has not."""
    from lrp_audit.aggregate.tables import GROUP_TABLES, TABLES
    from lrp_audit.files import write_bytes, write_file

    for name, frame in tables.items():

        def write(file: BinaryIO, frame: pd.DataFrame = frame) -> None:
            frame.to_parquet(file, index=False)

        yield write_file(out / f"{name}.parquet", write)
    for name, content in files.items():
        yield write_bytes(out / name, content)
    earlier = {name for name in DOCUMENTS if name not in files}
    earlier |= {f"{name}.parquet" for name in (*TABLES, *GROUP_TABLES) if name not in tables}
    for name in earlier:
        (out / name).unlink(missing_ok=True)
