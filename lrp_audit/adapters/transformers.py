"""What each scikit-learn transformer does to columns: the table the tracer looks up.

`Rule.sources` says for every output element which input element it comes from; `Rule.affine` gives the transformer as
an affine map where it is one, which is all that may follow a mixer. `MIXERS` are the transformers whose outputs
depend on several inputs; they must be affine, and become a layer of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import decomposition, feature_selection, impute, preprocessing
from sklearn.utils import get_tags

from lrp_audit.adapters.affine import Affine, elementwise, identity
from lrp_audit.adapters.nodes import BoolArray, IntArray, Kind, Matrix, as_fitted

PROBE_ROWS = 24
PROBE_SCALES = (1.0, 50.0, 5000.0)


@dataclass(frozen=True)
class Rule:
    """How one class of columnwise transformer treats columns; every function takes the fitted transformer."""

    sources: Callable[[Any], IntArray]  # (outputs,) input position each output comes from
    affine: Callable[[Any], Affine | None] = lambda step: None
    reads: Callable[[Any], list[Kind | None]] = lambda step: ["number"] * width_in(step)  # per input; None: anything
    hands_on: Callable[[Any], int] = lambda step: 0  # how many outputs, from the first, are input values unread


def width_in(step: Any) -> int:
    """Number of columns the transformer was fitted on."""
    return int(step.n_features_in_)


def accepts_missing(step: Any) -> bool:
    """Whether missing values may reach the transformer."""
    tags = get_tags(step)
    return bool(tags.input_tags.allow_nan or tags.no_validation)


def is_missing(values: Matrix, missing: Any = np.nan) -> BoolArray:
    """Where a matrix holds the given missing-value marker; NaN, None and NA are one."""
    if missing is None or missing is pd.NA or (isinstance(missing, float) and np.isnan(missing)):
        return np.asarray(pd.isna(values), dtype=bool)
    return np.asarray(np.asarray(values) == missing, dtype=bool)


# --- one to one -------------------------------------------------------------------------------------------------------


def one_to_one(step: Any) -> IntArray:
    return np.arange(width_in(step))


def standard_affine(step: Any) -> Affine:
    n = width_in(step)
    mean = np.zeros(n) if step.mean_ is None or not step.with_mean else step.mean_
    scale = np.ones(n) if step.scale_ is None else step.scale_
    return elementwise(1 / scale, -mean / scale)


def min_max_affine(step: Any) -> Affine | None:
    return None if step.clip else elementwise(step.scale_, step.min_)


def robust_affine(step: Any) -> Affine:
    n = width_in(step)
    centre = step.center_ if step.with_centering else np.zeros(n)
    scale = step.scale_ if step.with_scaling else np.ones(n)
    return elementwise(1 / scale, -centre / scale)


def max_abs_affine(step: Any) -> Affine | None:
    return None if getattr(step, "clip", False) else elementwise(1 / step.scale_, np.zeros(width_in(step)))


# --- functions --------------------------------------------------------------------------------------------------------


def function_affine(step: Any) -> Affine | None:
    return identity(width_in(step)) if step.func is None else None


def function_reads(step: Any) -> list[Kind | None]:
    return [None if step.func is None else "number"] * width_in(step)


def acts_columnwise(step: Any) -> bool:
    """Whether a FunctionTransformer maps every cell by itself, tried on numbers of several magnitudes."""
    if step.func is None or isinstance(step.func, np.ufunc):
        return True
    generator = np.random.default_rng(0)
    shape = (PROBE_ROWS, width_in(step))
    return all(maps_cells(step, size * generator.uniform(-1, 1, size=shape)) for size in PROBE_SCALES)


def maps_cells(step: Any, rows: Matrix) -> bool:
    """Whether, on these rows, an output column moves with its own input only and no row feels another.

    One column at a time takes its values in reverse order; rows are reversed and taken alone. An error counts as no.
    """
    given = np.array(rows, dtype=np.float64)

    def call(values: Matrix) -> Matrix:
        with np.errstate(all="ignore"):
            result = np.asarray(step.transform(as_fitted(step, np.array(values))), dtype=np.float64)
        if result.shape != np.shape(values):
            raise ValueError("the function changes the number of columns")
        return result

    def same(a: Matrix, b: Matrix) -> bool:
        return bool(np.allclose(a, b, rtol=1e-6, atol=0, equal_nan=True))

    try:
        before = np.asarray(call(given))
        for j in range(given.shape[1]):
            changed = given.copy()
            changed[:, j] = given[::-1, j]
            if not same(np.delete(call(changed), j, axis=1), np.delete(before, j, axis=1)):
                return False
        return same(call(given[:1]), before[:1]) and same(call(given[::-1]), before[::-1])
    except Exception:
        return False


# --- missing values ---------------------------------------------------------------------------------------------------


def imputer_sources(step: Any) -> IntArray:
    """Filled columns, less those never observed (dropped unless kept on request), then the missing indicators."""
    filled = np.flatnonzero(~dropped(step))
    return np.concatenate([filled, step.indicator_.features_]) if step.add_indicator else filled


def imputer_reads(step: Any) -> list[Kind | None]:
    kind = getattr(step, "_fit_dtype", step.statistics_.dtype).kind
    return [None if kind in "OUS" else "number"] * width_in(step)


def imputer_hands_on(step: Any) -> int:
    return 0 if imputer_reads(step)[0] else width_in(step) - int(np.sum(dropped(step)))


def dropped(step: Any) -> BoolArray:
    """Columns without a single observed value, which the imputer leaves out."""
    return np.zeros(width_in(step), dtype=bool) if step.keep_empty_features else is_missing(step.statistics_)


# --- categories and bins ----------------------------------------------------------------------------------------------


def category_reads(step: Any) -> list[Kind | None]:
    return [kind_of_categories(np.asarray(known)) for known in step.categories_]


def kind_of_categories(known: Any) -> Kind:
    if known.dtype.kind in "iuf":
        return "number"
    return "text" if all(isinstance(one, str) or pd.isna(one) for one in known) else "any"


def one_hot_sources(step: Any) -> IntArray:
    counts = []
    infrequent = getattr(step, "infrequent_categories_", [None] * width_in(step))
    dropped = [None] * width_in(step) if step.drop_idx_ is None else step.drop_idx_
    for known, rare, drop in zip(step.categories_, infrequent, dropped, strict=True):
        counts.append(len(known) - (0 if rare is None else len(rare) - 1) - (drop is not None))
    return np.repeat(np.arange(width_in(step)), counts)


def bins_sources(step: Any) -> IntArray:
    columns = np.arange(width_in(step))
    return columns if step.encode == "ordinal" else np.repeat(columns, step.n_bins_)


def incomparable_cells(step: Any, values: Matrix) -> BoolArray:
    """Cells that no encoder can compare with its categories: text among numbers, or numbers among text."""

    def odd(cell: Any, known: set[Any]) -> bool:
        return isinstance(cell, str) not in {isinstance(one, str) for one in known}

    return _cells(step, values, odd, np.zeros(width_in(step), dtype=bool))


def unknown_cells(step: Any, values: Matrix) -> BoolArray:
    """Cells an encoder with `handle_unknown="error"` rejects."""
    rejects_missing = np.array([not pd.isna(np.asarray(known)).any() for known in step.categories_])
    return _cells(step, values, lambda cell, known: cell not in known, rejects_missing)


def _cells(step: Any, values: Matrix, is_bad: Callable[[Any, set[Any]], bool], rejects_missing: BoolArray) -> BoolArray:
    """Cells (rows, width) that are bad given the categories known in their column; each distinct one is asked once."""
    cells = np.asarray(values)
    bad = np.zeros(cells.shape, dtype=bool)
    for j, categories in enumerate(step.categories_):
        known = {one for one in np.asarray(categories).tolist() if not pd.isna(one)}
        places, distinct = pd.factorize(cells[:, j])
        verdict = np.array([*(is_bad(one, known) for one in distinct.tolist()), rejects_missing[j]], dtype=bool)
        bad[:, j] = verdict[places]  # factorize puts missing values at -1, the last verdict
    return bad


# --- selection and expansion ------------------------------------------------------------------------------------------


def selected(step: Any) -> IntArray:
    return np.flatnonzero(step.get_support())


def selection_affine(step: Any) -> Affine:
    return identity(width_in(step)).select(selected(step))


def spline_sources(step: Any) -> IntArray:
    return np.repeat(np.arange(width_in(step)), step.n_features_out_ // width_in(step))


_SELECTION = Rule(selected, affine=selection_affine)

COLUMNWISE: Mapping[type, Rule] = {
    preprocessing.StandardScaler: Rule(one_to_one, affine=standard_affine),
    preprocessing.MinMaxScaler: Rule(one_to_one, affine=min_max_affine),
    preprocessing.RobustScaler: Rule(one_to_one, affine=robust_affine),
    preprocessing.MaxAbsScaler: Rule(one_to_one, affine=max_abs_affine),
    preprocessing.FunctionTransformer: Rule(
        one_to_one,
        affine=function_affine,
        reads=function_reads,
        hands_on=lambda step: width_in(step) if step.func is None else 0,
    ),
    preprocessing.QuantileTransformer: Rule(one_to_one),
    preprocessing.PowerTransformer: Rule(one_to_one),
    preprocessing.Binarizer: Rule(one_to_one),
    preprocessing.SplineTransformer: Rule(spline_sources),
    preprocessing.KBinsDiscretizer: Rule(bins_sources),
    preprocessing.OneHotEncoder: Rule(one_hot_sources, reads=category_reads),
    preprocessing.OrdinalEncoder: Rule(one_to_one, reads=category_reads),
    impute.SimpleImputer: Rule(imputer_sources, reads=imputer_reads, hands_on=imputer_hands_on),
    impute.MissingIndicator: Rule(
        lambda step: np.asarray(step.features_, dtype=np.intp), reads=lambda step: [None] * width_in(step)
    ),
    feature_selection.VarianceThreshold: _SELECTION,
    feature_selection.SelectKBest: _SELECTION,
    feature_selection.SelectPercentile: _SELECTION,
    feature_selection.SelectFromModel: _SELECTION,
}


# --- mixers -----------------------------------------------------------------------------------------------------------


def pca_affine(step: Any) -> Affine:
    weight = step.components_.T.astype(np.float64)
    if step.whiten:
        deviation = np.sqrt(step.explained_variance_.astype(np.float64))
        weight = weight / np.maximum(deviation, np.finfo(np.float64).eps)
    return Affine(weight, -(step.mean_.astype(np.float64) @ weight))


def svd_affine(step: Any) -> Affine:
    weight = step.components_.T.astype(np.float64)
    return Affine(weight, np.zeros(weight.shape[1]))


MIXERS: Mapping[type, Callable[[Any], Affine]] = {
    decomposition.PCA: pca_affine,
    decomposition.IncrementalPCA: pca_affine,
    decomposition.TruncatedSVD: svd_affine,
}
