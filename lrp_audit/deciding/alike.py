"""Approvals of a chunk that are judged alike, so that one of them is judged for all.

Nobody is written to about an approval, and of most there is nothing to say but numbers: no protected column counts, no
score is near the cutoff, nothing that was recorded differs. With the same facts such approvals are in the same state.
Every refused application, and every approval that a reviewer would hear of, is judged by itself. Checks of an approval
add numbers and choose the words of its reasons; its state does not depend on them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from lrp_audit.deciding.decisions import Examined
from lrp_audit.deciding.tabular_answers import Explanations, Scores
from lrp_audit.judging.ready import Ready, ready
from lrp_audit.judging.refusals.influence import OLDER_APPLICANT
from lrp_audit.judging.refusals.recorded import means_refusal, reproduced
from lrp_audit.language.wording import DIRECTIONS
from lrp_audit.records.record import Check, DecisionFacts, Recorded

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

OWN_FACTS = ("addressee_sha256", "amount", "applicant", "id", "recorded", "reference")  # that no judgement depends on
_shared_facts = attrgetter(*sorted(DecisionFacts.model_fields.keys() - OWN_FACTS))
_NOTHING = Recorded()
_ROUNDING = 1 - 1e-9  # a share is summed in another order here than where it is judged


@dataclass(frozen=True)
class Alike:
    """M rows of a chunk that others are judged for.

    Attributes:
        scores, explained: of the whole chunk.
        rows: the places of the M rows, in order.
        judged: (M,) places of the rows that are judged for them.
    """

    scores: Scores
    explained: Explanations
    rows: IntArray
    judged: IntArray

    @property
    def unchecked(self) -> bool:
        """Whether nothing is checked, so that all rows have the same to say of that."""
        return self.explained.settings.level == "none"

    @cached_property
    def checks(self) -> Sequence[tuple[Check, ...]]:
        """What checks found of each of the rows."""
        return [self.explained.checks(row) for row in self.rows.tolist()]


def alike(examined: Examined) -> Alike | None:
    """The rows that others may be judged for; None where each has to be judged by itself.

    That is so for texts, and where approvals get a letter as well.
    """
    config, scores, explained = examined.session.config, examined.outcomes, examined.explained
    if not isinstance(scores, Scores) or not isinstance(explained, Explanations):
        return None
    if config.documents.letter != "us-notice":
        return None
    close = explained.table.near_tied(config.documents.max_reasons, config.checks.near_tie)
    first: dict[Hashable, int] = {}
    rows, judged = list[int](), list[int]()
    for row in _plain(examined, scores, explained):
        kind = (*_shared_facts(examined.facts[row].decision), bool(close[row]))
        if (known := first.setdefault(kind, row)) != row:
            rows.append(row)
            judged.append(known)
    return Alike(scores, explained, np.array(rows, np.intp), np.array(judged, np.intp))


def _plain(examined: Examined, scores: Scores, explained: Explanations) -> list[int]:
    """Approvals as they were recorded, and of which nothing is to be said."""
    rows = np.array(sorted(explained.rows), np.intp)
    rows = rows[~(scores.adverse | scores.near_cutoff)[rows]]
    rows = rows[~_remarkable(examined, explained, rows)]
    return [row for row in rows.tolist() if row not in explained.ties and _as_recorded(examined, scores, row)]


def _as_recorded(examined: Examined, scores: Scores, row: int) -> bool:
    """Whether nothing that was recorded of an approval differs from what the model computes."""
    session, recorded = examined.session, examined.facts[row].decision.recorded
    if recorded == _NOTHING:
        return True
    config, facts, tolerance = session.config, session.model.facts, session.model.tolerance
    return (
        (recorded.outcome is None or means_refusal(recorded.outcome, facts, config.decision) is False)
        and (recorded.score is None or reproduced(recorded.score, float(scores.own_score[row]), config, tolerance))
        and (recorded.model_version is None or recorded.model_version == facts.version)
    )


def _remarkable(examined: Examined, explained: Explanations, rows: IntArray) -> BoolArray:
    """Which rows something may have to be said of: all that `reasons.judge` would, and some more."""
    table, config = explained.table, examined.session.config
    known, facts = ready(config), [examined.facts[row].decision for row in rows.tolist()]
    relevance, floors = table.relevance[rows], table.floors[rows]
    stated = table.stated(config.documents.max_reasons)[rows]
    ranked = np.take_along_axis(table.sums[rows], table.family_ranks[rows], axis=1)
    found = ((ranked[:, :-1] - ranked[:, 1:] <= floors) & (ranked[:, 1:] > floors)).any(1)
    names_a_basis = [any(map(known.prohibited, _statements(known, name))) for name in table.names]
    found |= stated[:, names_a_basis].any(1)
    if table.reported:
        unused = np.array([not item.bureau.report_used for item in facts], np.bool_)
        found |= unused & stated[:, [not table.reported.isdisjoint(own) for own in table.members]].any(1)
    if table.protected:
        found |= stated[:, [not table.protected.isdisjoint(own) for own in table.members]].any(1)
        most = config.checks.protected_share * np.maximum(relevance, 0).sum(1)
        found |= np.abs(relevance[:, sorted(table.protected)]).sum(1) >= _ROUNDING * most
        younger = np.array([item.age is not None and item.age < OLDER_APPLICANT for item in facts], np.bool_)
        age = [j for j in table.protected if table.columns[j].settings.protected == "age"]
        found |= ~younger & (relevance[:, age] > floors).any(1)
    return np.asarray(found)


def _statements(known: Ready, family: str) -> Iterator[str]:
    """What may be said of a family, whichever direction checks confirm."""
    return (known.wording(family, direction).text for direction in DIRECTIONS)
