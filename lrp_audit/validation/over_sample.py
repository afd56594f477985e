"""What the checks of audits found over the decisions of a sample."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lrp_audit.deciding.decision_model import Explained
from lrp_audit.records.record import Check
from lrp_audit.report.batch_report import Distribution, Quality


def distribution(name: str, values: Sequence[float]) -> Distribution | None:
    """How finite values are spread; None where there is none."""
    known = sorted(value for value in values if math.isfinite(value))
    if not known:
        return None
    mean = math.fsum(known) / len(known)
    return Distribution(name=name, count=len(known), lowest=known[0], mean=mean, highest=known[-1])


def qualities(explained: Sequence[Explained]) -> tuple[Quality, ...]:
    """Every check, by its id."""
    found: dict[str, list[Check]] = {}
    for one in explained:
        for check in one.checks:
            found.setdefault(check.id, []).append(check)
    return tuple(_quality(found[name]) for name in sorted(found))


def _quality(checks: Sequence[Check]) -> Quality:
    performed = [check for check in checks if check.status == "performed"]
    measured: dict[str, list[float]] = {}
    for check in performed:
        for name, value in check.measured.items():
            if not isinstance(value, str):
                measured.setdefault(name, []).append(float(value))
    spreads = (distribution(name, values) for name, values in sorted(measured.items()))
    return Quality(
        id=checks[0].id,
        title=checks[0].title,
        performed=len(performed),
        not_performed=len(checks) - len(performed),
        flagged=sum(check.flag for check in performed),
        measured=tuple(spread for spread in spreads if spread is not None),
    )


def residuals(explained: Sequence[Explained]) -> Distribution | None:
    """The conservation error of each decision over its tolerance."""
    books = [one.conservation for one in explained]
    return distribution("residual", [abs(book.residual) / book.tolerance for book in books])


def sinks(explained: Sequence[Explained]) -> tuple[Distribution, ...]:
    """The share of every sink in the absolute relevance of inputs and sinks, decision by decision."""
    shares: dict[str, list[float]] = {
        name: [] for name in sorted({s for one in explained for s in one.conservation.sinks})
    }
    for one in explained:
        booked = one.conservation.sinks
        total = math.fsum(abs(item.relevance) for item in one.columns) + math.fsum(map(abs, booked.values()))
        for name, values in shares.items():
            values.append(abs(booked.get(name, 0.0)) / total if total > 0 else 0.0)
    return tuple(found for name, values in shares.items() if (found := distribution(name, values)) is not None)
