"""From decisions to reports: one reading for the sums, and whatever the sample and the texts say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from lrp_audit.aggregate.drift import drift
from lrp_audit.aggregate.gather import Gathered, gather
from lrp_audit.aggregate.groups import compare, usable
from lrp_audit.aggregate.membership import Grouping, UnusableGroupsError, crossed, grouping
from lrp_audit.aggregate.prototypes import prototypes
from lrp_audit.aggregate.proxies import screen
from lrp_audit.aggregate.sources import Source
from lrp_audit.aggregate.strategies import pictured
from lrp_audit.aggregate.table import ExplainedTable, FloatArray
from lrp_audit.aggregate.value_profiles import value_profiles
from lrp_audit.aggregate.words import word_profiles
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import SwarmCounts, Words
from lrp_audit.report.aggregate_report import AggregateReport, Unsaid
from lrp_audit.report.beeswarm import swarm_counts
from lrp_audit.report.group_report import AttributeStatistics, GroupReport

Watch = Callable[[Iterable[ExplainedTable]], Iterable[ExplainedTable]]


def read(
    source: Source,
    groupings: Sequence[Grouping] = (),
    *,
    reference: pd.Index[str] | None = None,
    seed: int = 0,
    watch: Watch = lambda parts: parts,
) -> Gathered:
    """One reading of a source, with the values of its sample.

    Args:
        source: the decisions.
        groupings: whose groups to keep apart.
        reference: ids of those that decisions were compared with, where they are known.
        seed: of the sample.
        watch: sees the tables pass, as a progress bar does.

    Raises:
        DataError: there are no explained decisions, or they are of several models.
    """
    found = gather(watch(source), groupings, reference=reference, seed=seed)
    return found.with_sample(source.completed(found.sample))


def aggregate_report(
    found: Gathered,
    *,
    name: str,
    words: Words | None = None,
    after: tuple[str, Gathered] | None = None,
    overlap_known: bool = False,
    seed: int = 0,
) -> AggregateReport:
    """What decisions rest on; chapters that cannot be are named with the reason.

    Args:
        found: the decisions.
        name: of their source.
        words: of their texts.
        after: another source and its decisions, for the change from these to those.
        overlap_known: the ids of the reference's own data were known when the decisions were read.
        seed: of the strategies and the bootstrap.

    Raises:
        DataError: there are fewer than 50 decisions, or the two sources cannot be compared.
    """
    summary = prototypes(found)
    unsaid = []
    try:
        strategies = pictured(found.sample, seed=seed)
    except DataError:
        strategies, unsaid = None, [Unsaid(what="strategies", why="all alike")]
    if found.sample.values is None:
        unsaid.append(Unsaid(what="values", why="no values"))
    return AggregateReport(
        source=name,
        left_out=found.left_out,
        sampled=len(found.sample),
        seed=seed,
        overlapping=found.overlapping if overlap_known else None,
        prototypes=summary,
        swarm=_swarm(found.sample),
        values=() if found.sample.values is None else value_profiles(found.sample),
        strategies=strategies,
        words=words,
        drift=None if after is None else drift(found, after[1], seed=seed),
        compared=None if after is None else after[0],
        unsaid=tuple(unsaid),
    )


def words_of(source: Source) -> Words | None:
    """The words of many people's texts; None where the decisions have no texts."""
    return word_profiles(source.texts) if next(iter(source.texts()), None) is not None else None


def groupings_of(groups: pd.DataFrame) -> tuple[Grouping, ...]:
    """Every column of a table of ids and groups, and the intersection of every two.

    Raises:
        DataError: there is no column but 'id', or an id comes twice.
    """
    columns = [str(name) for name in groups.columns if name != "id"]
    if not columns:
        raise DataError("The table of groups has no column beside 'id'; add one for every grouping.")
    single = tuple(grouping(groups, name) for name in columns)
    several = [item for item in single if item.labels.nunique() > 1]
    return (*single, *(crossed(*pair) for pair in combinations(several, 2)))


def group_report(
    found: Gathered, groupings: Sequence[Grouping], *, name: str, basis: str | None = None, seed: int = 0
) -> GroupReport:
    """Groups of people (BA-09). Groupings that cannot be used are named with the reason.

    Args:
        found: the decisions, read with these groupings.
        groupings: one or more.
        name: of the source.
        basis: on what ground the attributes may be used.
        seed: of the bootstrap and the permutations.

    Raises:
        DataError: no grouping can be used.
    """
    attributes, refused = [], []
    for item in groupings:
        try:
            comparison = compare(found, item, seed=seed)
        except UnusableGroupsError as reason:
            refused.append((item.name, reason))
            continue
        screened = screen(found.sample, item, usable(found, item.name), seed=seed)
        attributes.append(AttributeStatistics(comparison=comparison, screen=screened, basis=basis))
    if not attributes:
        raise refused[0][1]
    unsaid = tuple(Unsaid(what=what, why=reason.why) for what, reason in refused)
    return GroupReport(population=name, decisions=found.decisions, attributes=tuple(attributes), unsaid=unsaid)


def _swarm(sample: ExplainedTable) -> SwarmCounts:
    return swarm_counts(sample.array, _ordered(sample), sample.columns)


def _ordered(sample: ExplainedTable) -> FloatArray:
    """(N, C) values as numbers, NaN for what has none."""
    values = np.full(sample.array.shape, np.nan)
    for j, name in enumerate(sample.columns):
        if sample.values is not None and name in sample.values:
            values[:, j] = pd.to_numeric(sample.values[name], errors="coerce").to_numpy(dtype=np.float64)
    return values
