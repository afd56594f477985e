"""What only a letter that explains knows of itself: what it lacks, and how easy it is to read.

Asked when a decision is judged. The letter prints no check, so that its record may hold what is measured of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from lrp_audit.language.messages import Messages, for_reviewers, message
from lrp_audit.language.readability import INDICES, count
from lrp_audit.records.record import Addressee, Check, Record, Refusal, RefusalState
from lrp_audit.report.explanation_letter import context
from lrp_audit.report.explanation_words import KINDS
from lrp_audit.report.slots import Gap
from lrp_audit.settings.config import AuditConfig

MOST_WORDS = 20.0  # of a sentence, on average

MEAN_SENTENCE = message("mean sentence in words")
LONGEST_SENTENCE = message("longest sentence in words")

_COVERED: Mapping[RefusalState, str] = MappingProxyType({  # state -> key of the gap that it is about
    "NO_ADVERSE_CONTRIBUTION": "families",
    "DECIDED_BY_RULE": "facts.decided_reasons",
    "DECIDED_BY_HUMAN": "facts.decided_reasons",
})  # fmt: skip


def with_letter(record: Record, addressee: Addressee, config: AuditConfig) -> Record:
    """The record with refusals for what its letter lacks, and the check of the letter's language.

    Unchanged where the letter is a US notice, or there is nothing to write a letter about.

    Raises:
        ReportError, ConfigError: the letter does not exist in the language.
    """
    if config.documents.letter not in KINDS or any(item.state == "INVALID_INPUT" for item in record.refusals):
        return record
    say = for_reviewers(config)
    letter = context(record, addressee, config, draft=True)
    return record.model_copy(
        update={
            "checks": (*record.checks, _plain_language(letter.prose, letter.language, say)),
            "refusals": (*record.refusals, *_lacking(letter.gaps, record, say)),
        }
    )


def printed_data(record: Record, config: AuditConfig) -> tuple[str, ...]:
    """What such a letter prints of a row's own data, besides what a US notice does."""
    if config.documents.letter not in KINDS:
        return ()
    decision, found = record.decision, () if record.variations is None else record.variations.found
    changed = (change.display for variation in found for change in variation.changes)
    own = (decision.reference, decision.database_result)
    return (*(item.display for item in record.contributions), *changed, *(text for text in own if text))


def _plain_language(prose: Iterable[str], language: str, say: Messages) -> Check:
    """EU-04, EU-05 in plain words: reported to reviewers, and never in the letter."""
    title, counts = say("Plain language of the letter"), count(prose, language)
    if counts is None:
        return Check(id="plain-language", title=title, status="not performed")
    index = INDICES[language.split("-", maxsplit=1)[0]]
    return Check(
        id="plain-language",
        title=title,
        status="performed",
        flag=counts.words_per_sentence > MOST_WORDS,
        measured={
            MEAN_SENTENCE: counts.words_per_sentence,
            LONGEST_SENTENCE: counts.longest,
            index.name: index.of(counts),
        },
        threshold=MOST_WORDS,
        statement=say("Measured on the paragraphs of the letter. Flagged where its mean sentence is longer than that."),
    )


def _lacking(gaps: Iterable[Gap], record: Record, say: Messages) -> Iterator[Refusal]:
    """G-02: facts that are missing, then words and offices; what another refusal is about is not said again."""
    covered = {_COVERED[item.state] for item in record.refusals if item.state in _COVERED}
    covered.update(reason.text_key for reason in record.reasons)
    open_gaps = [gap for gap in gaps if gap.key not in covered]
    kinds: tuple[tuple[RefusalState, list[Gap]], ...] = (
        ("PROVENANCE_INCOMPLETE", [gap for gap in open_gaps if _is_fact(gap)]),
        ("MISSING_LEGAL_TEXT", [gap for gap in open_gaps if not _is_fact(gap)]),
    )
    for state, missing in kinds:
        if missing:
            step = say("Supply: {listed}.", listed=", ".join(gap.key for gap in missing))
            draft = say("`lrp-audit letter --draft` prints the letter with its gaps marked.")
            yield Refusal(
                state=state,
                rule=", ".join(dict.fromkeys(("G-02", *(gap.rule for gap in missing if gap.rule)))),
                evidence=say("Missing: {listed}.", listed=", ".join(gap.what for gap in missing)),
                next_step=f"{step} {draft}",
            )


def _is_fact(gap: Gap) -> bool:
    """Whether a gap is about what happened, and not about how to say it."""
    return gap.key.startswith(("facts.", "--", "variations.")) or gap.key.endswith(".source")
