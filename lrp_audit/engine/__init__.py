"""The engine: a graph in, relevance out. It knows nothing of features, law or documents."""

from lrp_audit.engine.capture import Recording, capture, record, with_target
from lrp_audit.engine.composite import PRESETS, Case, Composite, preset
from lrp_audit.engine.graph import RelevanceGraph
from lrp_audit.engine.ledger import Entry, Ledger
from lrp_audit.engine.propagate import Attribution, Population, propagate, relevance
from lrp_audit.engine.rules import (
    LRP0,
    AlphaBeta,
    Constant,
    Epsilon,
    Flat,
    Gamma,
    Pass,
    Rule,
    WSquare,
    ZBox,
    Zero,
    ZPlus,
)

__all__ = [
    "LRP0",
    "PRESETS",
    "AlphaBeta",
    "Attribution",
    "Case",
    "Composite",
    "Constant",
    "Entry",
    "Epsilon",
    "Flat",
    "Gamma",
    "Ledger",
    "Pass",
    "Population",
    "Recording",
    "RelevanceGraph",
    "Rule",
    "WSquare",
    "ZBox",
    "ZPlus",
    "Zero",
    "capture",
    "preset",
    "propagate",
    "record",
    "relevance",
    "with_target",
]
