"""Differences between groups of people: in outcome, in score, and in the relevance that carries them.

Descriptive, never a verdict (G-03): a difference is stated with its interval, and what it means is for people to say.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats
from scipy.stats.contingency import relative_risk

from lrp_audit.aggregate.membership import Membership
from lrp_audit.aggregate.resampling import LEVEL, RESAMPLES, Generator, interval, resampled_means
from lrp_audit.aggregate.table import ExplainedTable, FloatArray
from lrp_audit.errors import DataError

Correction = Literal["benjamini-hochberg", "benjamini-yekutieli", "holm"]


@dataclass(frozen=True)
class GroupOutcome:
    """One group against the reference group."""

    group: str
    decisions: int | None  # None: fewer than 50, and nothing else is said
    approval_rate: float
    approval_ratio: float  # adverse impact ratio: this group's approval rate over the reference group's
    ratio_lower: float
    ratio_upper: float
    mean_score: float  # margin of the adverse outcome
    standardised_difference: float  # of mean scores, in pooled standard deviations


@dataclass(frozen=True)
class RelevanceDifference:
    """Mean relevance of a column in a group less that in the reference group; `+` counts against the group more."""

    group: str
    column: str
    difference: float
    lower: float
    upper: float
    share: float  # of the difference between the groups' whole mean relevance
    p: float  # Welch's test
    adjusted_p: float  # over all groups and columns of this comparison


@dataclass(frozen=True)
class GroupComparison:
    name: str
    reference: str
    correction: Correction
    unknown: int  # decisions without a group
    outcomes: tuple[GroupOutcome, ...]
    differences: tuple[RelevanceDifference, ...]

    def table(self) -> pd.DataFrame:
        """A row per group and column, by falling absolute difference within a group."""
        return pd.DataFrame([asdict(item) for item in self.differences])

    def outcome_table(self) -> pd.DataFrame:
        """A row per group; a suppressed group has its name only."""
        return pd.DataFrame([asdict(item) for item in self.outcomes]).astype({"decisions": "Int64"})


def compare(  # what an analyst sets
    table: ExplainedTable,
    groups: Membership,
    *,
    reference: str | None = None,
    correction: Correction = "benjamini-hochberg",
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> GroupComparison:
    """Every group of 50 decisions or more against the reference group.

    Relevance adds up to the explained margin, so the differences of a group add up to its gap. Ratios of rates have
    Katz's interval (Katz et al. 1978), differences a percentile bootstrap interval.

    Args:
        table: the decisions.
        groups: their groups, of the same ids.
        reference: the group to compare with; the largest if None.
        correction: false discovery rate (Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001, for any
            dependence) or family-wise error (Holm 1979).
        resamples: of the bootstrap.
        level: of the intervals.
        seed: of the bootstrap.

    Raises:
        DataError: the reference is not a group of 50 or more, or ids differ.
    """
    if not groups.labels.index.equals(table.relevance.index.astype(str)):
        raise DataError("Groups and decisions have different ids; join the groups with `membership`.")
    chosen = groups.groups[0] if reference is None else reference
    if chosen not in groups.groups:
        raise DataError(f"{chosen!r} is not a group of 50 decisions or more; choose from {', '.join(groups.groups)}.")
    labels = groups.labels.to_numpy(dtype=object)
    parts = {group: table.only(labels == group) for group in groups.groups}
    generator = np.random.default_rng(seed)
    others = [group for group in groups.groups if group != chosen]
    found = [
        item
        for group in others
        for item in _differences(group, parts[group], parts[chosen], resamples, level, generator)
    ]
    adjusted = adjust(np.array([item.p for item in found]), correction)
    differences = tuple(
        replace(item, adjusted_p=float(p))
        for item, p in sorted(zip(found, adjusted, strict=True), key=lambda pair: _order(pair[0], others))
    )
    outcomes = [_outcome(group, parts[group], parts[chosen], level) for group in (chosen, *others)]
    hidden = [GroupOutcome(group, None, *[math.nan] * 6) for group in groups.suppressed]
    return GroupComparison(groups.name, chosen, correction, groups.unknown, (*outcomes, *hidden), differences)


def adjust(p: FloatArray, correction: Correction) -> FloatArray:
    """p-values corrected for being many; NaN, where nothing varied, stays NaN."""
    adjusted = np.full(p.shape, math.nan)
    tested = ~np.isnan(p)
    known = p[tested]
    if correction == "holm":
        order = np.argsort(known)
        steps = np.maximum.accumulate(known[order] * np.arange(len(known), 0, -1))
        corrected = np.empty_like(known)
        corrected[order] = np.minimum(steps, 1)
        adjusted[tested] = corrected
    elif len(known):
        method = "bh" if correction == "benjamini-hochberg" else "by"
        adjusted[tested] = stats.false_discovery_control(known, method=method)
    return adjusted


def _order(item: RelevanceDifference, groups: list[str]) -> tuple[int, float, str]:
    return groups.index(item.group), -abs(item.difference), item.column


def _differences(
    group: str, part: ExplainedTable, other: ExplainedTable, resamples: int, level: float, generator: Generator
) -> list[RelevanceDifference]:
    difference = part.array.mean(0) - other.array.mean(0)
    draws = resampled_means(part.array, resamples, generator) - resampled_means(other.array, resamples, generator)
    lower, upper = interval(draws, level)
    gap = float(difference.sum())
    share = difference / gap if gap else np.full_like(difference, math.nan)
    p = welch(part.array, other.array)
    return [
        RelevanceDifference(
            group, name, float(difference[j]), float(lower[j]), float(upper[j]), float(share[j]), float(p[j]), math.nan
        )
        for j, name in enumerate(part.columns)
    ]


def welch(first: FloatArray, second: FloatArray) -> FloatArray:
    """(C,) p-values of Welch's test, NaN for columns that are constant in both."""
    varied = (np.ptp(first, axis=0) > 0) | (np.ptp(second, axis=0) > 0)
    p = np.full(first.shape[1], math.nan)
    if varied.any():
        p[varied] = stats.ttest_ind(first[:, varied], second[:, varied], equal_var=False).pvalue
    return p


def _outcome(group: str, part: ExplainedTable, other: ExplainedTable, level: float) -> GroupOutcome:
    approved, approved_other = (int((~item.adverse).sum()) for item in (part, other))
    ratio = lower = upper = math.nan
    if approved_other:
        result = relative_risk(approved, len(part), approved_other, len(other))
        ends = result.confidence_interval(level)
        ratio, lower, upper = float(result.relative_risk), float(ends.low), float(ends.high)
    mean = float(part.score.mean())
    pooled = math.sqrt((float(part.score.var()) + float(other.score.var())) / 2)
    standardised = (mean - float(other.score.mean())) / pooled if pooled else math.nan
    return GroupOutcome(group, len(part), approved / len(part), ratio, lower, upper, mean, standardised)
