"""Proxy screen: how well each input, and each input's relevance, tells a group that is not an input.

A column is cut into bins, and the share of the group in each bin of the other folds scores the decisions of this one:
a histogram classifier, which finds any dependence on one column, and whose null over hundreds of permuted groups costs
one sparse product.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.model_selection import KFold

from lrp_audit.aggregate.membership import Grouping, Groups
from lrp_audit.aggregate.table import ExplainedTable, FloatArray, IntArray
from lrp_audit.records.aggregates import Proxy, ProxyScreen

FOLDS = 5
BINS = 10  # of numbers, by quantiles
MOST_CATEGORIES = 20


def screen(
    sample: ExplainedTable, grouping: Grouping, groups: Groups, *, permutations: int = 199, seed: int = 0
) -> ProxyScreen:
    """Cross-validated AUC of every column for every group, against permuted groups.

    `familywise_p` is that of the largest standardised AUC of a permutation (Westfall and Young 1993): if no column
    tells any group, the chance that any is below 0.05 is at most 0.05.

    Args:
        sample: of the decisions; their values are screened too where it has them.
        grouping: the groups that people belong to.
        groups: those to screen for; decisions of others, or of none, are left out.
        permutations: of the groups.
        seed: of folds and permutations.
    """
    labels = grouping.of(sample)
    known = np.isin(labels.astype(str), groups.shown)
    part, labels = sample.only(known), labels[known]
    columns = _columns(part)
    generator = np.random.default_rng(seed)
    folds = _folds(len(part), seed)
    orders = np.stack([np.arange(len(part)), *(generator.permutation(len(part)) for _ in range(permutations))])
    screened = groups.shown[1:] if len(groups.shown) == 2 else groups.shown  # of two, either tells the other
    keys = [(name, read, group) for group in screened for name, read, _ in columns]
    aucs = np.stack(
        [out_of_fold_auc(codes, folds, (labels == group)[orders]) for group in screened for _, _, codes in columns]
    )
    observed, null = aucs[:, 0], aucs[:, 1:]
    mean, spread = null.mean(1), np.maximum(null.std(1), 1e-12)
    largest = ((null - mean[:, None]) / spread[:, None]).max(0)
    standard = (observed - mean) / spread
    alone = (1 + (null >= observed[:, None]).sum(1)) / (1 + permutations)
    familywise = (1 + (largest >= standard[:, None]).sum(1)) / (1 + permutations)
    rows = zip(keys, *map(np.ndarray.tolist, (observed, mean, alone, familywise)), strict=True)
    found = [
        Proxy(column=column, read=read, group=group, auc=auc, null_mean=null_mean, p=p, familywise_p=corrected)
        for (column, read, group), auc, null_mean, p, corrected in rows
    ]
    order = sorted(found, key=lambda item: (-item.auc, item.column, item.read, item.group))
    return ProxyScreen(name=grouping.name, permutations=permutations, decisions=len(part), proxies=tuple(order))


def out_of_fold_auc(codes: IntArray, folds: IntArray, member: npt.NDArray[np.bool_]) -> FloatArray:
    """(P,): mean over folds of the AUC of every row of `member`, scored by the other folds' share in the same bin.

    Args:
        codes: (N,), bin of every decision, from 0.
        folds: (N,), from 0.
        member: (P, N), who belongs to the group.
    """
    bins, count = int(codes.max()) + 1, int(folds.max()) + 1
    cells = folds * bins + codes
    rows = sparse.csr_array((np.ones(len(cells)), (cells, np.arange(len(cells)))), shape=(count * bins, len(cells)))
    inside = (rows @ member.T.astype(np.float64)).T.reshape(-1, count, bins)
    outside = np.bincount(cells, minlength=count * bins).reshape(count, bins) - inside
    trained_in = inside.sum(1, keepdims=True) - inside
    trained = trained_in + outside.sum(1, keepdims=True) - outside
    score = np.divide(trained_in, trained, out=np.full_like(trained, 0.5), where=trained > 0)
    return np.asarray(_auc(score, inside, outside).mean(1), dtype=np.float64)


def _auc(score: FloatArray, inside: FloatArray, outside: FloatArray) -> FloatArray:
    """Area under the curve from counts by bin, along the last axis: P(score inside > outside) + half of ties."""
    above = score[..., :, None] > score[..., None, :]
    tied = score[..., :, None] == score[..., None, :]
    won = np.einsum("...i,...ij,...j->...", inside, above + 0.5 * tied, outside)
    pairs = inside.sum(-1) * outside.sum(-1)
    return np.asarray(np.divide(won, pairs, out=np.full_like(won, 0.5), where=pairs > 0), dtype=np.float64)


def _folds(size: int, seed: int) -> IntArray:
    """(N,): not stratified, so that permuted groups are drawn as the real ones are."""
    folds = np.empty(size, dtype=np.int64)
    for number, (_, held) in enumerate(KFold(FOLDS, shuffle=True, random_state=seed).split(np.empty(size))):
        folds[held] = number
    return folds


def _columns(part: ExplainedTable) -> list[tuple[str, Literal["value", "relevance"], IntArray]]:
    found: list[tuple[str, Literal["value", "relevance"], IntArray]] = []
    for name in part.columns:
        found.append((name, "relevance", binned(part.relevance[name])))
        if part.values is not None and name in part.values:
            found.append((name, "value", binned(part.values[name])))
    return found


def binned(values: pd.Series) -> IntArray:
    """(N,): quantile bins of numbers, codes of the most frequent categories; what is missing has a bin of its own."""
    numbers = pd.to_numeric(values, errors="coerce")
    if bool((numbers.isna() == values.isna()).all()) and numbers.nunique() > BINS:
        edges = np.unique(numbers.dropna().quantile([rank / BINS for rank in range(1, BINS)]))
        codes = np.searchsorted(edges, numbers.to_numpy(dtype=np.float64), side="right") + 1
        return np.where(values.isna(), 0, codes).astype(np.int64)
    kept = values.value_counts().index[:MOST_CATEGORIES]
    found = values.map({value: code for code, value in enumerate(kept, 1)})
    return np.asarray(found.astype("float64").fillna(len(kept) + 1).where(values.notna(), 0), dtype=np.int64)
