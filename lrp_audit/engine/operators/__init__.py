"""Operators by family; importing this package fills the table."""

from lrp_audit.engine.operators import activation, arithmetic, attention, extrema, linear, norm, recurrent, structure
from lrp_audit.engine.operators import lookup as lookups
from lrp_audit.engine.operators.table import TABLE, Call, Operator, lookup

__all__ = [
    "TABLE",
    "Call",
    "Operator",
    "activation",
    "arithmetic",
    "attention",
    "extrema",
    "linear",
    "lookup",
    "lookups",
    "norm",
    "recurrent",
    "structure",
]
