"""Operators by family; importing this package fills the table."""

from lrp_audit.engine.operators import activation, arithmetic, linear, lookup as lookups, structure
from lrp_audit.engine.operators.table import TABLE, Call, Operator, lookup

__all__ = ["TABLE", "Call", "Operator", "activation", "arithmetic", "linear", "lookup", "lookups", "structure"]
