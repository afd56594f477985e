"""index.html of a batch: every decision, searched, filtered and sorted in a browser without network or server.

The page holds no decision. Its rows lie in scripts of `ROWS` decisions each, which it loads one by one and lets go
again, so that a million decisions need no more memory than a few thousand. What decisions say is put into the page as
text, never as markup; the content security policy allows the page's own script and those files, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.report.batch_report import LETTERS, BatchReport
from lrp_audit.resources import templates
from lrp_audit.settings.config import AuditConfig

ROWS = 10_000  # decisions of one script
MOST_REASONS = 200  # to choose from


def index_html(report: BatchReport, config: AuditConfig, files: Sequence[str]) -> str:
    """The page.

    Args:
        report: of the batch.
        config: its settings.
        files: the other files of the batch that the page links to.

    Raises:
        ReportError: there is no catalogue of the reviewers' language.
    """
    say = for_reviewers(config)
    folder = templates() / "index"
    script, style = ((folder / name).read_text(encoding="utf-8") for name in ("index.js", "document.css"))
    environment = Environment(
        loader=FileSystemLoader(templates()), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    done = report.completeness
    return environment.get_template("index/document.html").render(
        say=say,
        report=report,
        files=files,
        letters=sum(item.count for item in done.documents if item.name in LETTERS),
        reasons=[reason.text for reason in report.reasons.stated[:MOST_REASONS] if reason.text],
        data=Markup(_json({"rows": done.decisions, "size": ROWS, "words": _words(say)})),
        script=Markup(script),
        style=Markup(style),
        policy=f"default-src 'none'; script-src 'sha256-{_sha256(script)}' 'self' file:; "
        f"style-src 'sha256-{_sha256(style)}'; base-uri 'none'; form-action 'none'",
    )


def rows_script(decisions: pa.Table) -> bytes:
    """The script that hands some decisions to the page: columns as lists, texts by their place in a list of texts."""
    columns: dict[str, Any] = {"id": decisions["id"].to_pylist(), "flags": decisions["flags"].to_pylist()}
    columns["work"] = [int(work) for work in decisions["work"].to_pylist()]
    columns["due"] = decisions["notice_due"].cast(pa.int32()).to_pylist()
    for name in ("outcome", "state", "next_step", "reasons", "failure"):
        columns[name] = _coded(decisions[name])
    for name in ("letter", "audit"):
        columns[name] = decisions[name].to_pylist()
    return f"decisions({_json(columns)})\n".encode("ascii")


def _coded(texts: pa.ChunkedArray) -> dict[str, Any]:
    """Texts that come again and again, once; -1 for none."""
    coded = texts.combine_chunks().dictionary_encode()
    return {"texts": coded.dictionary.to_pylist(), "at": coded.indices.fill_null(-1).to_pylist()}


def _json(value: object) -> str:
    """JSON that ends no script element, whatever a text in it says."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _words(say: Messages) -> dict[str, str]:
    """What the page's script says; its slots are filled there."""
    return {
        "language": say.language,
        "adverse": say("adverse"),
        "favourable": say("favourable"),
        "ready": say("ready for review"),
        "failed": say("failed"),
        "letter": say("letter"),
        "audit": say("audit"),
        "flags": say("flags"),
        "shown": say("{shown} of {count} decisions"),
        "first": say("the first {shown} of {count} decisions; decisions.csv has all of them"),
        "none": say("No decision fits."),
        "searching": say("Searching: {done} of {count} decisions"),
        "missing": say("{file} cannot be loaded: it belongs beside this page."),
        "page": say("Page {page} of {count}"),
    }
