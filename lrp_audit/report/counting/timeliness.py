"""BA-03: how long before the end of its limit a notice went out, and the decisions that were late."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lrp_audit.judging.deadlines import COUNTEROFFER_DAYS, NOTICE_DAYS
from lrp_audit.report.batch_report import MOST_LISTED, Band, LateCase
from lrp_audit.report.counting.parts import NEVER, days, ready

NEAR_DAYS = 10  # before the last day of a notice
_DAY_ZERO = dt.date(1970, 1, 1)


@dataclass
class TimelinessTally:
    """A refused decision has a notice only once one was sent: the date in its row is that of the attempt.

    Its clock runs on (regulations, section 8), unless it is favourable: then its letter is not one of ours.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "id", "state", "failure", "notice_due", "notice_date", "notice_sent", "counteroffer_date",
    )  # fmt: skip
    as_of: dt.date | None
    counts: dict[int, Counter[str]] = field(
        default_factory=lambda: {NOTICE_DAYS: Counter(), COUNTEROFFER_DAYS: Counter()}
    )
    latest: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"id": pd.Series(dtype=object), "due": 0, "notice": 0, "days": 0})
    )

    def add(self, part: pa.Table) -> None:
        due, sent = days(part, "notice_due"), days(part, "notice_sent")
        printed = np.where(ready(part).to_numpy(), days(part, "notice_date"), NEVER)
        notice = np.where(sent == NEVER, printed, sent)
        left, dated = self._left(part, due, notice)
        limits = np.where(part["counteroffer_date"].is_null().to_numpy(), NOTICE_DAYS, COUNTEROFFER_DAYS)
        for limit, counts in self.counts.items():
            counted = dated & (limits == limit)
            counts["late"] += int((counted & (left < 0)).sum())
            counts["near"] += int((counted & (left >= 0) & (left <= NEAR_DAYS)).sum())
            counts["early"] += int((counted & (left > NEAR_DAYS)).sum())
            counts["undated"] += int((~dated & (limits == limit)).sum())
        late = np.flatnonzero(dated & (left < 0))
        if len(late):
            ids = part["id"].take(pa.array(late)).to_pylist()
            found = pd.DataFrame({"id": ids, "due": due[late], "notice": notice[late], "days": -left[late]})
            worst = pd.concat([self.latest, found]) if len(self.latest) else found
            self.latest = worst.sort_values(["days", "id"], ascending=[False, True])[:MOST_LISTED]

    def bands(self) -> tuple[Band, ...]:
        names = ("early", "near", "late", "undated")
        return tuple(Band(limit=days, **{name: found[name] for name in names}) for days, found in self.counts.items())

    def late(self) -> tuple[LateCase, ...]:
        """The latest ones first."""
        return tuple(
            LateCase(id=name, due=_date(due), notice=None if notice == NEVER else _date(notice), days=int(late))
            for name, due, notice, late in self.latest.itertuples(index=False)
        )

    def _left(
        self, part: pa.Table, due: npt.NDArray[np.int32], notice: npt.NDArray[np.int32]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Days left when the notice went out, or on the day of the report; and whether they can be told."""
        favourable = pc.equal(part["state"], "NOT_ADVERSE").fill_null(False).to_numpy()
        unsent = notice == NEVER
        until = np.where(unsent, NEVER if self.as_of is None else (self.as_of - _DAY_ZERO).days, notice)
        left = due.astype(np.int64) - until
        overdue = ~favourable & (left < 0) & (until != NEVER)
        return left, (due != NEVER) & np.where(unsent, overdue, True)


def _date(day: int) -> dt.date:
    return _DAY_ZERO + dt.timedelta(days=int(day))
