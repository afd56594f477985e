"""What a US notice is about, as the internal audit lists it (CA-01): a counteroffer, or missing information."""

from __future__ import annotations

from lrp_audit.language.messages import Messages
from lrp_audit.records.record import DecisionFacts
from lrp_audit.report.formats import clip, maybe_date
from lrp_audit.report.standing import Fact

CELL = 200  # characters of a list


def action_facts(decision: DecisionFacts, say: Messages) -> tuple[Fact, ...]:
    """Terms and end of a counteroffer, or what is missing and by when; nothing of a plain denial."""
    offer, missing = decision.counteroffer, decision.incompleteness
    facts: list[Fact] = []
    if decision.action == "counteroffer":
        facts.append(Fact(say("Counteroffer"), clip("; ".join(offer.terms), CELL)))
        facts.append(Fact(say("Counteroffer ends"), maybe_date(offer.accept_by, say)))
    elif offer.made is not None:
        facts.append(Fact(say("Counteroffer made, not accepted"), maybe_date(offer.made, say)))
    if decision.action == "incomplete":
        facts.append(Fact(say("Missing information"), clip("; ".join(missing.items), CELL)))
        facts.append(Fact(say("Needed by"), maybe_date(missing.respond_by, say)))
    return tuple(facts)
