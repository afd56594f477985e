"""The chapter on verified variations (CA-10): with which other values the same model would have decided otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lrp_audit.language.display import number
from lrp_audit.language.messages import Messages
from lrp_audit.records.record import Outcome, Record, Variations
from lrp_audit.report.formats import clip

CELL = 80  # characters of a name or value
SENTENCE = 300


@dataclass(frozen=True)
class ChangeRow:
    """One change of one variation; changes with the same number belong together."""

    number: str
    label: str
    column: str
    before: str
    after: str
    mutable: str  # the person can change it
    score_before: str
    score_after: str


@dataclass(frozen=True)
class VariationsView:
    """The chapter: what was searched, what was found, sentences of a text, and what it does not say."""

    result: str
    notes: tuple[str, ...]
    variations: tuple[tuple[ChangeRow, ...], ...]
    sentences: tuple[str, ...]
    sentences_result: str


def variations_view(record: Record, say: Messages) -> VariationsView | None:
    """The chapter of a record; None where no search was made, as of an approval."""
    found, outcome = record.variations, record.outcome
    if found is None or outcome is None:
        return None
    return VariationsView(
        result=_result(found, outcome, say),
        notes=tuple(_notes(found, record, say)),
        variations=tuple(_rows(found, record, number(outcome.score, say=say), say)),
        sentences=tuple(_sentences(found, record, say)),
        sentences_result=_sentences_result(found, number(outcome.score, say=say), say),
    )


def _result(found: Variations, outcome: Outcome, say: Messages) -> str:
    if not found.tried:
        return say(
            "Nothing could be varied: no column is marked mutable with values that enough people have, and no text has "
            "sentences to leave out."
        )
    tried, most = say.number(found.tried, ","), say.number(found.most_changes, "d")
    if not found.found and not found.left_out:
        return say(
            "None found among {tried} combinations tried, of at most {most} changes at once.", tried=tried, most=most
        )
    return say(
        "Found among {tried} combinations tried, of at most {most} changes at once: with each of the variations below, "
        "all else unchanged, the same model decides otherwise (cutoff {cutoff}). Each was run again through the whole "
        "pipeline.",
        tried=tried,
        most=most,
        cutoff=number(outcome.cutoff, say=say),
    )


def _notes(found: Variations, record: Record, say: Messages) -> Iterator[str]:
    if found.columns:
        labels = {item.column: item.label for item in record.contributions}
        listed = ", ".join(clip(labels.get(column, column), CELL) for column in found.columns)
        yield say("Could vary, as the person can change it: {columns}. All else was held fixed.", columns=listed)
    if found.tried:
        yield say("One change is found wherever one of those tried suffices; of two or three only a part is tried.")
    yield say("This describes a calculation with this model version. It is neither advice nor a promise (G-06).")


def _rows(found: Variations, record: Record, before: str, say: Messages) -> Iterator[tuple[ChangeRow, ...]]:
    mutable = {item.column: item.mutable for item in record.contributions}
    for place, variation in enumerate(found.found, start=1):
        yield tuple(
            ChangeRow(
                number=say.number(place, "d"),
                label=clip(change.label, CELL),
                column=clip(change.column, CELL),
                before=clip(change.from_display, CELL),
                after=clip(change.display, CELL),
                mutable=say("yes") if mutable.get(change.column) else say("no"),
                score_before=before,
                score_after=number(variation.score, say=say),
            )
            for change in variation.changes
        )


def _sentences(found: Variations, record: Record, say: Messages) -> Iterator[str]:
    """The sentences left out, as the masked text has them."""
    evidence = record.text_evidence[0] if record.text_evidence else None
    for place in found.left_out:
        shown = evidence.sentences[place] if evidence is not None and place < len(evidence.sentences) else None
        text = "" if shown is None or evidence is None else evidence.text[shown.start : shown.end]
        yield say("Sentence {number}: {text}", number=say.number(place + 1, "d"), text=clip(text, SENTENCE))


def _sentences_result(found: Variations, before: str, say: Messages) -> str:
    if not found.left_out or found.left_out_score is None:
        return ""
    after = number(found.left_out_score, say=say)
    return say("Score without these sentences: {after}, instead of {before}.", after=after, before=before)
