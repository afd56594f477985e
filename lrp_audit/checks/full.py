"""The checks that cost more than the explanation: integrated gradients, recording noise, deletion and insertion curves.

They run where `[checks] level` is "full"; elsewhere a document says "not performed". Members of the population, noises
and orders are the same for every row, so that a decision's result does not depend on its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from lrp_audit.checks.agreement import Agreement, agreement
from lrp_audit.checks.curves import Curves, deletion_curves, insertion_curves
from lrp_audit.checks.evidence import Families, Subjects
from lrp_audit.checks.putback import hybrid
from lrp_audit.checks.stability import Stability, numeric, stability
from lrp_audit.explaining.explainer import Explainer
from lrp_audit.explaining.methods.choice import Attribute
from lrp_audit.explaining.methods.integrated_gradients import integrated_gradients
from lrp_audit.explaining.reference import Reference
from lrp_audit.language.messages import Messages, message
from lrp_audit.records.record import Check
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ChecksSection

GRADIENT_STEPS = 4  # Gauss-Legendre points from each member to the applicant
NOISES = 8
CURVE_MEMBERS = 3
CURVE_ORDERS = 5  # random ones

GRADIENTS = message("Agreement with integrated gradients")
STABILITY = message("Stability under small input noise")
CURVES = message("Deletion and insertion of families, against random and best orders")

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FullEvidence:
    """What the checks found for N rows; None where one cannot be run on this model or reference.

    Attributes:
        gradients: agreement with integrated gradients over the same target and reference.
        completeness: the largest part of the difference that integrated gradients missed, per row; (N,).
    """

    gradients: Agreement | None
    completeness: FloatArray
    stability: Stability | None
    deletion: Curves | None
    insertion: Curves | None


def gather_full(
    explainer: Explainer,
    attribute: Attribute,
    subjects: Subjects,
    families: Families,
    reference: Reference,
    config: AuditConfig,
) -> FullEvidence:
    """Run the checks on a chunk of rows."""
    inputs, relevance = subjects.encoded.inputs, families.sums(subjects.relevance)
    seed = config.checks.seed
    none = FullEvidence(None, np.zeros(len(relevance)), None, None, None)
    if not len(reference):
        return none

    def explained(frame: pd.DataFrame) -> FloatArray:
        return families.sums(attribute(explainer.model.encode(frame).inputs, reference).relevance)

    def put_back(back: npt.NDArray[np.bool_]) -> FloatArray:
        columns, members = back[:, families.of_column], range(min(CURVE_MEMBERS, len(reference)))
        margins = [hybrid(explainer, inputs, reference, k, columns) for k in members]
        return np.asarray(np.mean(margins, axis=0))

    codes = frozenset(name for name, column in config.columns.items() if column.values)
    moves = numeric(explainer.model.columns, codes, reference.frame)
    found = replace(
        none,
        stability=stability(explained, subjects.frame, relevance, subjects.stated, moves, draws=NOISES, seed=seed),
        deletion=deletion_curves(put_back, relevance, draws=CURVE_ORDERS, seed=seed),
        insertion=insertion_curves(put_back, relevance, draws=CURVE_ORDERS, seed=seed),
    )
    if config.explanation.method == "integrated-gradients" or not all(map(torch.is_floating_point, inputs.values())):
        return found  # not against itself, nor along a line between codes
    other = integrated_gradients(explainer, inputs, reference, steps=GRADIENT_STEPS)
    return replace(
        found,
        gradients=agreement(relevance, families.sums(other.relevance), subjects.stated),
        completeness=np.abs(other.sinks["quadrature"]) / (np.abs(other.explained) + np.abs(other.relevance).sum(1)),
    )


def state_full(
    evidence: FullEvidence | None, row: int, stated: int, settings: ChecksSection, say: Messages
) -> tuple[Check, ...]:
    """One row's checks as they stand in its record; all "not performed" without evidence."""
    found = evidence or FullEvidence(None, np.zeros(0), None, None, None)
    return (
        _gradients(found, row, stated, settings, say),
        _stability(found, row, stated, settings, say),
        _curves(found, row, stated, settings, say),
    )


def _gradients(found: FullEvidence, row: int, stated: int, settings: ChecksSection, say: Messages) -> Check:
    if found.gradients is None or not stated:
        return Check(id="integrated-gradients", title=say(GRADIENTS), status="not performed")
    kept = int(found.gradients.kept[row])
    measured: dict[str, float | int] = {"kept": kept, "stated": stated}
    if np.isfinite(found.gradients.rank_correlation[row]):
        measured["rank_correlation"] = float(found.gradients.rank_correlation[row])
    measured["same_sign"] = float(found.gradients.same_sign[row])
    measured["completeness_error"] = float(found.completeness[row])
    return Check(
        id="integrated-gradients",
        title=say(GRADIENTS),
        status="performed",
        flag=kept < min(settings.gradients_overlap, stated),
        measured=measured,
        threshold=float(min(settings.gradients_overlap, stated)),
        statement=say("Stated families that integrated gradients over the same reference also put first."),
    )


def _stability(found: FullEvidence, row: int, stated: int, settings: ChecksSection, say: Messages) -> Check:
    if found.stability is None or not stated:
        return Check(id="stability", title=say(STABILITY), status="not performed")
    survived = int(found.stability.survived[row])
    return Check(
        id="stability",
        title=say(STABILITY),
        status="performed",
        flag=survived < min(settings.stability_overlap, stated),
        measured={"kept": survived, "stated": stated, "largest_change": float(found.stability.change[row])},
        threshold=float(min(settings.stability_overlap, stated)),
        statement=say("Stated families that stay principal when every number moves within its own rounding."),
    )


def _curves(found: FullEvidence, row: int, stated: int, settings: ChecksSection, say: Messages) -> Check:
    if found.deletion is None or found.insertion is None or not stated:
        return Check(id="curves", title=say(CURVES), status="not performed")
    deletion, insertion = float(found.deletion.normalised[row]), float(found.insertion.normalised[row])
    return Check(
        id="curves",
        title=say(CURVES),
        status="performed",
        flag=min(deletion, insertion) < settings.curves,
        measured={"deletion": deletion, "insertion": insertion},
        threshold=settings.curves,
        statement=say("Area under the margin as families are put back and given back: 0 is chance, 1 the best order."),
    )
