"""Where rules lose or double relevance, operator by operator (z⁺ and αβ at units whose contributions have one sign)."""

from __future__ import annotations

from lrp_audit.advice.outcomes import NodeLoss
from lrp_audit.engine import Ledger

SINK = "remainder"
NOTABLE = 0.01  # of what arrives at the operator


def losses(ledger: Ledger) -> tuple[NodeLoss, ...]:
    """Operators with a remainder, in the order they are run."""
    found = []
    for entry in ledger.entries:
        if SINK not in entry.sinks:
            continue
        lost, arrived = entry.sinks[SINK].abs(), entry.inflow.abs()
        place = f"{entry.module}: {entry.operator}" if entry.module else entry.operator
        found.append(
            NodeLoss(
                place,
                decisions=float((lost > NOTABLE * arrived).double().mean()),
                lost=float(lost.mean() / arrived.mean()) if float(arrived.mean()) else 0.0,
            )
        )
    return tuple(found)
