"""Finishing a batch gives the same bytes however often it is done, and says where everything is."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pages
import pandas as pd
import pytest
import records
from finished import merged

from lrp_audit.batch.finishing.aggregates import write_aggregates
from lrp_audit.batch.finishing.finish import finish
from lrp_audit.batch.plan import Digests, Plan, Source
from lrp_audit.language.messages import for_reviewers, languages
from lrp_audit.records.record import canonical
from lrp_audit.report.batch_report import MOST_LISTED
from lrp_audit.report.readme import FILES
from lrp_audit.sealing import layout, merkle
from lrp_audit.sealing.contents import leaf_tables

CONFIG = records.config()
RUN = Plan(
    source=Source(kind="file", name="loans.csv", sha256="ab" * 32),
    rows=400,
    decisions=26,
    chunk_rows=256,
    as_of=dt.date(2026, 11, 27),
    documents="all",
    documents_sample=None,
    only="adverse",
    sample=26,
    seed=4711,
    limit=400,
    records=True,
    sign=False,
    sha256=Digests(config="", model_file=None, weights="", preprocessing=None, reference=None),
    versions={},
)
BATCH = [case.record for case in records.cases()]
WRITTEN = {row: {"audit.pdf": records.HASH, "notice.pdf": records.HASH[::-1]} for row in (0, 1, 2)}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.rule("G-10")
def test_made_again_everything_is_the_same(tmp_path: Path) -> None:
    merged(tmp_path, BATCH, documents=WRITTEN, failed={"f1": "ReportError at report/render.py:12"})
    before = files(tmp_path)
    finish(tmp_path, RUN, CONFIG)
    once = files(tmp_path)
    new = {name.partition("/")[0] for name in once.keys() - before.keys()}
    assert new == {
        layout.REPORT, layout.TABLE, layout.WORKLIST, layout.INDEX, layout.INDEX_ROWS, layout.README,
    }  # fmt: skip
    (tmp_path / layout.INDEX).write_bytes(b"half a pa")
    (tmp_path / layout.REPORT).unlink()
    finish(tmp_path, RUN, CONFIG)
    assert files(tmp_path) == once


@pytest.mark.rule("BA-12")
def test_the_report_states_the_tree_of_records_and_documents(tmp_path: Path) -> None:
    decisions = merged(tmp_path, BATCH, documents=WRITTEN)
    report = finish(tmp_path, RUN, CONFIG)
    assert report.manifest is not None
    leaves = [leaf for table in leaf_tables(tmp_path) for leaf in table.column("leaf").to_pylist()]
    assert (report.manifest.root, report.manifest.leaves) == (merkle.root(leaves).hex(), len(BATCH) + 6)
    ids = decisions["id"].to_pylist()
    found = [(line.id, line.document) for line in report.manifest.lines]
    assert found == [(ids[row], name) for row in WRITTEN for name in ("audit.pdf", "notice.pdf")]
    assert {bytes.fromhex(line.leaf) for line in report.manifest.lines} <= set(leaves)
    pdf = (tmp_path / layout.REPORT).read_bytes()
    assert pages.failures(pdf, "PDF_A_3A", "PDF_UA_1") == []
    assert pages.attachments(pdf) == {"record.json": (canonical(report), "/Source")}
    assert records.HASH not in pages.text(pdf).replace(" ", "")  # no digest outlives what it is of


def test_documents_of_a_long_batch_are_named_by_their_ids(tmp_path: Path) -> None:
    several = [records.record(decision=records.decision(id=f"LN-{number}")) for number in range(MOST_LISTED + 20)]
    written = {number: {"notice.pdf": records.HASH} for number in range(10, MOST_LISTED + 20)}
    merged(tmp_path, several, documents=written)
    report = finish(tmp_path, RUN, CONFIG)
    assert report.manifest is not None
    assert [line.id for line in report.manifest.lines] == [f"LN-{number}" for number in range(10, MOST_LISTED + 10)]


def test_an_empty_batch_is_finished_too(tmp_path: Path) -> None:
    merged(tmp_path, [])
    assert finish(tmp_path, RUN, CONFIG).completeness.missing == 26
    assert (tmp_path / layout.TABLE).read_text(encoding="utf-8-sig").count("\n") == 1


@pytest.mark.parametrize("language", languages())
def test_what_cannot_be_said_of_a_batch_is_explained_in_its_language(tmp_path: Path, language: str) -> None:
    documents = CONFIG.documents.model_copy(update={"audit_language": language})
    config = CONFIG.model_copy(update={"documents": documents})
    say = for_reviewers(config)
    several = [records.record(decision=records.decision(id=f"LN-{number}")) for number in range(60)]
    merged(tmp_path, several[:49])
    few = "There are no chapters on what the decisions rest on: fewer than {count} were explained."
    assert write_aggregates(tmp_path, config, "loans", seed=1, groups=None) == (None, (say(few, count=50),))
    merged(tmp_path, several)
    alike = pd.DataFrame({"id": [f"LN-{number}" for number in range(60)], "branch": "north"})
    report, unsaid = write_aggregates(tmp_path, config, "loans", seed=1, groups=alike)
    assert report is not None
    why = say("{what} is left out: all decisions are in one group.", what="branch")
    assert unsaid == (say("There are no statistics of groups: {why}", why=why),)
    assert not (tmp_path / layout.GROUPS).exists()


@pytest.mark.parametrize("language", languages())
def test_the_readme_names_what_is_there_and_nothing_else(tmp_path: Path, language: str) -> None:
    merged(tmp_path, BATCH, documents=WRITTEN)
    documents = CONFIG.documents.model_copy(update={"audit_language": language})
    finish(tmp_path, RUN, CONFIG.model_copy(update={"documents": documents}))
    text = (tmp_path / layout.README).read_text(encoding="utf-8")
    named = re.findall(r"^ +\* ([\w.-]+): ", text, flags=re.MULTILINE)
    here = {path.name for path in tmp_path.iterdir()} - {layout.README} | {layout.MANIFEST, layout.SUMS}
    assert set(named) == here & FILES.keys() == here
    assert "sha256sum -c SHA256SUMS" in text
    assert "<" not in text
