"""The rows of tables of decisions that others were judged for: what was said of those, with numbers of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lrp_audit.deciding.alike import Alike
from lrp_audit.deciding.decision_row import REASON
from lrp_audit.deciding.facts import RowFacts
from lrp_audit.history.decision_folder import folder_name
from lrp_audit.judging.ready import ready
from lrp_audit.settings.config import AuditConfig

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class AlikeRows:
    """M rows of a chunk that others were judged for.

    Attributes:
        alike: which.
        config: the settings.
        facts: of every row of the chunk.
        key: the secret of pseudonyms.
        first_row: where the chunk starts in its source.
    """

    alike: Alike
    config: AuditConfig
    facts: Sequence[RowFacts]
    key: bytes
    first_row: int

    def completed(self, judged: IntArray, decisions: pa.Table, relevance: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Both tables with these rows, in the order of the chunk.

        Args:
            judged: places of the rows that the tables hold, in order.
            decisions: schema `DECISIONS`.
            relevance: as `RelevanceRows` makes it.
        """
        theirs = decisions.take(pa.array(np.searchsorted(judged, self.alike.judged)))
        for name, values in self._own.items():
            place = theirs.schema.get_field_index(name)
            theirs = theirs.set_column(place, theirs.schema.field(place), values)
        by_input = [pa.array(column) for column in self.alike.explained.table.relevance[self.alike.rows].T]
        more = pa.table([self._own["row"], self._own["id"], *by_input], schema=relevance.schema)
        order = pa.array(np.argsort(np.concatenate([judged, self.alike.rows])))
        return (pa.concat_tables([decisions, theirs]).take(order), pa.concat_tables([relevance, more]).take(order))

    @cached_property
    def _own(self) -> dict[str, pa.Array]:
        """Columns in which every row has a value of its own."""
        rows = self.alike.rows
        decisions = [self.facts[row].decision for row in rows.tolist()]
        texts = {
            "id": [decision.id for decision in decisions],
            "applicant": [decision.applicant for decision in decisions],
            "folder": [folder_name(self.key, decision.id) for decision in decisions],
            "amount": [decision.amount for decision in decisions],
        }
        numbers = self.alike.scores.numbers() | self.alike.explained.numbers()
        return {
            "row": pa.array(self.first_row + rows, pa.int64()),
            **{name: pa.array(values, pa.string()) for name, values in texts.items()},
            **{name: pa.array(values[rows], pa.float64()) for name, values in numbers.items()},
            **self._ranking(),
            "reasons": self._reasons(),
        }

    @cached_property
    def _ranked(self) -> FloatArray:
        """The sums of families, most adverse first; (M, F)."""
        table, rows = self.alike.explained.table, self.alike.rows
        return np.take_along_axis(table.sums[rows], table.family_ranks[rows], axis=1)

    @cached_property
    def _against(self) -> IntArray:
        """How many families count against each; (M,)."""
        return np.asarray((self._ranked > self.alike.explained.table.floors[self.alike.rows]).sum(1))

    @cached_property
    def _stated(self) -> IntArray:
        """How many of them are stated; (M,)."""
        return np.minimum(self._against, self.config.documents.max_reasons)

    def _ranking(self) -> dict[str, pa.Array]:
        """See `records.record.Ranking`."""
        covered, gap = list[float | None](), list[float | None]()
        counted = zip(self._ranked.tolist(), self._against.tolist(), self._stated.tolist(), strict=True)
        for sums, against, stated in counted:
            covered.append(math.fsum(sums[:stated]) / math.fsum(sums[:against]) if stated else None)
            gap.append(sums[stated - 1] - sums[stated] if stated < against else None)
        return {"covered": pa.array(covered, pa.float64()), "gap": pa.array(gap, pa.float64())}

    def _reasons(self) -> pa.Array:
        """The families that count most against each, without a direction, which only checks confirm."""
        table, known = self.alike.explained.table, ready(self.config)
        stated = np.arange(len(table.names)) < self._stated[:, None]
        family = pa.array(table.family_ranks[self.alike.rows][stated])
        words = [known.wording(name, None) for name in table.names]
        of_families: dict[str, Sequence[str | None]] = {
            "family": table.names,
            "text": [word.text for word in words],
            "text_key": [word.key for word in words],
            "direction": [None for _ in words],
            "code": [known.codes.get(name) for name in table.names],
        }
        columns = {name: pa.array(values, pa.string()).take(family) for name, values in of_families.items()}
        columns["rank"] = pa.array(np.nonzero(stated)[1] + 1, pa.int32())
        columns["relevance"] = pa.array(self._ranked[stated], pa.float64())
        offsets = pa.array(np.concatenate([[0], np.cumsum(self._stated)]), pa.int32())
        structs = pa.StructArray.from_arrays([columns[field.name] for field in REASON], fields=list(REASON))
        return pa.ListArray.from_arrays(offsets, structs)
