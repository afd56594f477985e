"""From an explained text to what the record keeps of it (CA-11) and to contributions that a decision is judged by.

The record never holds the text as written: personal data and the words of special categories are masked first, and
words hidden by one mask are one word there. Reasons are found in the original, since a mask would hide what carries
them.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from lrp_audit.judging.text_reasons import (
    UNMAPPED,
    FamilyWords,
    LabelledSpan,
    assign,
    claims,
    contributions,
    first_claims,
)
from lrp_audit.language.messages import ENGLISH, Messages
from lrp_audit.privacy.privacy import Finding, Masked, find_personal_data, mask
from lrp_audit.privacy.special_categories import Category, Scanner, SpecialPlace, scanner
from lrp_audit.records.record import ColumnContribution, Refusal
from lrp_audit.records.text_record import (
    ExplainedPassage,
    ExplainedText,
    MappedSpan,
    ScoredSpan,
    SpecialContent,
    TextEvidence,
    TextWord,
)
from lrp_audit.settings.text_config import TextSection


@dataclass(frozen=True)
class JudgedText:
    """What one text adds to a decision: evidence for the internal audit, contributions for the judge.

    `family_of_word` names, for every word of the original, the family it counts for; `sentences` are the stretches of
    the original behind the sentences of the evidence.
    """

    evidence: TextEvidence
    contributions: tuple[ColumnContribution, ...]
    family_of_word: tuple[str, ...]
    sentences: tuple[TextWord, ...] = ()


@dataclass(frozen=True)
class TextReader:
    """The settings of a text with its lists of special categories, ready for any number of decisions.

    Attributes:
        section: settings of the text.
        scanner: the lists of special categories.
        labels: family -> its name for reviewers.
        say: the reviewers' language.
        show: the applicants' language.
    """

    section: TextSection
    scanner: Scanner
    labels: Mapping[str, str]
    say: Messages = ENGLISH
    show: Messages = ENGLISH

    def read(
        self,
        explained: ExplainedText,
        *,
        spans: Sequence[LabelledSpan] = (),
        names: Iterable[str] = (),
        date: dt.date | None = None,
    ) -> tuple[JudgedText, ...]:
        """Mask a text, scan it, and bring its words' relevance to reason families; for a pair, both texts.

        Args:
            explained: words with their relevance, `+` toward the adverse outcome. What is not in words stands in the
                evidence of the first text.
            spans: labelled spans of the first text.
            names: names to mask, such as the addressee's.
            date: of the first text.

        Raises:
            ConfigError: a pattern of the settings takes too long.
        """
        section, known = self.section, tuple(names)
        first, *rest = explained.passages
        judged = self._judge(first, section.column, section.label or self.show("Your message"), spans, known)
        apart = {
            "date": date,
            "special_tokens": dict(explained.special),
            "sinks": dict(explained.sinks),
            "windows": explained.windows,
        }
        evidence = judged.evidence.model_copy(update=apart)
        column = section.pair or f"{section.column}, second text"
        second = section.pair_label or self.show("The second text")
        others = (self._judge(passage, column, second, (), known) for passage in rest)
        return (replace(judged, evidence=evidence), *others)

    def _judge(
        self, passage: ExplainedPassage, column: str, label: str, spans: Sequence[LabelledSpan], names: Iterable[str]
    ) -> JudgedText:
        text, section = passage.text, self.section
        special = self.scanner.scan(text)
        found = claims(text, section, special, spans)
        families, owner = assign(passage.words, found), first_claims(passage.words, found)
        personal = find_personal_data(text, regions=section.regions, names=names)
        hidden = mask(text, (*_special_findings(special), *personal))
        sentences = passage.sentences(section.language)
        shown = hidden.words(sentences)
        evidence = TextEvidence(
            column=column,
            label=label,
            text=hidden.text,
            words=hidden.words(passage.words),
            sentences=shown,
            unread=sum(word.start >= passage.read for word in passage.words),
            masked=hidden.counts,
            special=_special_content(families, special),
            mapped=tuple(_placed(span, hidden) for item in families for span in item.spans),
            unmapped=fsum(item.relevance for item in families if item.family == UNMAPPED),
        )
        of_word = (found[owner[i]].family if i in owner else UNMAPPED for i in range(len(passage.words)))
        added = contributions(families, column, label, self.labels, self.say, self.show)
        return JudgedText(evidence, added, tuple(of_word), _behind(shown, sentences, hidden))


def text_reader(
    section: TextSection,
    labels: Mapping[str, str] | None = None,
    *,
    say: Messages = ENGLISH,
    show: Messages = ENGLISH,
) -> TextReader:
    """A reader for the texts of one audit.toml.

    Raises:
        ConfigError: there are no lists of special categories in the text's language, or an addition to them is wrong.
    """
    lists = scanner(section.language, more=section.special_terms, exceptions=section.special_exceptions)
    return TextReader(section, lists, dict(labels or {}), say, show)


def special_content_refusal(
    texts: Iterable[TextEvidence], section: TextSection, say: Messages = ENGLISH
) -> Refusal | None:
    """SPECIAL_CATEGORY_INFLUENTIAL where a text names a special category at all (GDPR Art. 9; regulations 3.4).

    None where none is named, or where `section.special_content` only flags it. Prohibited bases are not asked here:
    like protected columns they refuse by their influence.
    """
    named = [item for text in texts for item in text.special if item.protected == "special"]
    if not named or section.special_content == "flag":
        return None
    listed = "; ".join(_named(item, say) for item in named)
    return Refusal(
        state="SPECIAL_CATEGORY_INFLUENTIAL",
        rule="G-04, 3.4",
        evidence=say("The text names special categories of personal data: {listed}.", listed=listed),
        next_step=say(
            "Have a person decide without these words, or remove them with the applicant's consent; phrases that mean "
            "something else belong in text.special_exceptions."
        ),
    )


def _named(item: SpecialContent, say: Messages) -> str:
    return say.plural(
        "{category}, {count} place, relevance {relevance}",
        "{category}, {count} places, relevance {relevance}",
        item.places,
        category=say(item.category),
        relevance=say.number(item.relevance, "+.4g"),
    )


def _special_findings(special: Iterable[SpecialPlace]) -> tuple[Finding, ...]:
    return tuple(Finding(place.start, place.end, place.category.name) for place in special)


def _special_content(families: Iterable[FamilyWords], special: Sequence[SpecialPlace]) -> tuple[SpecialContent, ...]:
    """The categories named, strongest first; every place counts in its own, whichever holds its words."""
    relevance = {item.category.name: item.relevance for item in families if item.category is not None}
    named: dict[str, Category] = {place.category.name: place.category for place in special}
    found = (
        SpecialContent(
            category=name,
            rule=category.rule,
            protected=category.protected,
            places=sum(place.category is category for place in special),
            relevance=relevance.get(name, 0.0),
        )
        for name, category in named.items()
    )
    return tuple(sorted(found, key=lambda item: (-item.relevance, item.category)))


def _behind(shown: Sequence[TextWord], sentences: Sequence[ScoredSpan], hidden: Masked) -> tuple[TextWord, ...]:
    """The original's stretch behind every sentence of the masked text, where a mask may have joined several."""
    starts = [item.start for item in shown]
    behind: list[list[ScoredSpan]] = [[] for _ in shown]
    for sentence in sentences:
        behind[bisect_right(starts, hidden.place(sentence.start, sentence.end)[0]) - 1].append(sentence)
    return tuple(
        TextWord(start=found[0].start, end=found[-1].end, relevance=item.relevance)
        for found, item in zip(behind, shown, strict=True)
    )


def _placed(span: MappedSpan, hidden: Masked) -> MappedSpan:
    start, end = hidden.place(span.start, span.end)
    return span.model_copy(update={"start": start, "end": end})
