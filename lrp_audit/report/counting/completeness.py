"""BA-02: every decision counts once, as ready, refused by its first refusal, or failed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lrp_audit.report.batch_report import LETTERS, MOST_LISTED, Completeness, Failure, RunFacts
from lrp_audit.report.counting.parts import Columns, by_count, counted, ready


@dataclass
class CompletenessTally:
    columns: ClassVar[tuple[str, ...]] = ("row", "id", "state", "failure", "documents")
    decisions: int = 0
    ready: int = 0
    states: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    letters: int = 0  # of ready decisions
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)
    hashes: list[npt.NDArray[np.uint64]] = field(default_factory=list)  # of ids, to find repeated ones

    def add(self, part: pa.Table) -> None:
        self.decisions += part.num_rows
        self.ready += pc.sum(ready(part)).as_py() or 0
        self.states += counted(part["state"].filter(pc.is_null(part["failure"])))
        self.hashes.append(_hashes(part))
        self._add_failures(part.filter(pc.is_valid(part["failure"])))
        self._add_documents(part)

    def found(self, run: RunFacts, columns: Columns) -> Completeness:
        repeated = self._repeated(columns)
        return Completeness(
            decisions=self.decisions,
            ready=self.ready,
            refused=by_count(self.states),
            failed=self.failed,
            failures=tuple(self.failures),
            repeated=len(repeated),
            duplicates=tuple(repeated[:MOST_LISTED]),
            documents=by_count(self.documents),
            without_letter=self.ready - self.letters,
            missing=None if run.expected is None else run.expected - self.decisions,
        )

    def _add_failures(self, part: pa.Table) -> None:
        self.failed += part.num_rows
        shown = part.slice(0, MOST_LISTED - len(self.failures))
        self.failures += [
            Failure(id=name, what=what)
            for name, what in zip(shown["id"].to_pylist(), shown["failure"].to_pylist(), strict=True)
        ]

    def _add_documents(self, part: pa.Table) -> None:
        """Letters and audits; records and addressees that lie beside them are none."""
        names = pc.struct_field(pc.list_flatten(part["documents"]), "name")
        self.documents += counted(names.filter(pc.ends_with(names, ".pdf")))
        of = part["row"].take(pc.list_parent_indices(part["documents"])).filter(pc.is_in(names, pa.array(LETTERS)))
        self.letters += pc.sum(pc.is_in(part["row"].filter(ready(part)), pc.unique(of))).as_py() or 0

    def _repeated(self, columns: Columns) -> list[str]:
        """Ids of more than one decision; those that share a hash are compared in full."""
        known = np.sort(np.concatenate(self.hashes)) if self.hashes else np.zeros(0, np.uint64)
        shared = known[1:][known[1:] == known[:-1]]
        if not len(shared):
            return []
        seen: Counter[str] = Counter()
        for part in columns(["id"]):
            seen.update(part["id"].filter(pa.array(np.isin(_hashes(part), shared))).to_pylist())
        return sorted(name for name, count in seen.items() if count > 1)


def _hashes(part: pa.Table) -> npt.NDArray[np.uint64]:
    return pd.util.hash_array(part["id"].to_numpy(), categorize=False)
