"""What a model of a table answered of a chunk, as arrays, and one row of it as the typed parts of a record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from lrp_audit.checks import variations
from lrp_audit.checks.evidence import Evidence, state
from lrp_audit.checks.full import FullEvidence
from lrp_audit.checks.full_statements import state_full
from lrp_audit.deciding.assembly import conservation, reference_facts
from lrp_audit.deciding.decision_model import Cutoff, Explained
from lrp_audit.deciding.weighed import WeighedTable
from lrp_audit.explaining.explainer import ColumnRelevance
from lrp_audit.explaining.reference import Reference
from lrp_audit.judging.case import Faithfulness
from lrp_audit.language.messages import Messages
from lrp_audit.records.record import Check, Outcome, ReferenceFacts, TieBreak, Variations
from lrp_audit.settings.sections import ChecksSection

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Outcomes of the rows in `rows`: margin and score, each (N,), from the graph and from the user's own estimator."""

    rows: frozenset[int]
    cutoff: Cutoff
    cutoff_on: Literal["probability", "margin", "value"]
    margin: FloatArray
    score: FloatArray
    own_margin: FloatArray
    own_score: FloatArray

    @cached_property
    def adverse(self) -> BoolArray:
        """Whether a row is refused; (N,)."""
        return self.margin >= self.cutoff.margin

    @cached_property
    def near_cutoff(self) -> BoolArray:
        """Whether a row is nearer to the cutoff than the two margins are to each other; (N,)."""
        return np.asarray(np.abs(self.margin - self.cutoff.margin) <= np.abs(self.own_margin - self.margin))

    def numbers(self) -> dict[str, FloatArray]:
        """Columns of the table of decisions; (N,) each."""
        return {"margin": self.margin, "score": self.score, "estimator_score": self.own_score}

    def get(self, row: int) -> Outcome | None:
        """See `Answers`."""
        return self.outcome(row) if row in self.rows else None

    def outcome(self, row: int) -> Outcome:
        """Of any row, those that only fill the chunk included."""
        line = self.cutoff
        return Outcome(
            adverse=bool(self.adverse[row]),
            margin=float(self.margin[row]),
            cutoff_margin=line.margin,
            score=float(self.score[row]),
            cutoff=line.value,
            cutoff_on=self.cutoff_on,
            estimator_score=float(self.own_score[row]),
            near_cutoff=bool(self.near_cutoff[row]),
        )


@dataclass(frozen=True)
class Explanations:
    """Explanations of the rows in `rows`, with what the checks found; `full` is None where they were not asked for."""

    rows: frozenset[int]
    table: WeighedTable
    relevance: ColumnRelevance
    reference: Reference
    evidence: Evidence
    full: FullEvidence | None
    ties: Mapping[int, TieBreak]
    varied: Mapping[int, Variations]
    settings: ChecksSection
    say: Messages

    def get(self, row: int) -> Explained | None:
        """See `Answers`."""
        if row not in self.rows:
            return None
        return Explained(
            columns=self.table.row(row),
            conservation=conservation(self.relevance, row),
            checks=self.checks(row),
            reference=self.compared(row),
            directions=self.evidence.directions[row],
            faithfulness=self._faithfulness(row),
            variations=self.varied.get(row),
            tie=self.ties.get(row),
        )

    def numbers(self) -> dict[str, FloatArray]:
        """Columns of the table of decisions; (N,) each."""
        found, nothing = self.relevance, np.zeros(len(self.relevance.explained))
        sinks = zip(*found.sinks.values(), strict=True)
        return {
            "explained": found.explained,
            "attributed": found.attributed,
            "moved": nothing if found.moved is None else found.moved,
            "absorbed": np.array([math.fsum(row) for row in sinks]) if found.sinks else nothing,
            "residual": found.residual,
            "reference_mean": found.reference_margin,
        }

    def checks(self, row: int) -> tuple[Check, ...]:
        """The checks of a row, the same objects for all rows where nothing is checked."""
        return self._unchecked if self.settings.level == "none" else self._checks(row)

    @cached_property
    def _unchecked(self) -> tuple[Check, ...]:
        return self._checks(min(self.rows))

    def _checks(self, row: int) -> tuple[Check, ...]:
        varied = self.varied.get(row)
        return (
            *state(self.evidence, row, self.settings, self.say),
            *(self._not_in_full if self.full is None else self._in_full(row)),
            self._not_varied if varied is None else variations.stated(varied, self.say),
        )

    def _in_full(self, row: int) -> tuple[Check, ...]:
        return state_full(self.full, row, int(self.evidence.stated[row]), self.settings, self.say)

    @cached_property
    def _not_in_full(self) -> tuple[Check, ...]:
        """The checks of level full, one object for all rows where they were not asked for."""
        return self._in_full(min(self.rows))

    @cached_property
    def _not_varied(self) -> Check:
        return variations.stated(None, self.say)

    @cached_property
    def _references(self) -> dict[float, ReferenceFacts]:
        return {}

    def compared(self, row: int) -> ReferenceFacts:
        """The reference, one object for all rows with the same mean margin."""
        mean_margin = float(self.relevance.reference_margin[row])
        found = self._references.get(mean_margin)
        if found is None:
            found = self._references[mean_margin] = reference_facts(self.reference, mean_margin)
        return found

    def _faithfulness(self, row: int) -> Faithfulness | None:
        putback = self.evidence.putback
        return None if putback is None else Faithfulness(float(putback.stated[row]), float(putback.random[row]))
