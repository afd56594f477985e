"""Documents are renderings of records: any document of any decision of a batch, as the batch would have written it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lrp_audit.batch.kept import kept_decision
from lrp_audit.batch.plan import read_plan
from lrp_audit.errors import ConfigError, DataError
from lrp_audit.files import write_bytes
from lrp_audit.history.reviews import review_refusal
from lrp_audit.output import Output
from lrp_audit.records.record import Refusal, canonical
from lrp_audit.sealing.find import find
from lrp_audit.settings import config as configuration


def render(folder: Path, identifier: str, output: Output) -> tuple[tuple[Path, ...], Refusal | None]:
    """Write the documents of a decision below the folder of `output`; the batch stays as it is.

    Args:
        folder: the batch.
        identifier: the decision's id.
        output: where to, with the settings and the secret of the batch.

    Returns:
        the files, and why there is no letter.

    Raises:
        DataError: the folder is no batch, or holds no such decision.
        ConfigError: the settings are not those of the batch.
        ReportError: the record is not kept or not sound, or a document cannot be rendered or written.
    """
    plan = read_plan(folder)
    if plan is None:
        raise DataError(f"{folder} is no batch: it has no plan.json.")
    if configuration.digest(output.config) != plan.sha256.config:
        raise ConfigError("The settings are not those of the batch, so that its documents would not be the same.")
    place = find(folder, identifier)
    decision = kept_decision(folder, place.row, output.key)
    files = replace(output, folder=Path()).fresh(canonical(decision.record), decision.addressee)
    written = tuple(write_bytes(output.folder / place.folder / name, content) for name, content in files.items())
    return written, decision.record.refusal or review_refusal(decision.record, (), output.config)
