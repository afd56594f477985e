"""How often strategies are found again among part of the decisions (Hennig 2007, "Cluster-wise assessment").

A search among three quarters of the decisions, drawn without replacement, finds a strategy again if one of its groups
and the strategy's decisions among them have a Jaccard index of three quarters or more, Hennig's mark of a stable group.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from lrp_audit.aggregate.neighbour_graph import Graph, before_gap
from lrp_audit.aggregate.table import FloatArray, IntArray

SEARCHES = 20
PART = 0.75  # of the decisions, in every search
ALIKE = 0.75  # Jaccard index from which on two groups are the same


def refound(rows: FloatArray, labels: IntArray, least: float, generator: Generator) -> list[float]:
    """The share of searches that find each strategy again.

    Args:
        rows: relevance that the strategies were found in; (N, C).
        labels: the number of every row's strategy, from 0; (N,).
        least: the eigenvalue below which groups are apart, as in the search that found them.
        generator: draws the parts.
    """
    found = np.zeros(int(labels.max()) + 1)
    for _ in range(SEARCHES):
        part = np.sort(generator.permutation(len(rows))[: int(PART * len(rows))])
        graph = Graph.of(rows[part])
        count = before_gap(graph.values, least)
        if count > 1:
            found += _jaccard(labels[part], graph.clusters(count), len(found)).max(1) >= ALIKE
    return [float(share) for share in found / SEARCHES]


def _jaccard(first: IntArray, second: IntArray, count: int) -> FloatArray:
    """Of every of `count` groups of the first labelling with every one of the second."""
    mine, theirs = (labels[:, None] == np.arange(most) for labels, most in ((first, count), (second, second.max() + 1)))
    both = mine.T.astype(np.float64) @ theirs
    either = mine.sum(0)[:, None] + theirs.sum(0) - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))
