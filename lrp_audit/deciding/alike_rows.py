"""The rows of tables of decisions that others were judged for: what was said of those, with numbers of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lrp_audit.deciding.alike import Alike
from lrp_audit.deciding.alike_reasons import AlikeReasons
from lrp_audit.deciding.decision_row import REASON, CheckLists
from lrp_audit.deciding.facts import RowFacts
from lrp_audit.history.decision_folder import folder_name

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class AlikeRows:
    """M rows of a chunk that others were judged for.

    Attributes:
        alike: which.
        reasons: what counts against them.
        facts: of every row of the chunk.
        key: the secret of pseudonyms.
        first_row: where the chunk starts in its source.
    """

    alike: Alike
    reasons: AlikeReasons
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
            "covered": pa.array(self.reasons.covered, pa.float64()),
            "gap": pa.array(self.reasons.gap, pa.float64()),
            "reasons": self._reasons(),
            **({} if self.alike.unchecked else {"checks": self._checks()}),
        }

    def _checks(self) -> pa.Array:
        found = CheckLists()
        for checks in self.alike.checks:
            found.add(checks)
        return found.array()

    def _reasons(self) -> pa.Array:
        """The families that count most against each."""
        found = self.reasons
        stated = np.arange(found.sums.shape[1]) < found.stated[:, None]
        ranks = pa.array(np.nonzero(stated)[1] + 1, pa.int32())
        columns = {"rank": ranks, "relevance": pa.array(found.sums[stated], pa.float64())}
        words = pa.array(found.words[stated])
        for field in REASON:
            if field.name not in columns:
                values = [getattr(reason, field.name) for reason in found.worded]
                columns[field.name] = pa.array(values, field.type).take(words)
        offsets = pa.array(np.concatenate([[0], np.cumsum(found.stated)]), pa.int32())
        structs = pa.StructArray.from_arrays([columns[field.name] for field in REASON], fields=list(REASON))
        return pa.ListArray.from_arrays(offsets, structs)
