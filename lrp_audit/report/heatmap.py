"""A text with every word shaded by its relevance, and the tables that say the same in numbers (CA-11).

Red and underlined counts against, blue without a line is in favour. Equal strengths of both have equal lightness, so a
copy in greys shows the strength by its shade and the sign by its line. The scale is symmetric at the text's strongest
word and printed: nine bins, each shade for twice the relevance of the one before, since a few words usually carry most
and equal bins would leave all others blank. Neighbours of one bin are one stretch. What is drawn is the masked text of
the record, and whatever it holds is printed as text.

Right-to-left scripts keep their order in HTML. A PDF prints them as code points, or with a font of
`documents.extra_fonts` stretch by stretch, since WeasyPrint orders right-to-left text within a stretch only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lrp_audit.language.messages import ENGLISH, Messages, for_reviewers
from lrp_audit.records.record import digest
from lrp_audit.records.text_record import MappedSpan, ScoredSpan, TextEvidence
from lrp_audit.report.charts import symmetric_scale
from lrp_audit.report.fonts import faces, with_code_points
from lrp_audit.report.formats import decimals_for, signed
from lrp_audit.report.names import name_of, sink_name
from lrp_audit.report.render import Source, to_html, to_pdf
from lrp_audit.settings.config import AuditConfig

FOLDER = "heatmap"
STRONGEST = 4  # bins to either side of the neutral one
DRAWN = 4000  # words drawn of a very long text; the tables cover all of them
WORDS, SENTENCES, PLACES = 12, 5, 6  # rows of the tables, and stretches named per family
_CONTEXT, _SENTENCE = 34, 200  # characters shown around a word, and of a sentence
_LINE_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True)
class Run:
    """Neighbouring words of one bin, white space between them; `bin` runs from -4 (in favour) to 4 (against)."""

    text: str
    bin: int

    @property
    def style(self) -> str:
        """Its class in the style sheet; "" for the neutral bin."""
        return style(self.bin)


@dataclass(frozen=True)
class Step:
    """One bin of the printed scale."""

    style: str
    limits: str


@dataclass(frozen=True)
class Row:
    """A labelled number. `before` and `after` surround a word; `details` are further cells."""

    text: str
    number: str
    side: str
    before: str = ""
    after: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextView:
    """Everything that the section on one text prints, in its order."""

    label: str
    notes: tuple[str, ...]
    scale: tuple[Step, ...]
    paragraphs: tuple[tuple[Run, ...], ...]
    words: tuple[Row, ...]
    sentences: tuple[Row, ...]
    families: tuple[Row, ...]  # details: where, found by
    special: tuple[Row, ...]  # details: rule, places
    apart: tuple[Row, ...]


def heatmap_pdf(evidence: TextEvidence, config: AuditConfig, *, source: Source | None = None) -> bytes:
    """The section on one text as a document of its own, to look at: PDF/UA-1, and PDF/A-3a with a `source`.

    Raises:
        ReportError: a font cannot be used.
    """
    html = heatmap_html(evidence, config, styled=False)
    return to_pdf(html, FOLDER, faces(config), identifier=digest(evidence), source=source)


def heatmap_html(evidence: TextEvidence, config: AuditConfig, *, styled: bool = True) -> str:
    """The section on one text as a page of HTML; characters that no document font has are shown as code points."""
    page = to_html(FOLDER, {"view": text_view(evidence, config)}, say=for_reviewers(config), styled=styled)
    return with_code_points(page, config)


def text_view(evidence: TextEvidence, config: AuditConfig) -> TextView:
    """What the section on one text prints."""
    say = for_reviewers(config)
    limit = symmetric_scale([word.relevance for word in evidence.words])
    decimals = decimals_for([limit])
    return TextView(
        label=evidence.label,
        notes=tuple(_notes(evidence, say)),
        scale=scale(limit, say),
        paragraphs=paragraphs(evidence.text[: _drawn(evidence)], evidence.words[:DRAWN], limit),
        words=tuple(_word_rows(evidence, decimals, say)),
        sentences=tuple(_sentence_rows(evidence, decimals, say)),
        families=tuple(_family_rows(evidence, config, decimals, say)),
        special=tuple(
            row(name_of(item.category, say), item.relevance, decimals, say, details=(item.rule, str(item.places)))
            for item in evidence.special
        ),
        apart=tuple(_apart(evidence, decimals, say)),
    )


def style(bin_: int) -> str:
    """The class of a bin: `a1` to `a4` against, `f1` to `f4` in favour, "" for neutral."""
    return "" if bin_ == 0 else f"{'a' if bin_ > 0 else 'f'}{abs(bin_)}"


def bin_of(relevance: float, limit: float) -> int:
    """The bin of a relevance: 0 below a sixteenth of `limit`, 1 from there, 2 from an eighth, 3 a quarter, 4 a half."""
    strength = sum(math.ldexp(abs(relevance), halvings) >= limit for halvings in range(1, STRONGEST + 1))
    return strength if relevance > 0 else -strength


def scale(limit: float, say: Messages = ENGLISH) -> tuple[Step, ...]:
    """The nine bins with their limits in words, from in favour to against."""
    decimals = decimals_for([limit])
    edges = [limit / 2**halvings for halvings in range(STRONGEST, -1, -1)]
    limits = [-edge for edge in reversed(edges)] + edges
    return tuple(
        Step(style(bin_), say("{low} to {high}", low=signed(low, decimals, say), high=signed(high, decimals, say)))
        for bin_, (low, high) in zip(range(-STRONGEST, STRONGEST + 1), pairwise(limits), strict=True)
    )


def paragraphs(text: str, words: Sequence[ScoredSpan], limit: float) -> tuple[tuple[Run, ...], ...]:
    """The text's lines as runs of equal bins; white space is one space, and no character is lost or doubled.

    Args:
        text: the whole text.
        words: in order of position, not overlapping; what lies outside of them is neutral.
        limit: the largest absolute relevance.
    """
    lines: list[list[Run]] = [[]]
    for piece, bin_ in _pieces(text, words, limit):
        first, *rest = _LINE_BREAK.split(piece)
        _append(lines[-1], first, bin_)
        for line in rest:
            lines.append([])
            _append(lines[-1], line, bin_)
    return tuple(tuple(line) for line in lines if any(run.text.strip() for run in line))


def row(  # a table's row is a label, a number and what goes with them
    text: str,
    relevance: float,
    decimals: int,
    say: Messages,
    *,
    before: str = "",
    after: str = "",
    details: tuple[str, ...] = (),
) -> Row:
    """A row with the number as printed and the side in words."""
    side = say("none") if relevance == 0 else say("against") if relevance > 0 else say("in favour")
    return Row(text, signed(relevance, decimals, say), side, before, after, details)


def _drawn(evidence: TextEvidence) -> int:
    """How many characters are drawn."""
    return len(evidence.text) if len(evidence.words) <= DRAWN else evidence.words[DRAWN - 1].end


def _pieces(text: str, words: Sequence[ScoredSpan], limit: float) -> Iterator[tuple[str, int]]:
    position = 0
    for word in words:
        yield text[position : word.start], 0
        yield text[word.start : word.end], bin_of(word.relevance, limit)
        position = word.end
    yield text[position:], 0


def _append(line: list[Run], piece: str, bin_: int) -> None:
    """Add a piece to a line. White space joins what is before it, unless a neutral word follows a shaded one."""
    text = re.sub(r"\s+", " ", piece)
    if not line or not text:
        text = text if line else text.lstrip()
        line += [Run(text, bin_)] if text else []
        return
    last = line[-1]
    if text == " ":
        line[-1] = Run(last.text.rstrip(" ") + " ", last.bin)
    elif last.bin == bin_:
        line[-1] = Run(last.text + text, bin_)
    elif bin_ == 0 and last.text.endswith(" "):
        line[-1:] = [Run(last.text[:-1], last.bin), Run(" " + text, 0)]
    else:
        line.append(Run(text, bin_))


def _notes(evidence: TextEvidence, say: Messages) -> Iterator[str]:
    if evidence.windows > 1:
        yield say.plural(
            "The text was read in {count} part, and every word counts once.",
            "The text is longer than the model reads at once. It was read in {count} overlapping parts, and every word "
            "counts once.",
            evidence.windows,
        )
    if len(evidence.words) > DRAWN:
        yield say.plural(
            "The first {drawn} of {count} word are drawn; the tables cover all of them.",
            "The first {drawn} of {count} words are drawn; the tables cover all of them.",
            len(evidence.words),
            drawn=say.number(DRAWN, ","),
        )
    if evidence.unread:
        yield say.plural(
            "The model read the beginning only: the last word took no part in the decision.",
            "The model read the beginning only: the last {count} words took no part in the decision.",
            evidence.unread,
        )
    masked = ", ".join(f"{name_of(kind, say)} ({count})" for kind, count in evidence.masked.items())
    yield say("Masked: {listed}.", listed=masked) if masked else say("Nothing was found to mask.")
    yield say(
        "The search for personal data knows forms of numbers and addresses, titles and word lists; a name without a "
        "title may remain."
    )


def _word_rows(evidence: TextEvidence, decimals: int, say: Messages) -> Iterator[Row]:
    for word in _strongest(evidence.words, WORDS):
        before, after = _surroundings(evidence.text, word)
        text = _plain(evidence.text[word.start : word.end])
        yield row(text, word.relevance, decimals, say, before=before, after=after)


def _surroundings(text: str, word: ScoredSpan) -> tuple[str, str]:
    """What stands before and after a word, cut at white space."""
    before, after = text[: word.start], text[word.end :]
    if len(before) > _CONTEXT:
        before = "… " + re.sub(r"^\S*\s+", "", before[-_CONTEXT:])
    if len(after) > _CONTEXT:
        after = re.sub(r"\s+\S*$", "", after[:_CONTEXT]) + " …"
    return re.sub(r"\s+", " ", before).lstrip(), re.sub(r"\s+", " ", after).rstrip()


def _sentence_rows(evidence: TextEvidence, decimals: int, say: Messages) -> Iterator[Row]:
    for sentence in _strongest(evidence.sentences, SENTENCES):
        yield row(_clipped(evidence.text[sentence.start : sentence.end]), sentence.relevance, decimals, say)


def _strongest(items: Iterable[ScoredSpan], count: int) -> list[ScoredSpan]:
    """By falling absolute relevance, ties by position; those without relevance are left out."""
    found = [item for item in items if item.relevance != 0]
    return sorted(found, key=lambda item: (-abs(item.relevance), item.start))[:count]


def _family_rows(evidence: TextEvidence, config: AuditConfig, decimals: int, say: Messages) -> Iterator[Row]:
    """What each family rests on, most adverse first, then the words that no statement covers."""
    families: dict[str, list[MappedSpan]] = {}
    for span in evidence.mapped:
        families.setdefault(span.family, []).append(span)
    sums = {name: math.fsum(span.relevance for span in spans) for name, spans in families.items()}
    for name in sorted(families, key=lambda name: (-sums[name], name)):
        quoted = [say("“{text}”", text=_clipped(evidence.text[span.start : span.end])) for span in families[name]]
        places = ", ".join(quoted[:PLACES])
        if (more := len(quoted) - PLACES) > 0:
            places = say.plural("{places} and {count} more", "{places} and {count} more", more, places=places)
        found_by = ", ".join(dict.fromkeys(_found_by(span, say) for span in families[name]))
        section = config.families.get(name)
        label = name if section is None or section.label is None else section.label
        if families[name][0].found_by == "special category":
            label = say("protected: {category}", category=say(families[name][0].expression))
        yield row(label, sums[name], decimals, say, details=(places, found_by))
    rest = (say("all other words"), say("none"))
    yield row(say("No approved statement"), evidence.unmapped, decimals, say, details=rest)


def _found_by(span: MappedSpan, say: Messages) -> str:
    if span.found_by == "special category":
        return name_of(span.expression, say)
    return f"{name_of(span.found_by, say)} {span.expression}"


def _apart(evidence: TextEvidence, decimals: int, say: Messages) -> Iterator[Row]:
    """Where the explained margin is: in the words, in tokens the model adds, and in parts that reach no token."""
    words = math.fsum(word.relevance for word in evidence.words)
    yield row(say("All words"), words, decimals, say)
    parts = {**evidence.special_tokens, **evidence.sinks}
    for name, relevance in parts.items():
        part = sink_name(name, say)
        yield row(part[:1].upper() + part[1:], relevance, decimals, say)
    yield row(say("Total"), math.fsum([words, *parts.values()]), decimals, say)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _clipped(text: str) -> str:
    """White space collapsed, cut behind a word where it is long."""
    plain = _plain(text)
    return plain if len(plain) <= _SENTENCE else plain[:_SENTENCE].rsplit(" ", 1)[0] + " …"
