"""Samples without strategies, made from real ones: what a search for strategies is held against.

Both keep how columns go together in pairs: ranks are joined by a Gaussian copula with the sample's correlations.
`Coupling.shuffled` keeps every column's own values as well, so that an input of two values makes two groups in it,
which differ in nothing else. `Unimodal` gives every column the one-peaked distribution nearest to its own, so that gaps
are closed whatever the shape: exponential, uniform and long-tailed columns stay what they are.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats
from sklearn.isotonic import isotonic_regression

from lrp_audit.aggregate.resampling import Generator
from lrp_audit.aggregate.table import FloatArray

_PEAKS = 25  # places of the peak that are tried
_SPIKE = 1e-3  # width of equal values, in standard deviations
_ROUNDS = 3  # of raising correlations


class Coupling:
    """How the columns of (N, C) rows go together in pairs, to draw uniform numbers that do so too."""

    def __init__(self, rows: FloatArray, generator: Generator) -> None:
        self._rows, self._generator = rows, generator
        self._wanted = _correlations(stats.rankdata(rows, axis=0))
        self._root = _root(_correlations(_scores(rows, generator)))

    def uniform(self) -> FloatArray:
        """(N, C) numbers between 0 and 1, joined by a Gaussian copula."""
        return np.asarray(special.ndtr(self._normal() @ self._root), dtype=np.float64)

    def shuffled(self) -> FloatArray:
        """The columns' own values in orders that give them, nearly, their own rank correlations.

        Equal values hide a part of the copula's correlation, so it is raised until what is left of it suffices.
        """
        normal, correlations = self._normal(), self._root.T @ self._root
        found = _in_order(self._rows, normal @ self._root)
        for _ in range(_ROUNDS):
            correlations = correlations + self._wanted - _correlations(stats.rankdata(found, axis=0))
            found = _in_order(self._rows, normal @ _root(correlations))
        return found

    def _normal(self) -> FloatArray:
        return self._generator.normal(size=self._rows.shape)


def _scores(rows: FloatArray, generator: Generator) -> FloatArray:
    """Normal scores of every column; equal values in random order."""
    ties = np.argsort(generator.random(rows.shape), axis=0)
    order = np.take_along_axis(ties, np.argsort(np.take_along_axis(rows, ties, 0), axis=0, kind="stable"), 0)
    ranks = np.argsort(order, axis=0)
    return np.asarray(special.ndtri((ranks + 0.5) / len(rows)), dtype=np.float64)


def _in_order(rows: FloatArray, keys: FloatArray) -> FloatArray:
    """The values of every column, the smallest where the key is smallest."""
    places = np.argsort(np.argsort(keys, axis=0, kind="stable"), axis=0)
    return np.asarray(np.take_along_axis(np.sort(rows, axis=0), places, axis=0), dtype=np.float64)


def _correlations(rows: FloatArray) -> FloatArray:
    """(C, C); a column that does not vary goes with none."""
    centred = rows - rows.mean(0)
    length = np.sqrt((centred**2).sum(0))
    unit = centred / np.where(length > 0, length, 1)
    found = unit.T @ unit
    np.fill_diagonal(found, 1.0)
    return np.asarray(found, dtype=np.float64)


def _root(correlations: FloatArray) -> FloatArray:
    """A matrix that gives independent columns these correlations, or the nearest that columns can have."""
    values, vectors = np.linalg.eigh(correlations)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    return np.asarray(root / np.maximum(np.sqrt((root**2).sum(0)), 1e-12), dtype=np.float64)


class Unimodal:
    """The unimodal distribution nearest to every column: the likeliest one with its peak in one of several places.

    Left of a peak the density rises and right of it falls: isotonic regression of the density between neighbours
    (Grenander 1956; Birgé 1997).
    """

    def __init__(self, rows: FloatArray) -> None:
        self._curves = [_nearest(column) for column in rows.T]

    def at(self, uniform: FloatArray) -> FloatArray:
        """(N, C) numbers with these distributions."""
        columns = [np.interp(u, levels, ends) for u, (levels, ends) in zip(uniform.T, self._curves, strict=True)]
        return np.column_stack(columns)


def _nearest(column: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The distribution function, as levels at rising ends of intervals."""
    ends = _spread(column)
    lengths = np.diff(ends)
    lengths = np.maximum(lengths, 1e-12 * lengths.sum())  # beside one huge number all others are one
    density = 1 / (len(lengths) * lengths)
    peaks = {*np.linspace(0, len(density) - 1, _PEAKS).astype(int).tolist(), int(density.argmax())}
    fits = [_fit(density, lengths, peak) for peak in sorted(peaks)]
    best = max(fits, key=lambda fit: float(np.log(fit).sum()))
    return np.concatenate([[0.0], np.cumsum(best * lengths)]), ends


def _spread(column: FloatArray) -> FloatArray:
    """The values, rising; equal ones side by side in a narrow space of their own."""
    values, counts = np.unique(column, return_counts=True)
    nearest = float(np.diff(values).min()) if len(values) > 1 else 1.0
    width = max(min(_SPIKE * float(column.std()), nearest / 2), 1e-9 * (1 + float(np.abs(values).max())))
    places = np.arange(len(column)) - np.repeat(np.cumsum(counts) - counts, counts)
    repeated = np.repeat(counts, counts)
    spread = np.repeat(values, counts) + width * (places - (repeated - 1) / 2) / repeated
    return np.asarray(np.maximum.accumulate(spread), dtype=np.float64)


def _fit(density: FloatArray, lengths: FloatArray, peak: int) -> FloatArray:
    """The densities of intervals, made to rise up to the one of the peak and to fall behind it."""
    left = isotonic_regression(density[: peak + 1], sample_weight=lengths[: peak + 1])
    right = isotonic_regression(density[peak:], sample_weight=lengths[peak:], increasing=False)
    fitted = np.concatenate([left[:-1], [max(left[-1], right[0])], right[1:]])
    return np.asarray(fitted / (fitted * lengths).sum(), dtype=np.float64)
