"""The figures of the reports as tables, a row each, for Parquet."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from pydantic import BaseModel

from lrp_audit.records.aggregates import Strategies, Summary
from lrp_audit.report.aggregate_report import AggregateReport
from lrp_audit.report.group_report import GroupReport

_NOTHING = dict.fromkeys(Summary.model_fields)


TABLES = ("prototypes", "standing", "values", "strategies", "words", "drift")
GROUP_TABLES = ("outcomes", "differences", "proxies", "left-out")


def tables_of(report: AggregateReport) -> dict[str, pd.DataFrame]:
    """Every chapter's table by name; none of a chapter that there is not."""
    found = report.prototypes
    tables = {
        "prototypes": pd.DataFrame(
            [{"column": item.column, "outcome": item.outcome, **item.summary.model_dump()} for item in found.profiles]
        ),
        "standing": pd.DataFrame(
            [
                {"kind": kind, **item.model_dump()}
                for kind, items in (("typical", found.typical), ("unusual", found.unusual))
                for item in items
            ]
        ),
        "values": pd.DataFrame(
            [
                {
                    "column": item.column,
                    **item.cell.model_dump(),
                    "suppressed": item.summary is None,
                    **(_NOTHING if item.summary is None else item.summary.model_dump()),
                }
                for item in report.values
            ]
        ),
        "strategies": _strategies(report.strategies),
        "words": _frame(report.words.lines if report.words is not None else ()),
        "drift": _frame(report.drift.columns if report.drift is not None else ()),
    }
    return {name: table for name, table in tables.items() if len(table) or name == "strategies"}


def group_tables(report: GroupReport) -> dict[str, pd.DataFrame]:
    """Outcomes, differences, proxies, and what was left out and why; `grouping` says which column it is of."""
    compared = [item.comparison for item in report.attributes]
    screens = [item.screen for item in report.attributes if item.screen is not None]
    tables = {
        "outcomes": _joined((item.name, _frame(item.outcomes)) for item in compared),
        "differences": _joined((item.name, _frame(item.differences)) for item in compared),
        "proxies": _joined((item.name, _frame(item.proxies)) for item in screens),
        "left-out": _frame(report.unsaid).rename(columns={"what": "grouping"}),
    }
    return {name: table for name, table in tables.items() if len(table)}


def _strategies(found: Strategies | None) -> pd.DataFrame:
    names = ["strategy", "decisions", "share", "adverse_rate", "marks", "concentration", "concentration_elsewhere",
             "suspicious", "found_again", "examples"]  # fmt: skip
    rows = [
        {**item.model_dump(), "strategy": item.name, "marks": [mark.column for mark in item.marks],
         "examples": list(item.examples)}
        for item in (() if found is None else found.strategies)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _frame(items: Iterable[BaseModel]) -> pd.DataFrame:
    return pd.DataFrame([item.model_dump() for item in items])


def _joined(parts: Iterable[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    frames = [frame.assign(grouping=name) for name, frame in parts if len(frame)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
