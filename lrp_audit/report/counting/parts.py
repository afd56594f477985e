"""What the tallies share: parts of a table, counts that merge, and values of which only the spread is kept."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lrp_audit.report.batch_report import Count, Distribution

Columns: TypeAlias = Callable[[Sequence[str]], Iterator[pa.Table]]
"""The named columns of the decisions, part by part, in their order; every call starts anew."""

NEVER = np.iinfo(np.int32).min  # a date that is not known


def ready(part: pa.Table) -> Any:
    """(N,) whether nothing stands against a decision's letter: it may go to review."""
    return pc.and_(pc.is_null(part["state"]), pc.is_null(part["failure"]))


def days(part: pa.Table, name: str) -> npt.NDArray[np.int32]:
    """(N,) dates as days since 1970, `NEVER` where there is none."""
    found: npt.NDArray[np.int32] = part[name].cast(pa.int32()).fill_null(int(NEVER)).to_numpy()
    return found


def counted(values: Any) -> Counter[str]:
    """How often each text occurs; what is null does not count."""
    found = pc.value_counts(values.drop_null())
    return Counter({item["values"].as_py(): item["counts"].as_py() for item in found})


def by_count(counts: Counter[str]) -> tuple[Count, ...]:
    """Most frequent first, equal ones by name."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Count(name=name, count=count) for name, count in ordered)


@dataclass
class Spread:
    """Extremes and mean of numbers seen once. Sums are exact within a part (Shewchuk 1997), and so of parts."""

    count: int = 0
    lowest: float = math.inf
    highest: float = -math.inf
    sums: list[float] = field(default_factory=list)

    def add(self, values: npt.NDArray[np.float64]) -> None:
        if values.size:
            self.count += values.size
            self.lowest = min(self.lowest, float(values.min()))
            self.highest = max(self.highest, float(values.max()))
            self.sums.append(math.fsum(values))

    def distribution(self, name: str) -> Distribution | None:
        """None where there was no number."""
        if not self.count:
            return None
        mean = math.fsum(self.sums) / self.count
        return Distribution(name=name, count=self.count, lowest=self.lowest, mean=mean, highest=self.highest)
