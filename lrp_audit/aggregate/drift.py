"""Drift between two periods, or two versions of a model: what decisions rest on, and how it changed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from lrp_audit.aggregate.gather import Gathered
from lrp_audit.aggregate.groups import adjust, known
from lrp_audit.aggregate.resampling import LEVEL, RESAMPLES, interval, resampled_means
from lrp_audit.aggregate.table import ExplainedTable, FloatArray
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import SMALLEST_GROUP, ColumnDrift, Drift, Turn

SELDOM = 0.01  # share of denials below which a reason is not in use
_SIGNIFICANT = 0.05
_HALF = 0.5  # added to every bin's count, so that an empty bin has a logarithm


def drift(
    before: Gathered, after: Gathered, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Drift:
    """What changed from one set of decisions to the other, column by column.

    Shares and reasons are counted over all decisions; intervals and stability indices are those of the samples. Sets
    with the very same ids are two models' views of the same decisions, and are resampled together. Ids are compared
    in the samples, so that of very large sets a small overlap goes unnoticed.

    Args:
        before: decisions of the first period or model.
        after: those of the second.
        resamples: of the bootstrap.
        level: of the intervals.
        seed: of the bootstrap.

    Raises:
        DataError: fewer than 50 decisions on a side, no column in common, no relevance, or some ids on both sides.
    """
    paired = _check(before, after)
    common = [name for name in before.columns if name in set(after.columns)]
    shares, draws = _shares(before, after, common, resamples, seed, paired=paired)
    change = shares[1] - shares[0]
    lower, upper = interval(draws, level)
    spread = draws.std(0)
    score = np.divide(change, spread, out=np.full_like(change, math.nan), where=spread > 1e-12)
    p = adjust(2 * stats.norm.sf(np.abs(score)), "benjamini-hochberg")
    rates, reason_p = _reasons(before, after, common)
    rows = [
        ColumnDrift(
            column=name,
            share_before=float(shares[0][j]),
            share_after=float(shares[1][j]),
            change=float(change[j]),
            lower=float(lower[j]),
            upper=float(upper[j]),
            adjusted_p=known(p[j]),
            reason_before=known(rates[0][j]),
            reason_after=known(rates[1][j]),
            reason_adjusted_p=known(reason_p[j]),
            turn=_turn(rates[0][j], rates[1][j], reason_p[j]),
            stability=population_stability(before.sample.relevance[name], after.sample.relevance[name]),
            value_stability=_value_stability(before.sample, after.sample, name),
        )
        for j, name in enumerate(common)
    ]
    return Drift(
        before=before.decisions,
        after=after.decisions,
        sampled=max(len(before.sample), len(after.sample)),
        paired=paired,
        score_stability=population_stability(before.sample.score, after.sample.score),
        only_before=tuple(sorted({*before.columns} - {*common})),
        only_after=tuple(sorted({*after.columns} - {*common})),
        columns=tuple(sorted(rows, key=lambda item: (-abs(item.change), item.column))),
    )


def population_stability(before: pd.Series, after: pd.Series, bins: int = 10) -> float:
    """Population stability index: Σ (q - p) ln(q / p) over the `before` quantiles, or over categories.

    It is Jeffreys' divergence (1946) of binned shares; half a decision is added to every bin.
    """
    both = pd.concat([before, after])
    numbers = pd.to_numeric(both, errors="coerce")
    if bool((numbers.isna() == both.isna()).all()) and numbers.nunique() > bins:
        edges = np.unique(numbers.iloc[: len(before)].dropna().quantile([k / bins for k in range(1, bins)]))
        codes = np.searchsorted(edges, numbers.to_numpy(dtype=np.float64), side="right")
        codes = np.where(both.isna(), len(edges) + 1, codes)
    else:
        codes = pd.factorize(both)[0] + 1  # 0: missing
    size = int(codes.max()) + 1
    counts = [np.bincount(part, minlength=size) + _HALF for part in (codes[: len(before)], codes[len(before) :])]
    seen = counts[0] + counts[1] > 2 * _HALF
    p, q = (count[seen] / count[seen].sum() for count in counts)
    return float(((q - p) * np.log(q / p)).sum())


def _check(before: Gathered, after: Gathered) -> bool:
    """Whether the sides hold the same decisions."""
    for side, item in (("first", before), ("second", after)):
        if item.decisions < SMALLEST_GROUP:
            raise DataError(
                f"The {side} side has {item.decisions} decisions, and drift needs {SMALLEST_GROUP} or more."
            )
        if not item.spreads["all"].moments.strength.any():
            raise DataError(f"The {side} side has no relevance at all, so that it has no shares to compare.")
    if not {*before.columns} & {*after.columns}:
        raise DataError("The two sides have no column in common.")
    shared = len(before.sample.ids.intersection(after.sample.ids))
    if 0 < shared < max(len(before.sample), len(after.sample)) or (shared and before.decisions != after.decisions):
        raise DataError(f"{shared} decisions are on both sides, but not all; compare other decisions, or all the same.")
    return shared > 0


def _shares(
    before: Gathered, after: Gathered, common: list[str], resamples: int, seed: int, *, paired: bool
) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
    """Shares of absolute relevance on either side, and (resamples, C) draws of their change."""
    sides = (before, after)
    absolute = [np.abs(side.sample.array) for side in sides]
    places = [[side.columns.index(name) for name in common] for side in sides]
    generator = np.random.default_rng(seed)
    if paired:  # samples of the same ids are in the same order
        joint = resampled_means(np.hstack(absolute), resamples, generator)
        means = [joint[:, : len(before.columns)], joint[:, len(before.columns) :]]
    else:
        means = [resampled_means(rows, resamples, generator) for rows in absolute]
    shares, drawn = [], []
    for side, rows, mean, place in zip(sides, absolute, means, places, strict=True):
        strength = side.spreads["all"].moments.strength
        shares.append(_share(strength[None])[0, place])
        scaled = strength + (mean - rows.mean(0)) * math.sqrt(len(rows) / side.decisions)
        drawn.append(_share(scaled)[:, place])
    return (shares[0], shares[1]), drawn[1] - drawn[0]


def _share(means: FloatArray) -> FloatArray:
    return np.asarray(means / np.maximum(means.sum(-1, keepdims=True), np.finfo(np.float64).tiny), dtype=np.float64)


def _reasons(before: Gathered, after: Gathered, common: list[str]) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
    """How often a column is among the strongest reasons of a denial on either side, and whether that changed."""
    sides = (before, after)
    counts = [side.reasons[[side.columns.index(name) for name in common]] for side in sides]
    denials = [side.adverse for side in sides]
    rates = [
        count / denied if denied else np.full(len(common), math.nan)
        for count, denied in zip(counts, denials, strict=True)
    ]
    if 0 in denials:
        return (rates[0], rates[1]), np.full(len(common), math.nan)
    p = [
        float(stats.fisher_exact([[a, denials[0] - a], [b, denials[1] - b]]).pvalue)
        for a, b in zip(*counts, strict=True)
    ]
    return (rates[0], rates[1]), adjust(np.array(p), "benjamini-hochberg")


def _turn(before: float, after: float, p: float) -> Turn:
    if not p < _SIGNIFICANT or (before < SELDOM) == (after < SELDOM):
        return ""
    return "appears" if before < SELDOM else "vanishes"


def _value_stability(before: ExplainedTable, after: ExplainedTable, name: str) -> float | None:
    if before.values is None or after.values is None or name not in before.values or name not in after.values:
        return None
    return population_stability(before.values[name], after.values[name])
