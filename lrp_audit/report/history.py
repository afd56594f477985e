"""What the audit prints of a decision's event log, and what a review changes on its first page (CA-12, CA-14).

The signature of an audit is no part of the audit that it signs; it stands in the log alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lrp_audit.history.events import Event
from lrp_audit.history.reviews import latest
from lrp_audit.language.messages import Messages, message
from lrp_audit.records.record import Record, digest
from lrp_audit.report.formats import clip
from lrp_audit.report.standing import Fact, Standing

_SHOWN = 16  # digits of a record's hash
_TEXT = 400  # characters of what a person wrote; all of it is in the log

_TITLES = {
    "review": message("Review"),
    "uphold": message("Review: upheld"),
    "overturn": message("Review: overturned"),
    "return": message("Review: returned"),
    "correction": message("Correction"),
    "signature": message("Signature"),
    "withdrawal": message("Letter withdrawn"),
    "hold": message("Legal hold set"),
    "release": message("Legal hold lifted"),
    "purge": message("Deleted"),
}


@dataclass(frozen=True)
class EventRow:
    """One event. `record` tells by the first digits of its hash which record it is about."""

    number: int
    time: str
    title: str
    by: str
    what: str
    record: str


def history(events: Sequence[Event], say: Messages) -> tuple[EventRow, ...]:
    """The rows of the event history, oldest first."""
    return tuple(
        EventRow(
            number=event.sequence,
            time=event.time.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S"),
            title=say(_TITLES.get(event.details.get("verdict", ""), _TITLES[event.kind])),
            by=clip(", ".join(filter(None, (event.by, event.role))), _TEXT),
            what=_what(event.kind, event.details, say),
            record=event.record_sha256[:_SHOWN],
        )
        for event in events
        if not (event.kind == "signature" and event.details.get("file", "").startswith("audit"))
    )


def _what(kind: str, details: Mapping[str, str], say: Messages) -> str:
    if kind in {"review", "hold", "release"}:
        return clip(details.get("grounds", ""), _TEXT)
    short = {name: text[:_SHOWN] for name, text in details.items()}
    if kind == "correction":
        date = details.get("notice", "")
        return say("Replaces the letter of {date}, record {hash}…", date=date, hash=short.get("replaces", ""))
    file, sha256 = clip(details.get("file", ""), _TEXT), clip(details.get("sha256", ""), _TEXT)
    if kind == "withdrawal":
        state = clip(details.get("reason", ""), _TEXT)
        return say("{state}; kept as {file}, SHA-256 {hash}", state=state, file=file, hash=sha256)
    signature = say(
        "{file}, {level}, certificate of {signer} ({certificate}…); SHA-256 of the file {hash}",
        file=file,
        level=details.get("level", ""),
        signer=clip(details.get("signer", ""), _TEXT),
        certificate=short.get("certificate_sha256", ""),
        hash=sha256,
    )
    server = clip(details.get("time_stamp", ""), _TEXT)
    return f"{signature}; {say('time stamp of {server}', server=server)}" if server else signature


def summary(rows: Sequence[EventRow], say: Messages) -> tuple[Fact, ...]:
    """CA-14 among the provenance: where signatures, time stamps and reviews are to be found."""
    found = say("see the event history below") if rows else say("none logged when this document was made")
    return (Fact(say("Signatures, time stamps, reviews"), found),)


def correction(record: Record, say: Messages) -> tuple[Fact, ...]:
    """Which letter and record a correction replaces (regulations, section 7)."""
    corrects = record.decision.corrects
    if corrects is None:
        return ()
    text = say("the letter of {date}, record {hash}", date=say.date(corrects.notice), hash=corrects.record_sha256)
    return (Fact(say("Replaces"), text),)


def with_review(standing: Standing, record: Record, events: Sequence[Event], say: Messages) -> Standing:
    """The first page's headline, once a person has upheld the record."""
    review = latest(events, digest(record))
    if review is None or review.details.get("verdict") != "uphold" or not standing.ready:
        return standing
    date = say.date(review.time.date())
    upheld = clip(say("Upheld by {by} ({role}) on {date}.", by=review.by, role=review.role, date=date), _TEXT)
    return replace(standing, headline=say("Letter upheld by a reviewer"), details=(*standing.details, upheld))
