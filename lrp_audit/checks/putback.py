"""Faithfulness of the stated reasons: put them back to the reference and see how far the adverse margin falls.

Reasons that carry the decision lower the margin more than as many families drawn at random do; reasons that do not are
no reasons (refusal UNFAITHFUL_EXPLANATION). The measure is comprehensiveness (DeYoung et al. 2020) with the reference
population in place of a mask; with everything but the stated families put back it is their sufficiency.
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

MEMBERS = 16  # that stated reasons are put back to; on real denials the mean fall is within 5 % of that over 64
ROWS_AT_ONCE = 2048  # more do not stay in a processor's cache


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
    """Mean fall of the margin over members of the reference, evenly chosen.

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
    members, families = len(reference), stated.shape[1]
    margin = explainer.margin(inputs)
    some = range(0, members, max(1, members // MEMBERS))
    fallen = margin - hybrids(explainer, inputs, reference, some, stated[None, :, family_of])[0]
    generator = np.random.default_rng(seed)
    counts, most = stated.sum(1), int(stated.sum(1).max(initial=0))
    random_falls = []
    for draw in range(draws):
        chosen = generator.permutation(families)[family_of] < np.arange(most + 1)[:, None]  # of every count
        k = draw % members
        random_falls.append(margin - hybrids(explainer, inputs, reference, range(k, k + 1), chosen[None, counts])[0])
    return PutBack(fallen, np.mean(random_falls, axis=0))


def hybrids(
    explainer: Explainer, inputs: Mapping[str, Tensor], reference: Reference, members: range, columns: BoolArray
) -> FloatArray:
    """Mean margin over some members of the reference, whose values the marked columns of the rows hold.

    Args:
        explainer: the model that is asked.
        inputs: encoded rows, N of them.
        reference: the population.
        members: which of its members.
        columns: those put back in every state and row; (S, N, C).

    Returns:
        (S, N).
    """
    states, rows = columns.shape[:2]
    total = np.zeros((states, rows))
    step = max(1, ROWS_AT_ONCE // rows)
    for start in range(0, states, step):
        marked = columns[start : start + step]
        masks = {
            name: torch.from_numpy(marked.take(explainer.model.owners[name], -1)).reshape(-1, *value.shape)
            for name, value in inputs.items()
        }
        for member in members:
            mixed = {
                name: torch.where(masks[name], reference.members[name][member], value).flatten(0, 1)
                for name, value in inputs.items()
            }
            total[start : start + step] += explainer.margin(mixed).reshape(-1, rows)
    return total / len(members)
