"""Pages of the reference, written from the program when the site is built, so that they are never out of date."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import batch_folder
import commands
import evidence
import models
import notebooks
import rooms
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import benchmarks
from lrp_audit.batch.plan import Plan
from lrp_audit.history.events import Event
from lrp_audit.records.record import Record
from lrp_audit.sealing.manifest import Manifest

PAGES: dict[str, Callable[[], str]] = {
    "reference/command-line.md": commands.page,
    "reference/settings.md": models.settings_page,
    "reference/record.md": models.record_page,
    "reference/batch-folder.md": batch_folder.page,
    "reference/record.schema.json": partial(models.schema, Record),
    "reference/plan.schema.json": partial(models.schema, Plan),
    "reference/manifest.schema.json": partial(models.schema, Manifest),
    "reference/event.schema.json": partial(models.schema, Event),
    "architecture/rooms.md": rooms.page,
    "quality/evidence.md": evidence.page,
    "quality/benchmarks.md": benchmarks.page,
    **{f"notebooks/{name}.md": partial(notebooks.page, name) for name in notebooks.names()},
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages; MkDocs calls this."""
    for place, write in PAGES.items():
        files.append(File.generated(config, place, content=write()))
    return files
