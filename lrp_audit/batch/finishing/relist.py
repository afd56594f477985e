"""The lists of a batch's decisions made anew, after a purge took some away."""

from __future__ import annotations

from pathlib import Path

from lrp_audit.batch.finishing.facts import facts_of
from lrp_audit.batch.finishing.index import LINKED, write_index
from lrp_audit.batch.finishing.lists import write_lists
from lrp_audit.batch.finishing.rows import columns_of
from lrp_audit.batch.plan import read_plan
from lrp_audit.language.messages import for_reviewers
from lrp_audit.report.counting import summarise
from lrp_audit.sealing import layout
from lrp_audit.settings.config import load


def relist(folder: Path) -> None:
    """Write decisions.csv, worklist.csv and the page anew, where a run wrote them.

    Raises:
        LrpAuditError: a file cannot be read or written.
    """
    if not (folder / layout.INDEX).exists():
        return
    plan = read_plan(folder)
    if plan is None:
        return
    config = load(folder / layout.SETTINGS)
    columns = columns_of(folder / layout.DECISIONS)
    report = summarise(columns, facts_of(plan, config), for_reviewers(config))
    write_lists(columns, folder)
    write_index(columns, report, config, folder, [name for name in LINKED if (folder / name).exists()])
