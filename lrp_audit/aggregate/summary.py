"""The tables of `lrp-audit aggregate`, as Parquet files and one page of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from lrp_audit.aggregate.groups import compare
from lrp_audit.aggregate.membership import crossed, membership
from lrp_audit.aggregate.prototypes import prototypes
from lrp_audit.aggregate.proxies import screen
from lrp_audit.aggregate.strategies import strategies
from lrp_audit.aggregate.table import SMALLEST_GROUP, ExplainedTable
from lrp_audit.aggregate.value_profiles import value_profiles
from lrp_audit.errors import DataError, ReportError
from lrp_audit.history.decision_folder import DecisionFolder
from lrp_audit.history.events import read as read_events
from lrp_audit.records.record import Record

_PAGE = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Aggregated relevance</title>'
    "<style>body{{font-family:sans-serif;margin:2em}}table{{border-collapse:collapse;margin-bottom:2em}}"
    "td,th{{border-bottom:1px solid #ccc;padding:.2em .6em;text-align:right}}</style></head><body>"
    "<h1>Aggregated relevance</h1><p>{decisions} explained decisions; {left_out} records without an explanation. "
    "Positive relevance counts against the applicant. What follows describes these decisions and is no verdict on "
    "them; groups of fewer than {smallest} are not shown.</p>{sections}</body></html>"
)
_SECTION = Markup("<h2>{title}</h2>{table}")


def records_below(folder: Path) -> Iterator[Record]:
    """The record that stands of every decision in a folder of documents.

    Raises:
        ReportError, EventLogError: a record or log is damaged.
        DataError: there is none.
    """
    paths = sorted(path.parent for path in folder.glob("*/record.json"))
    if not paths:
        raise DataError(f"{folder} holds no folder with a record.json; name one that `lrp-audit audit` wrote.")
    for path in paths:
        decision = DecisionFolder(path)
        yield decision.standing(read_events(decision.log)).record


def tables_of(table: ExplainedTable, groups: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """Every table by name; those of groups where a table of ids and group columns is given.

    Raises:
        DataError: there are too few decisions, or a group column cannot be used.
    """
    found = prototypes([table])
    tables = {
        "prototypes": found.table(),
        "standing": found.standing_table(),
        "values": value_profiles([table]).table(),
        "strategies": strategies(table).table(),
    }
    return tables if groups is None else {**tables, **_of_groups(table, groups)}


def write(tables: Mapping[str, pd.DataFrame], table: ExplainedTable, out: Path) -> tuple[Path, ...]:
    """A Parquet file for every table, and `aggregate.html` with all of them.

    Raises:
        ReportError: the folder cannot be written to.
    """
    sections = Markup("").join(
        _SECTION.format(title=name.replace("-", " ").capitalize(), table=Markup(frame.to_html(index=False, na_rep="")))
        for name, frame in tables.items()
    )
    page = _PAGE.format(decisions=len(table), left_out=table.left_out, smallest=SMALLEST_GROUP, sections=sections)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, frame in tables.items():
            frame.to_parquet(out / f"{name}.parquet", index=False)
        (out / "aggregate.html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise ReportError(f"{out} cannot be written to ({error.strerror}); choose another folder.") from error
    return (*(out / f"{name}.parquet" for name in tables), out / "aggregate.html")


def _of_groups(table: ExplainedTable, groups: pd.DataFrame) -> dict[str, pd.DataFrame]:
    columns = [str(name) for name in groups.columns if name != "id"]
    if not columns:
        raise DataError("The table of groups has no column beside 'id'; add one for every grouping.")
    members = [membership(table, groups, name) for name in columns]
    left_out = []
    if len(members) > 1:
        try:
            members.append(crossed(*members))
        except DataError as reason:  # each grouping can be shown, and their cells cannot
            left_out.append({"grouping": " × ".join(columns), "why": str(reason)})
    compared = [compare(table, item) for item in members]
    tables = {
        "outcomes": _joined((item.name, item.outcome_table()) for item in compared),
        "differences": _joined((item.name, item.table()) for item in compared),
        "proxies": _joined((item.name, screen(table, item).table()) for item in members),
    }
    return {**tables, "left-out": pd.DataFrame(left_out)} if left_out else tables


def _joined(parts: Iterable[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    return pd.concat([frame.assign(grouping=name) for name, frame in parts], ignore_index=True)
