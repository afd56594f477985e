"""Table look-ups: where whole-number inputs (tokens, category codes) enter the relevance path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lrp_audit.engine.operators.structure import index_operator
from lrp_audit.engine.operators.table import Call, Multipliers, Operator, always, register
from lrp_audit.errors import UnsupportedOperatorError


def _never(call: Call, m: Any) -> Multipliers:
    raise UnsupportedOperatorError(f"No rule for {call.node.describe()}.")


def _identity(call: Call, r: Tensor) -> Multipliers:
    return {"self": r}


def _index(wanted: Mapping[str, Any]) -> Operator:
    """Indexing a constant table by codes is a look-up; indexing path values by a constant is a selection."""
    codes = wanted.get("indices")
    is_lookup = isinstance(codes, list) and any(codes) and not wanted.get("self")
    return Operator(_never, "lookup", always, lookup="indices") if is_lookup else index_operator


register("embedding.default", Operator(_never, "lookup", always, lookup="indices"))
register("one_hot.default", Operator(_never, "lookup", always, lookup="self"))
register("index.Tensor", _index)
register(
    ("round.default", "floor.default", "trunc.default"),  # a float column of codes on its way to an integer type
    Operator(_never, "code", always, carry=_identity),
)
