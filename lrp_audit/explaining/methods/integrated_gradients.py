"""Integrated gradients over a reference population (Sundararajan et al. 2017; expected gradients, Erion et al. 2021).

For every member r, `(x - r)` times the gradient of the margin averaged over the straight line from r to x, by
Gauss-Legendre quadrature; then the mean over members. What quadrature misses of `f(x) - mean f(r)` is
booked as a sink of that name.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lrp_audit.errors import ReferenceDataError
from lrp_audit.explaining.explainer import ColumnRelevance, Explainer
from lrp_audit.explaining.reference import Reference

STEPS = 16


def integrated_gradients(
    explainer: Explainer, inputs: Mapping[str, Tensor], reference: Reference, *, steps: int = STEPS
) -> ColumnRelevance:
    """Relevance of N encoded rows; costs `members x steps` gradients of all rows.

    Raises:
        ReferenceDataError: an input holds integer codes, along which there is no line, or the reference is zero.
    """
    require_members(reference, "Integrated gradients")
    for name, value in inputs.items():
        if not value.is_floating_point():
            raise ReferenceDataError(
                f"Integrated gradients need numbers, and input {name!r} holds integer codes; use LRP or Shapley values."
            )
    margin = explainer.margin_over(inputs)
    points, weights = np.polynomial.legendre.leggauss(steps)
    total = {name: torch.zeros_like(value) for name, value in inputs.items()}
    for k in range(len(reference)):
        member = {name: value[k] for name, value in reference.members.items()}
        for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
            state = {name: (member[name] + point * (x - member[name])).requires_grad_() for name, x in inputs.items()}
            slopes = torch.autograd.grad(margin(state).sum(), list(state.values()))
            for (name, x), slope in zip(inputs.items(), slopes, strict=True):
                total[name] += weight * slope * (x - member[name]) / len(reference)
    explained, own = explainer.difference(inputs, reference.members)
    relevance = explainer.model.to_columns(total)
    return ColumnRelevance(relevance, explained, own - explained, {"quadrature": explained - relevance.sum(1)})


def require_members(reference: Reference, what: str) -> None:
    """Raise ReferenceDataError where there is nobody to compare with."""
    if not len(reference):
        raise ReferenceDataError(f"{what} need a reference population; set reference.population to 'near_cutoff'.")
