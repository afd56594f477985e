"""What a captured network is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from lrp_audit.engine.graph import RelevanceGraph
from lrp_audit.engine.operators import TABLE, Operator

PRODUCT = "product"  # matrix products, whose entry depends on what relevance reaches


def inventory(graph: RelevanceGraph) -> Mapping[tuple[str, str], int]:
    """How often every operator is applied to values that depend on the rows: (kind, name) -> count, sorted.

    The kinds are those that composites select by: "linear", "conv", "activation", "norm", "attention" ...
    """
    found: Counter[tuple[str, str]] = Counter()
    for node in graph.nodes:
        entry = TABLE.get(node.operator)
        if entry is None or node.rows is None or not node.is_float:
            continue
        name = node.operator.removeprefix("aten.").split(".")[0]
        found[entry.kind if isinstance(entry, Operator) else PRODUCT, name] += 1
    return dict(sorted(found.items()))
