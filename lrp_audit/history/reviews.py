"""A person's review of a decision's record: upheld, overturned or returned, as the event log holds it (CA-12).

A review is of one record, by its digest: a record made anew has not been reviewed. The record itself never holds one,
since its digest would change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from lrp_audit.errors import DataError
from lrp_audit.history.events import Act, Event
from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.records.record import Record, Refusal, digest
from lrp_audit.settings.config import AuditConfig

Verdict = Literal["uphold", "overturn", "return"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Review:
    """What a person found. `record_sha256`, where given, is the record that the person had before them.

    Raises:
        DataError: name or role is empty, grounds are where they are needed, or the time has no zone.
    """

    verdict: Verdict
    by: str
    role: str
    grounds: str
    time: dt.datetime
    record_sha256: str | None = None

    def __post_init__(self) -> None:
        for name, value in {"name": self.by, "role": self.role}.items():
            if not value.strip():
                raise DataError(f"The review needs the reviewer's {name}.")
        if self.verdict != "uphold" and not self.grounds.strip():
            raise DataError(f"A review that ends in '{self.verdict}' needs its grounds.")
        if self.time.tzinfo is None:
            raise DataError(f"The review's time {self.time.isoformat()} needs a zone, such as Z or +01:00.")
        for value in (self.by, self.role, self.grounds):
            if not value.isprintable() or any("\ud800" <= char <= "\udfff" for char in value):
                raise DataError("Name, role and grounds of a review are one line of printable text each.")

    def of(self, record_sha256: str) -> Act:
        """The review of a record, as an act for the event log.

        Raises:
            DataError: the person had another record before them.
        """
        if self.record_sha256 not in {None, record_sha256}:
            raise DataError(
                f"The review is of the record {str(self.record_sha256)[:16]!r}, and the record on disk is "
                f"{record_sha256[:16]!r}; review that one."
            )
        details = {"verdict": str(self.verdict), "grounds": self.grounds.strip()}
        return Act(
            kind="review",
            time=self.time.replace(microsecond=0),
            by=self.by.strip(),
            role=self.role.strip(),
            details=details,
            record_sha256=record_sha256,
        )


def latest(events: Sequence[Event], record_sha256: str) -> Event | None:
    """The review that counts for a record: its last one."""
    found = [event for event in events if event.kind == "review" and event.record_sha256 == record_sha256]
    return found[-1] if found else None


def review_refusal(record: Record, events: Sequence[Event], config: AuditConfig) -> Refusal | None:
    """REVIEW_PENDING, last in precedence: asked only of a record that nothing else keeps from a letter.

    An overturned or returned record gets no letter, whatever is configured; one that nobody has reviewed gets none
    where `[documents] review` is "required".
    """
    if record.refusal is not None:
        return None
    say, review = for_reviewers(config), latest(events, digest(record)) if events else None
    verdict = None if review is None else review.details.get("verdict")
    if verdict == "uphold" or (review is None and config.documents.review == "optional"):
        return None
    evidence, step = _unreviewed(record, events, say) if review is None else _found(review, say)
    return Refusal(state="REVIEW_PENDING", rule="CA-12, G-02", evidence=evidence, next_step=step)


def reviewed(record: Record, events: Sequence[Event], config: AuditConfig) -> Record:
    """The record with its review's refusal behind its own, for showing; its digest is no longer the filed one's."""
    refusal = review_refusal(record, events, config)
    return record if refusal is None else record.model_copy(update={"refusals": (*record.refusals, refusal)})


def _unreviewed(record: Record, events: Sequence[Event], say: Messages) -> tuple[str, str]:
    evidence = say("Nobody has reviewed this record (SHA-256 {digest}…).", digest=digest(record)[:16])
    if any(event.kind == "review" for event in events):
        evidence += " " + say("Earlier reviews are of other records of this decision.")
    return evidence, say("Review the audit, then record what you found with `lrp-audit review`.")


def _found(review: Event, say: Messages) -> tuple[str, str]:
    facts = {"by": review.by, "role": review.role, "date": say.date(review.time.date())}
    grounds = review.details.get("grounds", "")
    if review.details.get("verdict") == "overturn":
        return (
            say("{by} ({role}) overturned the decision on {date}: {grounds}", grounds=grounds, **facts),
            say("Decide anew, and run again with the new outcome and the reasons of whoever decided."),
        )
    return (
        say("{by} ({role}) returned the decision on {date}: {grounds}", grounds=grounds, **facts),
        say("Settle the grounds, run again, and have the new record reviewed."),
    )
