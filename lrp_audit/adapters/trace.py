"""Walk a fitted scikit-learn preprocessor and find out which input column every encoded element comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from lrp_audit.adapters.nodes import IntArray, Node, Transform, Wire, join, scale, select
from lrp_audit.adapters.transformers import COLUMNWISE, MIXERS, Rule, acts_columnwise
from lrp_audit.errors import UnsupportedModelError


def trace(step: Any, wire: Wire, where: str = "") -> Wire:
    """What leaves a fitted transformer when `wire` enters it.

    Raises:
        UnsupportedModelError: the step, or one inside it, cannot be traced back to input columns.
    """
    if step is None or isinstance(step, str):  # "passthrough"; "drop" is dealt with where it may stand
        return wire
    if isinstance(step, Pipeline):
        for name, one in step.steps:
            wire = trace(one, wire, _inside(where, name))
        return wire
    if isinstance(step, ColumnTransformer):
        return _column_transformer(step, wire, where)
    if isinstance(step, FeatureUnion):
        return _feature_union(step, wire, where)
    if isinstance(step, FrozenEstimator):
        return trace(step.estimator, wire, where)
    return _leaf(step, wire, where)


def _inside(where: str, name: str) -> str:
    return f"{where}/{name}" if where else name


def _column_transformer(step: ColumnTransformer, wire: Wire, where: str) -> Wire:
    names = [str(one) for one in getattr(step, "feature_names_in_", ())]
    weights = step.transformer_weights or {}
    branches = []
    for name, one, columns in step.transformers_:
        if isinstance(one, str) and one == "drop":
            continue
        inside = _inside(where, name)
        chosen = positions(columns, names, wire.width, inside)
        if len(chosen) == 0:
            continue
        branch = trace(one, select(wire, chosen), inside)
        branches.append(scale(branch, weights[name]) if name in weights else branch)
    return _joined(branches, where)


def _feature_union(step: FeatureUnion, wire: Wire, where: str) -> Wire:
    weights = step.transformer_weights or {}
    branches = []
    for name, one in step.transformer_list:
        if isinstance(one, str) and one == "drop":
            continue
        branch = trace(one, wire, _inside(where, name))
        branches.append(scale(branch, weights[name]) if name in weights else branch)
    return _joined(branches, where)


def _joined(branches: list[Wire], where: str) -> Wire:
    branches = [one for one in branches if one.width > 0]
    if not branches:
        raise UnsupportedModelError(f"Step '{where}' of the preprocessing lets no column through.")
    return join(branches)


def positions(columns: Any, names: Sequence[str], width: int, where: str) -> IntArray:
    """Positions a fitted ColumnTransformer's column specification selects: names, numbers, a slice or a mask."""
    if isinstance(columns, slice):
        if isinstance(columns.start, str) or isinstance(columns.stop, str):  # slices by label include the end
            start = names.index(columns.start) if columns.start is not None else 0
            stop = names.index(columns.stop) + 1 if columns.stop is not None else len(names)
            return np.arange(width)[start : stop : columns.step]
        return np.arange(width)[columns]
    if np.ndim(columns) == 0:
        raise UnsupportedModelError(
            f"Step '{where}' receives the single column {columns!r} as a one-dimensional series; "
            f"select it as a list, [{columns!r}], and fit again."
        )
    items = list(columns)
    if items and all(isinstance(one, (bool, np.bool_)) for one in items):
        return np.flatnonzero(items)
    if any(isinstance(one, str) for one in items):
        return np.array([names.index(one) for one in items], dtype=np.intp)
    return np.arange(width)[np.array(items, dtype=np.intp)]


def _leaf(step: Any, wire: Wire, where: str) -> Wire:
    kind = type(step)
    if kind in MIXERS:
        mixer = MIXERS[kind](step)
        return Wire(wire.node, mixer if wire.affine is None else wire.affine.then(mixer))
    if kind not in COLUMNWISE:
        raise UnsupportedModelError(
            f"Step '{where}' ({kind.__name__}) cannot be traced back to input columns; "
            f"supported are {', '.join(sorted(one.__name__ for one in (*COLUMNWISE, *MIXERS)))}."
        )
    if kind is FunctionTransformer and not acts_columnwise(step):
        raise UnsupportedModelError(
            f"Step '{where}' (FunctionTransformer) does not map every number by itself, so its columns cannot be "
            "traced; write it as one function per cell, or do its work before the table is read."
        )
    rule = COLUMNWISE[kind]
    if wire.affine is None:
        return Wire(_columnwise(step, rule, wire.node, where))
    after = rule.affine(step)
    if after is None:
        raise UnsupportedModelError(
            f"Step '{where}' ({kind.__name__}) is not linear and comes after a step that mixes columns (PCA or the "
            "like), so its columns cannot be traced; put it before that step."
        )
    return Wire(wire.node, wire.affine.then(after))


def _columnwise(step: Any, rule: Rule, node: Node, where: str) -> Node:
    sources = rule.sources(step)
    incoming = zip(node.owners, node.raw, rule.reads(step), strict=True)
    readings = tuple((int(owner), kind) for owner, raw, kind in incoming if raw and kind)
    unread = np.arange(len(sources)) < rule.hands_on(step)
    return Node(
        node.owners[sources],
        Transform(step),
        (node,),
        raw=node.raw[sources] & unread,
        readings=readings,
        step=step,
        where=where,
    )
