"""A random sample of decisions, drawn while they pass: those whose ids have the smallest keyed hashes.

Every decision has the same chance, and whether it is drawn depends on its id and the seed alone: not on the order or
the chunks that decisions come in. Two models' views of the same decisions are thus sampled alike (bottom-k sampling,
Cohen and Kaplan 2007).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lrp_audit.aggregate.table import ExplainedTable, joined

SIZE = 20_000  # decisions
_MOST_PARTS = 50  # small tables are mostly overhead


class Sampler:
    def __init__(self, size: int = SIZE, seed: int = 0) -> None:
        self._size, self._key = size, f"{seed % 10**16:016d}"
        self._parts: list[ExplainedTable] = []
        self._kept, self._bar = 0, np.uint64(2**64 - 1)

    def add(self, part: ExplainedTable) -> None:
        chosen = self._hashes(part) <= self._bar
        if not chosen.any():
            return
        self._parts.append(part.only(chosen))
        self._kept += int(chosen.sum())
        if self._kept > 2 * self._size:
            self._parts = [self.table()]
            self._kept, self._bar = self._size, self._hashes(self._parts[0]).max()
        elif len(self._parts) > _MOST_PARTS:
            self._parts = [joined(self._parts)]

    def table(self) -> ExplainedTable:
        """The sample in the order of its hashes, which is random too. Something must have been added."""
        table = joined(self._parts)
        return table.only(np.argsort(self._hashes(table), kind="stable")[: self._size])

    def _hashes(self, table: ExplainedTable) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        ids = table.ids.to_numpy(dtype=object)
        return np.asarray(pd.util.hash_array(ids, hash_key=self._key, categorize=False), dtype=np.uint64)
