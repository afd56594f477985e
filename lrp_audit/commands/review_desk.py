"""Reviews at work: each is written into the log of its decision, and a letter that may not go out is withdrawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrp_audit.errors import DataError, LrpAuditError
from lrp_audit.history import events
from lrp_audit.history.decision_folder import DecisionFolder, Filed, decision_folder
from lrp_audit.history.events import Act, Event
from lrp_audit.history.reviews import Review


@dataclass(frozen=True)
class Desk:
    """Where reviews arrive: the folder of decisions, and the key that names theirs."""

    out: Path
    key: bytes

    def history(self, identifier: str) -> tuple[Event, ...]:
        """The events of a decision, oldest first. Raises EventLogError where its log is damaged."""
        return events.read(self._place(identifier).log)

    def record(self, reviews: Sequence[tuple[str, Review]], now: dt.datetime) -> int:
        """Log reviews of the records that stand, each once, and withdraw the letters of those not upheld.

        All are checked before any is written. Returns how many were not in a log already.

        Raises:
            DataError: a decision has no record, or not the one that was reviewed; names the decision.
            ReportError, EventLogError: a file cannot be renamed or written.
        """
        checked = [self._checked(identifier, review) for identifier, review in reviews]
        return sum(self._record(place, filed, act, now) for place, filed, act in checked)

    def _place(self, identifier: str) -> DecisionFolder:
        return decision_folder(self.out, self.key, identifier)

    def _checked(self, identifier: str, review: Review) -> tuple[DecisionFolder, Filed, Act]:
        place = self._place(identifier)
        try:
            filed = place.standing(events.read(place.log))
            return place, filed, review.of(filed.sha256)
        except LrpAuditError as error:
            raise DataError(f"Decision {identifier[:80]!r}: {error}") from None

    def _record(self, place: DecisionFolder, filed: Filed, act: Act, now: dt.datetime) -> bool:
        logged = events.read(place.log)
        if any(Act(**{name: getattr(event, name) for name in Act.model_fields}) == act for event in logged):
            return False
        events.append(place.log, [act])
        if act.details["verdict"] != "uphold":
            place.withdraw(filed.folder, "REVIEW_PENDING", now)
        return True
