"""Faithfulness of the stated reasons: put them back to the reference and see how far the adverse margin falls.

Reasons that carry the decision lower the margin more than as many families drawn at random do; reasons that do not are
no reasons (refusal UNFAITHFUL_EXPLANATION). The measure is comprehensiveness (DeYoung et al. 2020) with the reference
population in place of a mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrp_audit.explaining.explainer import Explainer
from lrp_audit.explaining.reference import Reference

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class PutBack:
    """How far the adverse margin falls, each (N,): with the stated families put back, and with as many random ones."""

    stated: FloatArray
    random: FloatArray


def put_back(
    explainer: Explainer,
    inputs: Mapping[str, Tensor],
    reference: Reference,
    family_of: IntArray,
    stated: BoolArray,
    *,
    draws: int,
    seed: int,
) -> PutBack:
    """Mean fall of the margin over the reference's members.

    Args:
        explainer: the model that is asked.
        inputs: encoded rows, N of them.
        reference: the population, K members.
        family_of: the family of every column, as an index; (C,).
        stated: which families are stated, per row; (N, F).
        draws: random sets of families, the same order of families for every row, so that a row's result does not
            depend on its neighbours; each draw is put back to one member.
        seed: of the draws.
    """
    members = len(reference)
    margin = explainer.margin(inputs)
    falls = [margin - hybrid(explainer, inputs, reference, k, stated[:, family_of]) for k in range(members)]
    generator = np.random.default_rng(seed)
    counts = stated.sum(1, keepdims=True)
    random_falls = []
    for draw in range(draws):
        chosen = generator.permutation(stated.shape[1])[None, :] < counts
        random_falls.append(margin - hybrid(explainer, inputs, reference, draw % members, chosen[:, family_of]))
    return PutBack(np.mean(falls, axis=0), np.mean(random_falls, axis=0))


def hybrid(
    explainer: Explainer, inputs: Mapping[str, Tensor], reference: Reference, member: int, columns: BoolArray
) -> FloatArray:
    """The margin of rows whose marked columns hold one reference member's values."""
    mixed = {
        name: torch.where(
            torch.from_numpy(columns[:, explainer.model.owners[name]]).reshape(value.shape),
            reference.members[name][member],
            value,
        )
        for name, value in inputs.items()
    }
    return explainer.margin(mixed)
