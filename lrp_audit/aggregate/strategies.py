"""Strategies: groups of decisions that rest on the same inputs, found by spectral relevance analysis.

SpRAy: Lapuschkin et al., "Unmasking Clever Hans predictors and assessing what machines really learn", Nature
Communications 10, 1096 (2019). The small eigenvalues of the neighbour graph's Laplacian, before the eigengap, count the
strategies (von Luxburg 2007). Groups are strategies only if two questions are both answered with yes, each against
samples without strategies, as in parallel analysis (Horn 1965):

* Are they apart? More than columns with one peak each would be, whatever its shape.
* Do their columns go together? Each group is narrower than groups found in the same columns' values, joined by no more
  than their correlations. An input of two values makes two groups, and no strategies.

Either is asked at 1 / (nulls + 1), so that both together are seldom true by chance. A small group that is apart and
rests on one input which others do not rest on is shown in any case: it is what a Clever Hans looks like, and also what
a rare and strong input does. Of every group that is shown, it is told how often it comes out again (`refound`).
"""

from __future__ import annotations

import numpy as np
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier

from lrp_audit.aggregate.neighbour_graph import NEIGHBOURS, Graph, before_gap
from lrp_audit.aggregate.refound import refound
from lrp_audit.aggregate.structureless import Coupling, Unimodal
from lrp_audit.aggregate.table import BoolArray, ExplainedTable, FloatArray, IntArray
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import SMALLEST_GROUP, Mark, Place, Strategies, Strategy

SMALL = 0.1  # share of the decisions below which a strategy is small
_REACH = 1e4  # typical departures from a column's median
CONCENTRATED = 0.5  # share of its absolute relevance on one input, and more than twice that of the other decisions


def strategies(table: ExplainedTable, *, most_rows: int = 600, nulls: int = 19, seed: int = 0) -> Strategies:
    """The strategies of a table of decisions.

    Args:
        table: the decisions, or a sample of them.
        most_rows: decisions that the neighbour graph is made of; of more, a random sample.
        nulls: structureless samples of either kind, one at least.
        seed: of samples.

    Raises:
        DataError: fewer than 50 decisions, or all explained alike.
    """
    return _search(table, most_rows, nulls, seed)[0]


def pictured(table: ExplainedTable, *, most_rows: int = 600, nulls: int = 19, seed: int = 0) -> Strategies:
    """The same, with a picture of the decisions that the graph was made of: t-SNE (van der Maaten and Hinton 2008)."""
    found, rows, labels = _search(table, most_rows, nulls, seed)
    perplexity = min(30.0, (len(rows) - 1) / 3)
    plane = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(rows.astype(np.float32))
    places = (Place(x=float(x), y=float(y), strategy=int(label)) for (x, y), label in zip(plane, labels, strict=True))
    return found.model_copy(update={"picture": tuple(places)})


def _search(table: ExplainedTable, most_rows: int, nulls: int, seed: int) -> tuple[Strategies, FloatArray, IntArray]:
    """The strategies, the rows that the graph was made of, and the number of each one's strategy."""
    rows = _within_reach(table.array)
    if len(rows) < SMALLEST_GROUP:
        raise DataError(f"Strategies need {SMALLEST_GROUP} decisions or more, and there are {len(rows)}.")
    if not np.ptp(rows, axis=0).any():
        raise DataError("All decisions have the same relevance, so that there are no strategies to tell apart.")
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(len(rows))[:most_rows])
    sample = rows[chosen]
    graph = Graph.of(sample)
    coupling, unimodal = Coupling(sample, generator), Unimodal(sample)
    least = min(float(Graph.of(unimodal.at(coupling.uniform())).values[1]) for _ in range(nulls))
    labels: IntArray = np.zeros(len(rows), dtype=np.int64)
    found: tuple[Strategy, ...] = ()
    count = before_gap(graph.values, least)
    if count > 1:
        labels, found = _strategies(table, rows, graph.clusters(count), chosen)
        if not _go_together(sample, graph, count, coupling, nulls) and not any(item.suspicious for item in found):
            labels, found = np.zeros(len(rows), dtype=np.int64), ()
    if found:
        again = refound(sample, labels[chosen], least, generator)
        found = tuple(item.model_copy(update={"found_again": share}) for item, share in zip(found, again, strict=True))
    result = Strategies(
        decisions=len(rows),
        clustered=len(sample),
        eigenvalues=tuple(map(float, graph.values)),
        least_null=least,
        strategies=found,
    )
    return result, sample, labels[chosen]


def _within_reach(rows: FloatArray) -> FloatArray:
    """The rows with absurd cells cut off, beside which all others would be equal."""
    middle = np.median(rows, axis=0)
    departures = np.abs(rows - middle)
    reach = _REACH * float(np.median(departures[departures > 0])) if departures.any() else 0.0
    return np.asarray(np.clip(rows, middle - reach, middle + reach), dtype=np.float64)


def _go_together(rows: FloatArray, graph: Graph, count: int, coupling: Coupling, nulls: int) -> bool:
    """Whether the groups are narrower than all those in the same values whose columns are joined by correlations."""
    shuffles = (coupling.shuffled() for _ in range(nulls))
    least = min(_narrowness(null, Graph.of(null).clusters(count)) for null in shuffles)
    return _narrowness(rows, graph.clusters(count)) < least


def _narrowness(rows: FloatArray, labels: IntArray) -> float:
    """Mean over decisions and columns of the logarithm of a group's variance, as part of that of all."""
    whole = rows.var(0)
    varied = whole > 1e-12 * (1 + np.abs(rows).max(0)) ** 2
    total = 0.0
    for label in np.unique(labels):
        part = rows[labels == label][:, varied]
        total += len(part) * float(np.log(np.maximum(part.var(0) / whole[varied], 1e-6)).mean())
    return total / len(rows)


def _strategies(
    table: ExplainedTable, rows: FloatArray, clusters: IntArray, chosen: IntArray
) -> tuple[IntArray, tuple[Strategy, ...]]:
    """(N,) the number of every decision's strategy, the smallest first, and the strategies in this order.

    Decisions that the clusters were not made of join their nearest neighbours.
    """
    labels = clusters
    if len(chosen) < len(rows):
        labels = KNeighborsClassifier(NEIGHBOURS).fit(rows[chosen], clusters).predict(rows)
    found = {int(label): _strategy(table, labels == label) for label in np.unique(labels)}
    order = sorted(found, key=lambda label: (found[label].decisions, found[label].name))
    numbers = np.argsort(order)[np.searchsorted(np.sort(order), labels)]
    return numbers, tuple(found[label] for label in order)


def _strategy(table: ExplainedTable, member: BoolArray) -> Strategy:
    here, elsewhere = table.array[member], table.array[~member]
    means = here.mean(0), elsewhere.mean(0)
    spread = np.maximum(np.sqrt((here.var(0) + elsewhere.var(0)) / 2), 1e-12)
    order = np.argsort(-np.abs(means[0] - means[1]) / spread, kind="stable")[:3]
    strength, other = (np.abs(rows).mean(0) for rows in (here, elsewhere))
    first = int(order[0])
    share, share_elsewhere = (float(item[first] / max(item.sum(), 1e-300)) for item in (strength, other))
    part = float(member.mean())
    nearest = np.argsort(((here - means[0]) ** 2).sum(1), kind="stable")[:5]
    return Strategy(
        decisions=int(member.sum()),
        share=part,
        adverse_rate=float(table.adverse[member].mean()),
        marks=tuple(
            Mark(column=table.columns[j], here=float(means[0][j]), elsewhere=float(means[1][j])) for j in order
        ),
        concentration=share,
        concentration_elsewhere=share_elsewhere,
        suspicious=part < SMALL and share > CONCENTRATED and share > 2 * share_elsewhere,
        examples=tuple(str(id_) for id_ in table.relevance.index[member][nearest]),
    )
