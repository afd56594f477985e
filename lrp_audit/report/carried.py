"""What a letter of any type may carry besides its own text: which letter it replaces, and that it is signed."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from lrp_audit.language import texts
from lrp_audit.language.messages import for_applicants
from lrp_audit.records.record import Record
from lrp_audit.report.slots import filled
from lrp_audit.settings.config import AuditConfig


@dataclass(frozen=True)
class Carried:
    """Both None for most letters."""

    replaces: Markup | None  # a correction names the letter it replaces (regulations, section 7)
    signature: Markup | None  # drawn where the letter ends; the field that holds the signature is invisible


def carried(record: Record, config: AuditConfig, *, signable: bool) -> Carried:
    """What this letter carries.

    Args:
        record: the decision.
        config: settings; the wording is that of `[documents] language`.
        signable: the letter is going to be signed.

    Raises:
        ReportError, ConfigError: there is no such wording in the language.
    """
    corrects = record.decision.corrects
    legal = texts.load(config.documents.language) if signable or corrects is not None else None
    if legal is None:
        return Carried(None, None)
    date = None if corrects is None else for_applicants(config).date(corrects.notice)
    return Carried(
        replaces=None if date is None else filled(legal["replaces-letter"], date=date),
        signature=filled(legal["digital-signature"]) if signable else None,
    )
