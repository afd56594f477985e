"""The neighbour graph of decisions, and the groups that its spectrum tells apart (von Luxburg 2007)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import eigh, qr, svd
from scipy.sparse.csgraph import laplacian
from sklearn.neighbors import kneighbors_graph

from lrp_audit.aggregate.table import FloatArray, IntArray

NEIGHBOURS = 10
MOST_STRATEGIES = 8


@dataclass(frozen=True, eq=False)
class Graph:
    """The smallest eigenvalues, rising, and eigenvectors of a neighbour graph's normalised Laplacian."""

    values: FloatArray
    vectors: FloatArray

    @classmethod
    def of(cls, rows: FloatArray) -> Graph:
        """Dense, since Lanczos loses multiple zeros."""
        directed = sparse.csr_array(kneighbors_graph(rows, NEIGHBOURS, include_self=False))
        dense = laplacian((directed + directed.T) / 2, normed=True).toarray()
        values, vectors = eigh(dense, subset_by_index=[0, MOST_STRATEGIES])
        return cls(np.maximum(values, 0.0), vectors)

    def clusters(self, count: int) -> IntArray:
        """(N,) labels by pivoted QR of the eigenvectors (Damle, Minden and Ying 2019), which has no random start."""
        vectors = self.vectors[:, :count]
        pivots = qr(vectors.T, mode="economic", pivoting=True)[2]
        left, _, right = svd(vectors[pivots[:count]].T)
        return np.asarray(np.abs(vectors @ (left @ right)).argmax(1), dtype=np.int64)


def before_gap(values: FloatArray, least: float) -> int:
    """How many eigenvalues lie below `least` and before the widest gap there; 1: there are no strategies."""
    small = int((values < least).sum())
    gaps = np.diff(values)[1:small]
    return int(gaps.argmax()) + 2 if gaps.size else 1
