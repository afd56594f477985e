"""By when a notice is due (12 CFR 1002.9(a)(1), (c)(1)), and until when documents are kept (1002.12(b))."""

from __future__ import annotations

import calendar
import datetime as dt

from lrp_audit.records.record import Dates

NOTICE_DAYS = 30  # after a completed application, or after adverse action; after receiving an incomplete application
COUNTEROFFER_DAYS = 90  # after a counteroffer that the applicant does not accept


def notice_due(
    *,
    application: dt.date | None = None,
    completion: dt.date | None = None,
    decision: dt.date | None = None,
    counteroffer: dt.date | None = None,
    incomplete: bool = False,
) -> dt.date | None:
    """The last day of a notice; None where the date it runs from is not known.

    Args:
        application: when the application was received.
        completion: when it was complete.
        decision: when it was decided.
        counteroffer: when an earlier counteroffer was made that has not been accepted (1002.9(a)(1)(iv)).
        incomplete: the notice asks for what is missing (1002.9(c)(1)).
    """
    if incomplete:
        return _after(application, NOTICE_DAYS)
    if counteroffer is not None:
        return _after(counteroffer, COUNTEROFFER_DAYS)
    return _after(completion or decision, NOTICE_DAYS)


def retain_until(dates: Dates, months: int) -> dt.date | None:
    """The last day that documents are kept: so many months after the notice; None where there is none.

    A notice that was recorded as sent counts from that day. Where the last month is too short it is its last day.
    """
    start = dates.notice_sent or dates.notice
    if start is None:
        return None
    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    return dt.date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def _after(start: dt.date | None, days: int) -> dt.date | None:
    return None if start is None else start + dt.timedelta(days=days)
