"""The checks that cost more than the explanation: integrated gradients, recording noise, sufficiency, and curves.

They run where `[checks] level` is "full"; elsewhere a document says "not performed". Members of the population, noises
and orders are the same for every row, so that a decision's result does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrp_audit.checks.agreement import Agreement, agreement
from lrp_audit.checks.curves import Curves, curves
from lrp_audit.checks.evidence import Families, Subjects
from lrp_audit.checks.putback import PutBack, hybrids, put_back
from lrp_audit.checks.stability import Stability, numeric, stability
from lrp_audit.explaining.explainer import Explainer
from lrp_audit.explaining.methods.choice import Attribute
from lrp_audit.explaining.methods.integrated_gradients import integrated_gradients
from lrp_audit.explaining.reference import Reference
from lrp_audit.settings.config import AuditConfig

GRADIENT_STEPS = 4  # Gauss-Legendre points from each member to the applicant
NOISES = 8
CURVE_MEMBERS = 3
CURVE_ORDERS = 3  # random ones, each with its opposite

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FullEvidence:
    """What the checks found for N rows; None where one cannot be run on this model or reference.

    Attributes:
        gradients: agreement with integrated gradients over the same target and reference.
        completeness: the largest part of the difference that integrated gradients missed, per row; (N,).
        sufficiency: how far the margin falls with all but the stated families put back, or with as many random ones.
    """

    gradients: Agreement | None
    completeness: FloatArray
    sufficiency: PutBack | None
    stability: Stability | None
    deletion: Curves | None
    insertion: Curves | None


NOTHING = FullEvidence(None, np.zeros(0), None, None, None, None)


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
    model, seed = explainer.model, config.checks.seed
    if not len(reference):
        return NOTHING

    def explained(rows: Mapping[str, Tensor]) -> FloatArray:
        return families.sums(attribute(rows, reference).relevance)

    def margins(back: npt.NDArray[np.bool_]) -> FloatArray:
        members = range(min(CURVE_MEMBERS, len(reference)))
        return hybrids(explainer, inputs, reference, members, back[:, :, families.of_column])

    named = frozenset(name for name, column in config.columns.items() if column.values)
    moves = numeric(model.columns, named | model.encoding.listed, reference.frame)
    deletion, insertion = curves(margins, relevance, draws=CURVE_ORDERS, seed=seed)
    found = replace(
        NOTHING,
        sufficiency=put_back(
            explainer,
            inputs,
            reference,
            families.of_column,
            ~subjects.stated,
            draws=config.checks.random_families,
            seed=seed,
        ),
        stability=stability(
            lambda frame: model.encode(frame).inputs,
            explained,
            subjects.encoded.table,
            relevance,
            subjects.stated,
            moves,
            draws=NOISES,
            seed=seed,
        ),
        deletion=deletion,
        insertion=insertion,
    )
    if config.explanation.method == "integrated-gradients" or not all(map(torch.is_floating_point, inputs.values())):
        return found  # not against itself, nor along a line between codes
    other = integrated_gradients(explainer, inputs, reference, steps=GRADIENT_STEPS)
    return replace(
        found,
        gradients=agreement(relevance, families.sums(other.relevance), subjects.stated),
        completeness=np.abs(other.sinks["quadrature"]) / (np.abs(other.explained) + np.abs(other.relevance).sum(1)),
    )
