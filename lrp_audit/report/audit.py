"""The internal audit of one decision, for reviewers (regulations, section 4): a record in, PDF/A-3a + PDF/UA-1 out.

The first page is the decision at a glance; the chapters behind it hold every number. The canonical record is attached,
so that nothing printed has to be taken on trust.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from lrp_audit.config import AuditConfig
from lrp_audit.record import Record, canonical, digest
from lrp_audit.report.chapters import Chapters, chapters
from lrp_audit.report.fonts import faces, with_code_points
from lrp_audit.report.glance import Glance, glance
from lrp_audit.report.heatmap import TextView, text_view
from lrp_audit.report.render import Source, to_html, to_pdf

FOLDER = "audit"
_NO_DATE = dt.date(1970, 1, 1)  # of the attached file, where a record has no date at all


@dataclass(frozen=True)
class AuditContext:
    """Everything the internal audit prints, in its order."""

    record_sha256: str
    glance: Glance
    chapters: Chapters
    texts: tuple[TextView, ...]


def audit_pdf(record: Record, config: AuditConfig) -> bytes:
    """The internal audit, with the canonical record attached as `record.json` (AFRelationship Source).

    Raises:
        ReportError: a font cannot be used.
    """
    dates = record.decision.dates
    source = Source(
        content=canonical(record),
        description="Canonical record of the decision (RFC 8785 JSON)",
        date=dates.notice or dates.decision or _NO_DATE,
    )
    html = _page(record, config, styled=False)
    return to_pdf(html, FOLDER, faces(config), identifier=digest(record), source=source)


def audit_html(record: Record, config: AuditConfig) -> str:
    """The internal audit as one page of HTML with its style inside."""
    return _page(record, config, styled=True)


def context(record: Record, config: AuditConfig) -> AuditContext:
    """What the internal audit prints."""
    return AuditContext(
        record_sha256=digest(record),
        glance=glance(record, config),
        chapters=chapters(record),
        texts=tuple(text_view(evidence, config) for evidence in record.text_evidence),
    )


def _page(record: Record, config: AuditConfig, *, styled: bool) -> str:
    """Characters that no document font has are shown as code points: an auditor must see what was there."""
    return with_code_points(to_html(FOLDER, {"audit": context(record, config)}, styled=styled), config)
