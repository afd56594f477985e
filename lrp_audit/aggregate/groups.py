"""Differences between groups of people: in outcome, in score, and in the relevance that carries them.

Descriptive, never a verdict (G-03): a difference is stated with its interval, and what it means is for people to say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import stats
from scipy.stats.contingency import relative_risk

from lrp_audit.aggregate.gather import Gathered, GroupSums
from lrp_audit.aggregate.membership import Grouping, Groups, groups_of
from lrp_audit.aggregate.resampling import LEVEL, RESAMPLES, interval, scaled_means
from lrp_audit.aggregate.stream import Moments
from lrp_audit.aggregate.table import FloatArray
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import Correction, GroupComparison, GroupOutcome, RelevanceDifference


def usable(found: Gathered, name: str) -> Groups:
    """The groups of a grouping that was gathered. Raises DataError as `groups_of` does."""
    return groups_of(name, {label: item.decisions for label, item in found.groups[name].items()}, [*found.columns])


def compare(  # what an analyst sets
    found: Gathered,
    grouping: Grouping,
    *,
    reference: str | None = None,
    correction: Correction = "benjamini-hochberg",
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> GroupComparison:
    """Every group of 50 decisions or more against the reference group.

    Relevance adds up to the explained margin, so the differences of a group add up to its gap. Ratios of rates have
    Katz's interval (Katz et al. 1978), differences a percentile bootstrap interval, drawn from the sample.

    Args:
        found: the decisions, gathered by this grouping.
        grouping: the groups that people belong to.
        reference: the group to compare with; the largest if None.
        correction: false discovery rate (Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001, for any
            dependence) or family-wise error (Holm 1979).
        resamples: of the bootstrap.
        level: of the intervals.
        seed: of the bootstrap.

    Raises:
        DataError: the grouping cannot be used, or the reference is not a group of 50 or more.
    """
    groups = usable(found, grouping.name)
    chosen = groups.shown[0] if reference is None else reference
    if chosen not in groups.shown:
        raise DataError(f"{chosen!r} is not a group of 50 decisions or more; choose from {', '.join(groups.shown)}.")
    sums = found.groups[grouping.name]
    others = [group for group in groups.shown if group != chosen]
    outcomes = [_outcome(group, sums[group], sums[chosen], level) for group in (chosen, *others)]
    hidden = [GroupOutcome(group=group) for group in groups.suppressed]
    return GroupComparison(
        name=grouping.name,
        reference=chosen,
        correction=correction,
        unknown=found.decisions - sum(item.decisions for item in sums.values()),
        sampled=len(found.sample),
        level=level,
        outcomes=(*outcomes, *hidden),
        differences=_differences(found, grouping, chosen, others, correction, (resamples, level, seed)),
    )


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


def known(value: float) -> float | None:
    """A figure, or None for one that there is not."""
    return float(value) if math.isfinite(value) else None


def _differences(
    found: Gathered,
    grouping: Grouping,
    reference: str,
    others: list[str],
    correction: Correction,
    bootstrap: tuple[int, float, int],
) -> tuple[RelevanceDifference, ...]:
    resamples, level, seed = bootstrap
    sums, labels = found.groups[grouping.name], grouping.of(found.sample)
    generator = np.random.default_rng(seed)
    rows = {label: found.sample.array[labels == label] for label in (reference, *others)}
    draws = {
        label: scaled_means(part, _means(sums[label]), sums[label].decisions, resamples, generator)
        for label, part in rows.items()
        if len(part)
    }
    p = {label: welch(sums[label].moments, sums[reference].moments)[:-1] for label in others}
    adjusted = dict(zip(others, np.split(adjust(np.concatenate([*p.values()]), correction), len(others)), strict=True))
    lines = []
    for label in others:
        difference = _means(sums[label]) - _means(sums[reference])
        lower, upper = _ends(draws, label, reference, level, difference)
        gap = float(difference.sum())
        for j in np.lexsort((np.array(found.columns), -np.abs(difference))):
            lines.append(
                RelevanceDifference(
                    group=label,
                    column=found.columns[j],
                    difference=float(difference[j]),
                    lower=known(lower[j]),
                    upper=known(upper[j]),
                    share=float(difference[j]) / gap if gap else None,
                    p=known(p[label][j]),
                    adjusted_p=known(adjusted[label][j]),
                )
            )
    return tuple(lines)


def _ends(
    draws: Mapping[str, FloatArray], label: str, reference: str, level: float, difference: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Both ends of the interval; NaN for a group so small that the sample missed it."""
    if label not in draws or reference not in draws:
        nothing = np.full_like(difference, math.nan)
        return nothing, nothing
    return interval(draws[label] - draws[reference], level)


def _means(sums: GroupSums) -> FloatArray:
    """Of the columns, without the score."""
    return np.asarray(sums.moments.mean[:-1], dtype=np.float64)


def welch(first: Moments, second: Moments) -> FloatArray:
    """(C,) p-values of Welch's test, NaN for columns that are constant in both."""
    deviations = [item.deviation * math.sqrt(item.count / (item.count - 1)) for item in (first, second)]
    varied = (deviations[0] > 1e-12 * (1 + np.abs(first.mean))) | (deviations[1] > 1e-12 * (1 + np.abs(second.mean)))
    p = np.full(varied.shape, math.nan)
    if varied.any():
        p[varied] = stats.ttest_ind_from_stats(
            first.mean[varied], deviations[0][varied], first.count,
            second.mean[varied], deviations[1][varied], second.count,
            equal_var=False,
        ).pvalue  # fmt: skip
    return p


def _outcome(group: str, sums: GroupSums, other: GroupSums, level: float) -> GroupOutcome:
    ratio = lower = upper = math.nan
    if other.approved:
        result = relative_risk(sums.approved, sums.decisions, other.approved, other.decisions)
        ends = result.confidence_interval(level)
        ratio, lower, upper = float(result.relative_risk), float(ends.low), float(ends.high)
    variances = [
        float(item.moments.deviation[-1]) ** 2 * item.decisions / (item.decisions - 1) for item in (sums, other)
    ]
    pooled = math.sqrt(sum(variances) / 2)
    mean = float(sums.moments.mean[-1])
    return GroupOutcome(
        group=group,
        decisions=sums.decisions,
        approved=sums.approved,
        approval_rate=sums.approved / sums.decisions,
        approval_ratio=known(ratio),
        ratio_lower=known(lower),
        ratio_upper=known(upper),
        mean_score=mean,
        standardised_difference=(mean - float(other.moments.mean[-1])) / pooled if pooled else None,
    )
