"""Prototypes: how relevance is spread over many decisions, by column and outcome, and which decisions stand out."""

from __future__ import annotations

from typing import get_args

import numpy as np

from lrp_audit.aggregate.gather import Gathered
from lrp_audit.aggregate.table import TooFewDecisionsError
from lrp_audit.records.aggregates import SMALLEST_GROUP, Outcomes, Profile, Prototypes


def prototypes(found: Gathered, *, most: int = 5) -> Prototypes:
    """The spread of relevance by column, and the `most` typical and unusual decisions.

    Raises:
        TooFewDecisionsError: fewer than 50 decisions.
    """
    if found.decisions < SMALLEST_GROUP:
        raise TooFewDecisionsError(
            f"Prototypes need {SMALLEST_GROUP} decisions or more, and there are {found.decisions}."
        )
    moments = found.spreads["all"].moments
    order = np.lexsort((np.array(found.columns), -moments.strength))
    profiles = []
    for outcome in get_args(Outcomes):
        spreads = found.spreads[outcome]
        if spreads.moments.count >= SMALLEST_GROUP:
            summaries = spreads.summaries()
            profiles += [Profile(column=found.columns[j], outcome=outcome, summary=summaries[j]) for j in order]
    return Prototypes(
        decisions=found.decisions,
        adverse=found.adverse,
        profiles=tuple(profiles),
        typical=found.extremes.typical(moments, most),
        unusual=found.extremes.unusual(moments, most),
    )
