"""What a recorded outcome means, and whether a recorded score is the computed one."""

from __future__ import annotations

from lrp_audit.records.record import ModelFacts
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import DecisionSection


def means_refusal(label: str, model: ModelFacts, decision: DecisionSection) -> bool | None:
    """Whether a recorded outcome is a refusal; None for a label that is neither."""
    if decision.recorded_adverse:
        return any(_same_label(label, other) for other in decision.recorded_adverse)
    if _same_label(label, model.adverse):
        return True
    return False if any(_same_label(label, other) for other in model.classes or ("above", "below")) else None


def reproduced(recorded: float, computed: float, config: AuditConfig, tolerance: float) -> bool:
    """Whether a recorded score is the computed one; `tolerance` is what the model promises, relative to the score."""
    return abs(recorded - computed) <= allowed(computed, config, tolerance)


def allowed(computed: float, config: AuditConfig, tolerance: float) -> float:
    """How far a recorded score may be from the computed one."""
    settled = config.checks.score_tolerance
    return tolerance * max(1.0, abs(computed)) if settled is None else settled


def _same_label(first: str, second: str) -> bool:
    """Equal as text, or as numbers: tables turn the class 1 into 1.0."""
    try:
        return float(first) == float(second)
    except ValueError:
        return first.strip() == second.strip()
