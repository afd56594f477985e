"""Whether a letter can print what a decision's data say."""

from __future__ import annotations

from collections.abc import Sequence

from lrp_audit.language.messages import for_reviewers
from lrp_audit.records.record import Addressee, Record, Refusal
from lrp_audit.report.explanation_checks import printed_data
from lrp_audit.report.fonts import code_points, unprintable
from lrp_audit.report.limits import EXPLANATION_LINES, LETTER_LINES, lines
from lrp_audit.settings.config import AuditConfig

_NO_DENIAL = frozenset({"NOT_ADVERSE", "INVALID_INPUT"})


def may_be_drafted(record: Record) -> bool:
    """Whether there is a denial to write a draft about, whatever else is missing."""
    return all(refusal.state not in _NO_DENIAL for refusal in record.refusals)


def with_printability(record: Record, addressee: Addressee, config: AuditConfig) -> Record:
    """The record, refused as UNPRINTABLE_TEXT where the letter's fonts lack a character of it."""
    if not may_be_drafted(record):
        return record
    facts = record.decision
    printed = [addressee.name, *addressee.address, facts.product, facts.amount, *facts.decided_reasons]
    printed += [*facts.counteroffer.terms, *facts.incompleteness.items, facts.reference]
    printed += [*facts.bureau.key_factors, *(reason.text for reason in record.reasons)]
    printed += [text for reason in record.reasons if reason.place for text in (reason.place.label, reason.place.quote)]
    printed += printed_data(record, config)
    refusal = _unprintable([text for text in printed if text], config)
    if refusal is None:
        return record
    return record.model_copy(update={"refusals": (*record.refusals, refusal)})


def _unprintable(printed: Sequence[str], config: AuditConfig) -> Refusal | None:
    """Why a letter cannot print these texts; None where it can."""
    say = for_reviewers(config)
    most = LETTER_LINES if config.documents.letter == "us-notice" else EXPLANATION_LINES
    if (count := lines(printed)) > most:
        evidence = say.plural(
            "The letter would have to print {count} line of data, more than {most}.",
            "The letter would have to print {count} lines of data, more than {most}.",
            count,
            most=most,
        )
        next_step = say("Correct the data: a name, an address, a request and reasons are shorter.")
    elif missing := unprintable("\n".join(printed), config):
        evidence = say(
            "The document font cannot print {characters}, which the letter would have to print.",
            characters=code_points(missing),
        )
        next_step = say("Name a font file that has these characters in documents.extra_fonts, or correct the data.")
    else:
        return None
    return Refusal(state="UNPRINTABLE_TEXT", rule="G-02, US-01", evidence=evidence, next_step=next_step)
