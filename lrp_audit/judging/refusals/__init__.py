"""The states in which no letter may go out (regulations, section 8): one function each, and the table that orders them.

A refusal is a value, not an exception: it names the rules, the evidence with its numbers, and the next step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from lrp_audit.judging.case import Standing
from lrp_audit.judging.refusals.completeness import missing_legal_text, provenance_incomplete, reference_missing
from lrp_audit.judging.refusals.deciding import decided_elsewhere, decision_not_reproduced, invalid_input, not_adverse
from lrp_audit.judging.refusals.explaining import contradictory, no_adverse_contribution, unfaithful, unmapped
from lrp_audit.judging.refusals.explanation import (
    another_action,
    hashes_missing,
    nothing_counts,
    protected_in_favour,
    special_data_listed,
)
from lrp_audit.judging.refusals.findings import Findings
from lrp_audit.judging.refusals.influence import age_62, age_among_reasons, prohibited_basis, special_category
from lrp_audit.judging.refusals.notice import (
    incompleteness_as_reason,
    notice_contradicts,
    notice_facts_missing,
    reasons_office_missing,
)
from lrp_audit.records.record import Refusal

__all__ = ["EXPLANATION_STATES", "STATES", "Findings", "refusals"]

Find = Callable[[Findings], Refusal | None]

# Precedence: the first state a case is in names the refusal; all are kept. Each is asked of the standings listed.
STATES: tuple[tuple[Find, frozenset[Standing]], ...] = (
    (decided_elsewhere, frozenset({"routed"})),
    (invalid_input, frozenset({"unscored", "favourable", "adverse"})),
    (decision_not_reproduced, frozenset({"favourable", "adverse"})),
    (notice_contradicts, frozenset({"incomplete", "routed", "adverse"})),
    (not_adverse, frozenset({"routed", "favourable"})),
    (prohibited_basis, frozenset({"routed", "favourable", "adverse"})),
    (special_category, frozenset({"favourable", "adverse"})),
    (age_62, frozenset({"favourable", "adverse"})),
    (age_among_reasons, frozenset({"favourable", "adverse"})),
    (no_adverse_contribution, frozenset({"adverse"})),
    (unfaithful, frozenset({"adverse"})),
    (contradictory, frozenset({"routed", "adverse"})),
    (unmapped, frozenset({"adverse"})),
    (incompleteness_as_reason, frozenset({"adverse"})),
    (reference_missing, frozenset({"adverse"})),
    (provenance_incomplete, frozenset({"incomplete", "routed", "adverse"})),
    (notice_facts_missing, frozenset({"incomplete", "routed", "adverse"})),
    (missing_legal_text, frozenset({"incomplete", "routed", "adverse"})),
    (reasons_office_missing, frozenset({"routed", "adverse"})),
)

# The same of letters that explain: approvals get one too. What such a letter itself lacks, it adds when it is drafted.
EXPLANATION_STATES: tuple[tuple[Find, frozenset[Standing]], ...] = (
    (decided_elsewhere, frozenset({"routed"})),
    (invalid_input, frozenset({"unscored", "favourable", "adverse"})),
    (another_action, frozenset({"incomplete", "routed", "favourable", "adverse"})),
    (decision_not_reproduced, frozenset({"favourable", "adverse"})),
    (prohibited_basis, frozenset({"routed", "favourable", "adverse"})),
    (special_category, frozenset({"favourable", "adverse"})),
    (special_data_listed, frozenset({"favourable", "adverse"})),
    (protected_in_favour, frozenset({"favourable", "adverse"})),
    (age_62, frozenset({"favourable", "adverse"})),
    (age_among_reasons, frozenset({"favourable", "adverse"})),
    (no_adverse_contribution, frozenset({"adverse"})),
    (nothing_counts, frozenset({"favourable"})),
    (unfaithful, frozenset({"adverse"})),
    (contradictory, frozenset({"routed", "adverse"})),
    (unmapped, frozenset({"adverse"})),
    (reference_missing, frozenset({"favourable", "adverse"})),
    (hashes_missing, frozenset({"favourable", "adverse"})),
)


def refusals(findings: Findings) -> tuple[Refusal, ...]:
    """Every state the case is in, in the order of the states of its letter."""
    asked = _asked(findings.case.standing, findings.config.documents.letter == "us-notice")
    return tuple(refusal for find in asked if (refusal := find(findings)) is not None)


@cache
def _asked(standing: Standing, notice: bool) -> tuple[Find, ...]:
    return tuple(find for find, asked in (STATES if notice else EXPLANATION_STATES) if standing in asked)
