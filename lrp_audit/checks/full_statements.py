"""How the checks of level "full" stand in a record, of tables and of texts; those that did not run are named too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrp_audit.checks.full import NOTHING, FullEvidence
from lrp_audit.language.messages import Messages, message
from lrp_audit.records.record import Check
from lrp_audit.settings.sections import ChecksSection


@dataclass(frozen=True)
class Wording:
    """Titles and statements, as messages."""

    sufficiency: str
    curves: str
    gradients_statement: str
    sufficiency_statement: str
    stability_statement: str
    curves_statement: str


TABLES = Wording(
    sufficiency=message("Effect of all other families, put back to the reference"),
    curves=message("Deletion and insertion of families, against random and best orders"),
    gradients_statement=message("Stated families that integrated gradients over the same reference also put first."),
    sufficiency_statement=message(
        "Fall of the adverse margin with all but the stated reasons put back, and with as many random families: what "
        "the stated reasons cannot carry alone."
    ),
    stability_statement=message("Stated families that stay principal when every number moves within its own rounding."),
    curves_statement=message(
        "Area under the margin as families are put back and given back: 0 is chance, 1 the best order."
    ),
)
TEXTS = Wording(
    sufficiency=message("Effect of all other words, masked"),
    curves=message("Deletion and insertion of words, against random and best orders"),
    gradients_statement=message("Stated families that integrated gradients from empty embeddings also put first."),
    sufficiency_statement=message(
        "Fall of the adverse margin with all words but those of the stated reasons masked, and with as many random "
        "ones: what the stated reasons cannot carry alone."
    ),
    stability_statement=message(
        "Stated families that stay principal in lower case, with plain or typographic punctuation, and with plain "
        "white space."
    ),
    curves_statement=message(
        "Area under the margin as stretches of words are masked and given back: 0 is chance, 1 the best order."
    ),
)
GRADIENTS = message("Agreement with integrated gradients")
STABILITY = message("Stability under small input noise")


def state_full(
    evidence: FullEvidence | None,
    row: int,
    stated: int,
    settings: ChecksSection,
    say: Messages,
    wording: Wording = TABLES,
) -> tuple[Check, ...]:
    """One row's checks as they stand in its record; all "not performed" without evidence."""
    found = evidence or NOTHING
    return (
        _gradients(found, row, stated, settings, say, wording),
        _sufficiency(found, row, stated, say, wording),
        _stability(found, row, stated, settings, say, wording),
        _curves(found, row, stated, settings, say, wording),
    )


def _gradients(
    found: FullEvidence, row: int, stated: int, settings: ChecksSection, say: Messages, wording: Wording
) -> Check:
    if found.gradients is None or not stated:
        return Check(id="integrated-gradients", title=say(GRADIENTS), status="not performed")
    kept = int(found.gradients.kept[row])
    measured: dict[str, float | int | str | bool] = {"kept": kept, "stated": stated}
    if np.isfinite(found.gradients.rank_correlation[row]):
        measured["rank_correlation"] = float(found.gradients.rank_correlation[row])
    measured["same_sign"] = float(found.gradients.same_sign[row])
    measured["completeness_error"] = float(found.completeness[row])
    return Check(
        id="integrated-gradients",
        title=say(GRADIENTS),
        status="performed",
        flag=kept < min(settings.gradients_overlap, stated),
        measured=measured,
        threshold=float(min(settings.gradients_overlap, stated)),
        statement=say(wording.gradients_statement),
    )


def _sufficiency(found: FullEvidence, row: int, stated: int, say: Messages, wording: Wording) -> Check:
    if found.sufficiency is None or not stated:
        return Check(id="sufficiency", title=say(wording.sufficiency), status="not performed")
    others, random = float(found.sufficiency.stated[row]), float(found.sufficiency.random[row])
    return Check(
        id="sufficiency",
        title=say(wording.sufficiency),
        status="performed",
        flag=others > random,
        measured={"others": others, "random": random},
        statement=say(wording.sufficiency_statement),
    )


def _stability(
    found: FullEvidence, row: int, stated: int, settings: ChecksSection, say: Messages, wording: Wording
) -> Check:
    if found.stability is None or not stated:
        return Check(id="stability", title=say(STABILITY), status="not performed")
    survived = int(found.stability.survived[row])
    measured: dict[str, float | int | str | bool] = {"kept": survived, "stated": stated}
    measured["largest_change"] = float(found.stability.change[row])
    if found.stability.lipschitz is not None:
        measured["lipschitz"] = float(found.stability.lipschitz[row])
    return Check(
        id="stability",
        title=say(STABILITY),
        status="performed",
        flag=survived < min(settings.stability_overlap, stated),
        measured=measured,
        threshold=float(min(settings.stability_overlap, stated)),
        statement=say(wording.stability_statement),
    )


def _curves(
    found: FullEvidence, row: int, stated: int, settings: ChecksSection, say: Messages, wording: Wording
) -> Check:
    if found.deletion is None or found.insertion is None or not stated:
        return Check(id="curves", title=say(wording.curves), status="not performed")
    deletion, insertion = float(found.deletion.normalised[row]), float(found.insertion.normalised[row])
    return Check(
        id="curves",
        title=say(wording.curves),
        status="performed",
        flag=min(deletion, insertion) < settings.curves,
        measured={"deletion": deletion, "insertion": insertion},
        threshold=settings.curves,
        statement=say(wording.curves_statement),
    )
