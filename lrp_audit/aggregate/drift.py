"""Drift between two periods, or two versions of a model: what decisions rest on, and how it changed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from lrp_audit.aggregate.groups import adjust
from lrp_audit.aggregate.resampling import LEVEL, RESAMPLES, interval, resampled_means
from lrp_audit.aggregate.table import SMALLEST_GROUP, ExplainedTable, FloatArray, IntArray
from lrp_audit.errors import DataError

SELDOM = 0.01  # share of denials below which a reason is not in use
_SIGNIFICANT = 0.05
_HALF = 0.5  # added to every bin's count, so that an empty bin has a logarithm

Turn = Literal["appears", "vanishes", ""]


@dataclass(frozen=True)
class ColumnDrift:
    column: str
    share_before: float  # of all absolute relevance
    share_after: float
    change: float
    lower: float
    upper: float
    adjusted_p: float  # Benjamini-Hochberg over columns
    reason_before: float  # share of denials with the column among the strongest reasons
    reason_after: float
    reason_adjusted_p: float  # Fisher's exact test, Benjamini-Hochberg over columns
    turn: Turn
    stability: float  # population stability index of the column's relevance
    value_stability: float  # of its values; NaN where there are none


@dataclass(frozen=True)
class Drift:
    before: int  # decisions
    after: int
    paired: bool  # the same decisions, by two models
    score_stability: float  # population stability index of the score
    only_before: tuple[str, ...]  # columns of one side
    only_after: tuple[str, ...]
    columns: tuple[ColumnDrift, ...]  # by falling absolute change

    def table(self) -> pd.DataFrame:
        """A row per column that both sides have."""
        return pd.DataFrame([asdict(item) for item in self.columns])


def drift(  # what an analyst sets
    before: ExplainedTable,
    after: ExplainedTable,
    *,
    principal: int = 4,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Drift:
    """What changed from one table to the other, column by column.

    Tables with the very same ids are two models' views of the same decisions, and are resampled together.

    Args:
        before: decisions of the first period or model.
        after: those of the second.
        principal: reasons of a denial.
        resamples: of the bootstrap.
        level: of the intervals.
        seed: of the bootstrap.

    Raises:
        DataError: fewer than 50 decisions on a side, no column in common, no relevance, or some ids on both sides.
    """
    paired = _check(before, after)
    common = [name for name in before.columns if name in set(after.columns)]
    aligned = _reordered(after, before) if paired else after
    shares, change, draws = _shares(before, aligned, common, resamples, seed, paired=paired)
    lower, upper = interval(draws, level)
    spread = draws.std(0)
    score = np.divide(change, spread, out=np.full_like(change, math.nan), where=spread > 1e-12)
    p = adjust(2 * stats.norm.sf(np.abs(score)), "benjamini-hochberg")
    rates, reason_p = _reasons(before, after, common, principal)
    rows = [
        ColumnDrift(
            column=name,
            share_before=float(shares[0][j]),
            share_after=float(shares[1][j]),
            change=float(change[j]),
            lower=float(lower[j]),
            upper=float(upper[j]),
            adjusted_p=float(p[j]),
            reason_before=float(rates[0][j]),
            reason_after=float(rates[1][j]),
            reason_adjusted_p=float(reason_p[j]),
            turn=_turn(rates[0][j], rates[1][j], reason_p[j]),
            stability=population_stability(before.relevance[name], after.relevance[name]),
            value_stability=_value_stability(before, after, name),
        )
        for j, name in enumerate(common)
    ]
    return Drift(
        before=len(before),
        after=len(after),
        paired=paired,
        score_stability=population_stability(before.score, after.score),
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


def _check(before: ExplainedTable, after: ExplainedTable) -> bool:
    """Whether the sides hold the same decisions."""
    for side, table in (("first", before), ("second", after)):
        if len(table) < SMALLEST_GROUP:
            raise DataError(f"The {side} side has {len(table)} decisions, and drift needs {SMALLEST_GROUP} or more.")
        if not table.array.any():
            raise DataError(f"The {side} side has no relevance at all, so that it has no shares to compare.")
    if not {*before.columns} & {*after.columns}:
        raise DataError("The two sides have no column in common.")
    shared = len(before.relevance.index.intersection(after.relevance.index))
    if 0 < shared < max(len(before), len(after)):
        raise DataError(f"{shared} decisions are on both sides, but not all; compare other decisions, or all the same.")
    return shared > 0


def _reordered(table: ExplainedTable, like: ExplainedTable) -> ExplainedTable:
    ids = like.relevance.index
    return ExplainedTable(table.relevance.loc[ids], table.adverse.loc[ids], table.score.loc[ids])


def _shares(
    before: ExplainedTable, after: ExplainedTable, common: list[str], resamples: int, seed: int, *, paired: bool
) -> tuple[tuple[FloatArray, FloatArray], FloatArray, FloatArray]:
    """Shares of absolute relevance on either side, their change, and (resamples, C) draws of the change."""
    absolute = [np.abs(side.array) for side in (before, after)]
    places = [[side.columns.index(name) for name in common] for side in (before, after)]
    generator = np.random.default_rng(seed)
    if paired:
        joint = resampled_means(np.hstack(absolute), resamples, generator)
        means = [joint[:, : len(before.columns)], joint[:, len(before.columns) :]]
    else:
        means = [resampled_means(rows, resamples, generator) for rows in absolute]
    drawn = [_share(mean)[:, place] for mean, place in zip(means, places, strict=True)]
    first, second = (_share(rows.mean(0)[None])[0, place] for rows, place in zip(absolute, places, strict=True))
    return (first, second), second - first, drawn[1] - drawn[0]


def _share(means: FloatArray) -> FloatArray:
    return np.asarray(means / np.maximum(means.sum(-1, keepdims=True), np.finfo(np.float64).tiny), dtype=np.float64)


def _reasons(
    before: ExplainedTable, after: ExplainedTable, common: list[str], principal: int
) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
    """How often a column is among the strongest reasons of a denial on either side, and whether that changed."""
    (first, first_rate), (second, second_rate) = (_counted(side, common, principal) for side in (before, after))
    denials = int(before.adverse.sum()), int(after.adverse.sum())
    if 0 in denials:
        return (first_rate, second_rate), np.full(len(common), math.nan)
    p = [
        float(stats.fisher_exact([[a, denials[0] - a], [b, denials[1] - b]]).pvalue)
        for a, b in zip(first, second, strict=True)
    ]
    return (first_rate, second_rate), adjust(np.array(p), "benjamini-hochberg")


def _counted(table: ExplainedTable, common: list[str], principal: int) -> tuple[IntArray, FloatArray]:
    """In how many denials, and in what share, a column is a principal reason; NaN shares where nothing was denied."""
    chosen = _principal(table, principal)[common].to_numpy(dtype=np.int64)
    share = chosen.mean(0) if len(chosen) else np.full(len(common), math.nan)
    return chosen.sum(0), share


def _principal(table: ExplainedTable, most: int) -> pd.DataFrame:
    """(denials, C): whether a column is among the `most` that counted against most."""
    denied = table.relevance[table.adverse.to_numpy()]
    ranks = np.argsort(np.argsort(-denied.to_numpy(dtype=np.float64), axis=1, kind="stable"), axis=1)
    chosen: npt.NDArray[np.bool_] = (ranks < most) & (denied.to_numpy(dtype=np.float64) > 0)
    return pd.DataFrame(chosen, columns=denied.columns, index=denied.index)


def _turn(before: float, after: float, p: float) -> Turn:
    if not p < _SIGNIFICANT or (before < SELDOM) == (after < SELDOM):
        return ""
    return "appears" if before < SELDOM else "vanishes"


def _value_stability(before: ExplainedTable, after: ExplainedTable, name: str) -> float:
    if before.values is None or after.values is None or name not in before.values or name not in after.values:
        return math.nan
    return population_stability(before.values[name], after.values[name])
