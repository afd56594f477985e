"""Strategies: groups of decisions that rest on the same inputs, found by spectral relevance analysis.

SpRAy: Lapuschkin et al., "Unmasking Clever Hans predictors and assessing what machines really learn", Nature
Communications 10, 1096 (2019). The small eigenvalues of the neighbour graph's Laplacian, before the eigengap, count the
strategies (von Luxburg 2007). How small is small is asked as in parallel analysis (Horn 1965): one may count if it lies
below the second eigenvalue of every one of several structureless samples, Gaussian with the same covariance.

Strategies are thus departures from one Gaussian cloud, and not all are of interest: an input of two values makes two
groups, and over 60 samples of 100 independent inputs some were seen in 32 % where relevance was exponential, in 17 %
where it was uniform, in none where it was Student's t with 3 degrees of freedom. Look at what a strategy rests on.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.csgraph import laplacian
from sklearn.cluster import SpectralClustering
from sklearn.neighbors import KNeighborsClassifier, kneighbors_graph

from lrp_audit.aggregate.table import SMALLEST_GROUP, ExplainedTable, FloatArray, IntArray
from lrp_audit.errors import DataError

NEIGHBOURS = 10
MOST_STRATEGIES = 8
SMALL = 0.1  # share of the decisions below which a strategy is small
CONCENTRATED = 0.5  # share of its absolute relevance on one input, and more than twice that of the other decisions


@dataclass(frozen=True)
class Mark:
    """An input that sets a strategy apart: its mean relevance here and elsewhere."""

    column: str
    here: float
    elsewhere: float


@dataclass(frozen=True)
class Strategy:
    decisions: int
    share: float
    adverse_rate: float
    marks: tuple[Mark, ...]  # its name: the inputs whose relevance differs most, in standard deviations
    concentration: float  # share of absolute relevance on the first mark's column
    concentration_elsewhere: float
    suspicious: bool  # small, and rests on one input that others do not rest on: look at it
    examples: tuple[str, ...]  # ids, nearest to its middle first

    @property
    def name(self) -> str:
        return ", ".join(f"{mark.column} {'+' if mark.here > mark.elsewhere else '−'}" for mark in self.marks)


@dataclass(frozen=True)
class Strategies:
    """Without strategies, the decisions fall into groups no more than structureless ones would."""

    decisions: int
    clustered: int  # decisions that the graph was made of; the others joined their neighbours
    eigenvalues: tuple[float, ...]
    least_null: float  # the smallest second eigenvalue of the structureless samples
    strategies: tuple[Strategy, ...]  # the smallest first

    def table(self) -> pd.DataFrame:
        """A row per strategy."""
        names = ["strategy", *Strategy.__dataclass_fields__]
        rows = [
            {"strategy": item.name, **asdict(item), "marks": [mark.column for mark in item.marks],
             "examples": list(item.examples)}
            for item in self.strategies
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=names)


def strategies(table: ExplainedTable, *, most_rows: int = 600, nulls: int = 19, seed: int = 0) -> Strategies:
    """The strategies of a table of decisions.

    Args:
        table: the decisions.
        most_rows: decisions that the neighbour graph is made of; of more, a random sample.
        nulls: structureless samples, one at least; the chance of finding strategies in one of them is 1 / (nulls + 1).
        seed: of samples and clustering.

    Raises:
        DataError: fewer than 50 decisions, or all explained alike.
    """
    rows = table.array
    if len(rows) < SMALLEST_GROUP:
        raise DataError(f"Strategies need {SMALLEST_GROUP} decisions or more, and there are {len(rows)}.")
    if not np.ptp(rows, axis=0).any():
        raise DataError("All decisions have the same relevance, so that there are no strategies to tell apart.")
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(len(rows))[:most_rows])
    sample = rows[chosen]
    graph = _graph(sample)
    values = _eigenvalues(graph)
    least = min(float(_eigenvalues(_graph(_structureless(sample, generator)))[1]) for _ in range(nulls))
    count = _before_gap(values, least)
    found: tuple[Strategy, ...] = ()
    if count > 1:
        labels = _labels(graph, count, seed)
        if len(sample) < len(rows):
            labels = KNeighborsClassifier(NEIGHBOURS).fit(sample, labels).predict(rows)
        found = tuple(_strategy(table, labels == label) for label in np.unique(labels))
    order = sorted(found, key=lambda item: (item.decisions, item.name))
    return Strategies(len(rows), len(sample), tuple(map(float, values)), least, tuple(order))


def _graph(rows: FloatArray) -> sparse.csr_array:
    """Symmetric graph of nearest neighbours."""
    directed = sparse.csr_array(kneighbors_graph(rows, NEIGHBOURS, include_self=False))
    return sparse.csr_array((directed + directed.T) / 2)


def _eigenvalues(graph: sparse.csr_array) -> FloatArray:
    """The smallest eigenvalues of the normalised Laplacian, rising; dense, since Lanczos loses multiple zeros."""
    dense = laplacian(graph, normed=True).toarray()
    values: FloatArray = eigh(dense, eigvals_only=True, subset_by_index=[0, MOST_STRATEGIES])
    return np.maximum(values, 0.0)


def _before_gap(values: FloatArray, least: float) -> int:
    """How many eigenvalues lie below `least` and before the widest gap there; 1: there are no strategies."""
    small = int((values < least).sum())
    gaps = np.diff(values)[1:small]
    return int(gaps.argmax()) + 2 if gaps.size else 1


def _structureless(rows: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Gaussian rows with the mean and covariance of these."""
    centred = rows - rows.mean(0)
    weights = generator.normal(size=(len(rows), len(rows))) / np.sqrt(len(rows))
    found: FloatArray = weights @ centred
    return found


def _labels(graph: sparse.csr_array, count: int, seed: int) -> IntArray:
    """The graph's spectral clusters; parts that nothing connects are what the method is asked to find."""
    model = SpectralClustering(count, affinity="precomputed", assign_labels="cluster_qr", random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Graph is not fully connected", category=UserWarning)
        return np.asarray(model.fit_predict(graph.toarray()), dtype=np.int64)


def _strategy(table: ExplainedTable, member: npt.NDArray[np.bool_]) -> Strategy:
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
        marks=tuple(Mark(table.columns[j], float(means[0][j]), float(means[1][j])) for j in order),
        concentration=share,
        concentration_elsewhere=share_elsewhere,
        suspicious=part < SMALL and share > CONCENTRATED and share > 2 * share_elsewhere,
        examples=tuple(str(id_) for id_ in table.relevance.index[member][nearest]),
    )
