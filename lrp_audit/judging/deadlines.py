"""By when a notice is due (12 CFR 1002.9(a)(1), (c)(1))."""

from __future__ import annotations

import datetime as dt

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


def _after(start: dt.date | None, days: int) -> dt.date | None:
    return None if start is None else start + dt.timedelta(days=days)
