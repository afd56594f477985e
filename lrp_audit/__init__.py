"""Explains decisions of neural networks by Layer-wise Relevance Propagation and writes the documents that follow.

Importing the package loads nothing heavy; the names below come with their rooms on first use.
"""

from importlib import import_module
from typing import Any

_ROOMS = {
    "explain": "lrp_audit.explanation",
    "Explanation": "lrp_audit.explanation",
    "Explanations": "lrp_audit.explanation",
    "relevance": "lrp_audit.engine",
    "Attribution": "lrp_audit.engine",
    "Population": "lrp_audit.engine",
}

__all__ = ["Attribution", "Explanation", "Explanations", "Population", "explain", "relevance"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
