"""BA-08: decisions that protected data stand behind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from lrp_audit.report.batch_report import MOST_LISTED, Protected, ProtectedHit, RunFacts
from lrp_audit.report.counting.parts import by_count, counted

PROTECTED = ("PROHIBITED_BASIS_INFLUENTIAL", "AGE_62_NEGATIVE", "SPECIAL_CATEGORY_INFLUENTIAL")


@dataclass
class ProtectedTally:
    columns: ClassVar[tuple[str, ...]] = ("id", "states")
    run: RunFacts
    states: Counter[str] = field(default_factory=Counter)
    hits: list[ProtectedHit] = field(default_factory=list)

    def add(self, part: pa.Table) -> None:
        states = pc.list_flatten(part["states"])
        here = pc.is_in(states, pa.array(PROTECTED))
        states = states.filter(here)
        self.states += counted(states)
        room = MOST_LISTED - len(self.hits)
        rows = pc.list_parent_indices(part["states"]).filter(here).slice(0, room)
        self.hits += [
            ProtectedHit(id=name, state=state, outcome=self.run.escalations.get(name))
            for name, state in zip(part["id"].take(rows).to_pylist(), states.slice(0, room).to_pylist(), strict=True)
        ]

    def found(self) -> Protected:
        return Protected(
            states=by_count(self.states),
            hits=tuple(sorted(self.hits, key=lambda hit: (hit.state, hit.id))),
        )
