"""Python's collector of cyclic garbage, kept from looking again and again at what is no garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_spared() -> Iterator[None]:
    """Spare the collector what lives already: torch, scikit-learn, the model."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def collected_once() -> Iterator[None]:
    """Collect once at the end what becomes garbage all together then, as the boxes of a document do."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
        gc.collect(0)
