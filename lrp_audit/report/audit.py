"""The internal audit of one decision, for reviewers (regulations, section 4): a record in, PDF/A-3a + PDF/UA-1 out.

The first page is the decision at a glance; the chapters behind it hold every number. The canonical record is attached,
so that nothing printed has to be taken on trust.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lrp_audit.history.events import Event
from lrp_audit.history.reviews import reviewed
from lrp_audit.language.messages import for_reviewers, message
from lrp_audit.records.record import Record, canonical, digest
from lrp_audit.report.chapters import Chapters, chapters
from lrp_audit.report.fonts import faces, with_code_points
from lrp_audit.report.glance import Glance, glance
from lrp_audit.report.heatmap import TextView, text_view
from lrp_audit.report.history import EventRow, correction, history, summary, with_review
from lrp_audit.report.look import look
from lrp_audit.report.population_strip import Strip, population_strip
from lrp_audit.report.render import Source, to_html, to_pdf
from lrp_audit.report.standing import Fact
from lrp_audit.report.variations_view import VariationsView, variations_view
from lrp_audit.report.waterfall import Waterfall, waterfall
from lrp_audit.settings.config import AuditConfig

FOLDER = "audit"
SIGNED = message(
    "This audit is digitally signed. A PDF reader or `lrp-audit verify` shows who signed it and whether it was changed."
)
_NO_DATE = dt.date(1970, 1, 1)  # of the attached file, where a record has no date at all


@dataclass(frozen=True)
class AuditContext:
    """Everything the internal audit prints, in its order."""

    record_sha256: str
    glance: Glance
    chapters: Chapters
    texts: tuple[TextView, ...]
    variations: VariationsView | None
    waterfall: Waterfall | None
    strip: Strip | None
    correction: tuple[Fact, ...]
    history: tuple[EventRow, ...]
    signature: str | None  # what the box of a signed audit says


def audit_pdf(record: Record, config: AuditConfig, events: Sequence[Event] = (), *, signable: bool = False) -> bytes:
    """The internal audit, with the canonical record attached as `record.json` (AFRelationship Source).

    Args:
        record: the decision.
        config: settings and wording.
        events: the decision's event log as it stands; printed, so that the same events give the same bytes.
        signable: leave an empty signature field, and say in a box that the audit is signed.

    Raises:
        ReportError: a font cannot be used.
    """
    say, dates = for_reviewers(config), record.decision.dates
    source = Source(
        content=canonical(record),
        description=say("Canonical record of the decision (RFC 8785 JSON)"),
        date=dates.notice or dates.decision or _NO_DATE,
    )
    found = context(record, config, events, signable=signable)
    html = _page(found, config, styled=False)
    return to_pdf(
        html,
        FOLDER,
        faces(config),
        identifier=found.record_sha256,
        source=source,
        signature=found.signature,
        look=look(config),
    )


def audit_html(record: Record, config: AuditConfig, events: Sequence[Event] = ()) -> str:
    """The internal audit as one page of HTML with its style inside."""
    return _page(context(record, config, events), config, styled=True)


def context(
    record: Record, config: AuditConfig, events: Sequence[Event] = (), *, signable: bool = False
) -> AuditContext:
    """What the internal audit prints."""
    say, judged = for_reviewers(config), reviewed(record, events, config)
    first_page, found, logged = glance(judged, config), chapters(record, say), history(events, say)
    standing = with_review(first_page.standing, record, events, say)
    return AuditContext(
        record_sha256=digest(record),
        glance=replace(first_page, standing=standing),
        chapters=replace(found, refusals=judged.refusals, provenance=found.provenance + summary(logged, say)),
        texts=tuple(text_view(evidence, config) for evidence in record.text_evidence),
        variations=variations_view(record, say),
        waterfall=waterfall(record, say),
        strip=population_strip(record, say),
        correction=correction(record, say),
        history=logged,
        signature=say(SIGNED) if signable else None,
    )


def _page(found: AuditContext, config: AuditConfig, *, styled: bool) -> str:
    """Characters that no document font has are shown as code points: an auditor must see what was there."""
    page = to_html(FOLDER, {"audit": found}, say=for_reviewers(config), styled=styled, look=look(config))
    return with_code_points(page, config)
