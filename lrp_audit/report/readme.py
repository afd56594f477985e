"""README.txt of a batch: what lies where, and how to check it."""

from __future__ import annotations

from collections.abc import Iterable

from lrp_audit.language.messages import for_reviewers, message
from lrp_audit.report.batch_report import BatchReport
from lrp_audit.report.plain_text import plain_text
from lrp_audit.report.render import to_html
from lrp_audit.settings.config import AuditConfig

FILES = {
    "index.html": message("every decision, to search and to sort in a browser without network"),
    "index": message("the rows that index.html shows"),
    "worklist.csv": message("decisions that were refused, flagged or failed, by the day their notice is due"),
    "decisions.csv": message("every decision, in the order of the source"),
    "batch-audit.pdf": message("the report for auditors, with its figures attached"),
    "groups.pdf": message("statistics of groups, apart: whether the file is privileged, counsel says"),
    "aggregate": message("what many explanations have in common, as tables"),
    "documents": message("letters, audits and records, a folder for each decision"),
    "decisions.parquet": message("every decision as data: score, outcome, reasons, states, checks"),
    "relevance.parquet": message("how much each input counted for or against, decision by decision"),
    "records": message("the canonical record of every decision"),
    "addressees": message("names and addresses, apart from the records"),
    "leaves": message("what binds records and documents to the root of the manifest"),
    "plan.json": message("what was run: source, sample, model, settings, versions"),
    "audit.toml": message("the settings"),
    "manifest.json": message("every file with its hash, and the root over all of them"),
    "manifest.json.p7s": message("the signature of the manifest"),
    "SHA256SUMS": message("the hashes of all files, for sha256sum"),
}


def readme(report: BatchReport, config: AuditConfig, present: Iterable[str]) -> str:
    """The text.

    Args:
        report: of the batch.
        config: its settings.
        present: names of files and folders that there are, or will be.

    Raises:
        ReportError: there is no catalogue of the reviewers' language.
    """
    say = for_reviewers(config)
    here = set(present)
    files = [(name, say(words)) for name, words in FILES.items() if name in here]
    return plain_text(to_html("readme", {"report": report, "files": files}, say=say))
