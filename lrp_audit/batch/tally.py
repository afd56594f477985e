"""What became of rows, counted."""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from lrp_audit.records.record import Frozen


class Tally(Frozen):
    """Counts of some rows. The ready are those that neither failed nor were refused."""

    rows: int = 0
    adverse: int = 0
    letters: int = 0
    audits: int = 0
    failed: int = 0
    refused: dict[str, int] = Field(default_factory=dict)  # by the first refusal state

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            rows=self.rows + other.rows,
            adverse=self.adverse + other.adverse,
            letters=self.letters + other.letters,
            audits=self.audits + other.audits,
            failed=self.failed + other.failed,
            refused=dict(sorted((Counter(self.refused) + Counter(other.refused)).items())),
        )
