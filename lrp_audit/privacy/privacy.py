"""Masks personal data in free text for internal documents (G-07, G-09, CA-11); every other word keeps its place.

Telephone numbers are found by the `phonenumbers` package, Google's libphonenumber, which carries its own tables and
never uses a network. Everything else has a fixed form (`personal_patterns`), checked where it has a check digit: e-mail
and internet addresses, payment cards, IBANs, US social security and UK national insurance numbers, account, case and
licence numbers, postal addresses, dates of birth, handles, and names that a title or a phrase announces.

Limits, which a reader of a masked text has to know. There is no model of language here, so the name of a person is
found only after a title ("Ms. Keller"), after a phrase ("my name is"), or where the caller knows it. Addresses are
found in the forms of the United States, the United Kingdom and Germany. Numbers in words, or broken up to evade the
search, are not found. Where a form is doubtful it is masked rather than shown.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import fsum

import phonenumbers

from lrp_audit.privacy.personal_patterns import GENERAL, SPECIFIC, Recogniser
from lrp_audit.records.text_record import ScoredSpan, TextWord


@dataclass(frozen=True)
class Finding:
    """Something to hide: `[start, end)` in characters, and the kind that is printed in its place."""

    start: int
    end: int
    kind: str

    @property
    def mask(self) -> str:
        return f"[{self.kind}]"


@dataclass(frozen=True)
class Masked:
    """A text with `[kind]` in place of every finding.

    Attributes:
        text: the masked text.
        findings: what was hidden, in offsets of the original, in order, none overlapping another.
        shifts: by how much text moved after 0, 1, 2 ... findings.
    """

    text: str
    findings: tuple[Finding, ...]
    shifts: tuple[int, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Kind -> how many places were masked."""
        return dict(sorted(Counter(item.kind for item in self.findings).items()))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where `[start, end)` of the original lies in the masked text; a mask is taken whole."""
        before = bisect_right(self.findings, start, key=_start)
        if before and start < self.findings[before - 1].end:
            before -= 1
            start = self.findings[before].start
        within = bisect_left(self.findings, end, key=_start)
        if within:
            end = max(end, self.findings[within - 1].end)
        return start + self.shifts[before], end + self.shifts[within]

    def words(self, words: Iterable[ScoredSpan]) -> tuple[TextWord, ...]:
        """Words of the original, in order, as they lie in the masked text; those behind one mask become one.

        Their relevance is summed, so the total stays.
        """
        groups: list[tuple[int, int, list[float]]] = []
        for word in words:
            start, end = self.place(word.start, word.end)
            if groups and start < groups[-1][1]:
                first, last, shares = groups.pop()
                groups.append((first, max(last, end), [*shares, word.relevance]))
            else:
                groups.append((start, end, [word.relevance]))
        return tuple(TextWord(start=start, end=end, relevance=fsum(shares)) for start, end, shares in groups)


def find_personal_data(
    text: str, *, regions: Sequence[str] = ("US",), names: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """Personal data in a text, in order of position; what overlaps is one finding of the more specific kind.

    Args:
        text: as the person wrote it.
        regions: ISO 3166 codes of the countries whose telephone numbers may stand without a country code.
        names: known names, such as the addressee's; each word of them with three letters or more is masked.

    Raises:
        ValueError: libphonenumber knows no such region.
    """
    found = (
        *_recognised(text, SPECIFIC),
        *_telephones(text, regions),
        *_recognised(text, GENERAL),
        *_known_names(text, names),
    )
    return _merged(enumerate(found))


def mask(text: str, findings: Iterable[Finding]) -> Masked:
    """`text` with every finding replaced; those that overlap leave one mask, with the kind of the first given."""
    hidden = _merged(enumerate(findings))
    pieces, shifts, position = [], [0], 0
    for item in hidden:
        pieces += [text[position : item.start], item.mask]
        shifts.append(shifts[-1] + len(item.mask) - (item.end - item.start))
        position = item.end
    return Masked("".join([*pieces, text[position:]]), hidden, tuple(shifts))


def _start(finding: Finding) -> int:
    return finding.start


def _merged(found: Iterable[tuple[int, Finding]]) -> tuple[Finding, ...]:
    """Unions of overlapping findings, each of the kind with the lowest rank."""
    groups: list[list[tuple[int, Finding]]] = []
    end = -1
    for rank, item in sorted(found, key=lambda pair: (pair[1].start, -pair[1].end, pair[0])):
        if item.start < end:
            groups[-1].append((rank, item))
        else:
            groups.append([(rank, item)])
        end = max(end, item.end)
    return tuple(
        Finding(group[0][1].start, max(item.end for _, item in group), min(group, key=lambda pair: pair[0])[1].kind)
        for group in groups
    )


def _recognised(text: str, recognisers: Iterable[tuple[str, Recogniser]]) -> Iterator[Finding]:
    for kind, recognise in recognisers:
        yield from (Finding(start, end, kind) for start, end in recognise(text))


def _telephones(text: str, regions: Sequence[str]) -> Iterator[Finding]:
    """Numbers valid in a region; `max_tries` is lifted, since the matcher would silently stop in a long text."""
    for region in regions:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"no telephone numbers of the region '{region}' are known")
        matcher = phonenumbers.PhoneNumberMatcher(text, region, max_tries=sys.maxsize)
        yield from (Finding(match.start, match.end, "phone") for match in matcher)


def _known_names(text: str, names: Iterable[str]) -> Iterator[Finding]:
    parts = {part for name in names for part in re.findall(r"[^\W\d_]{3,}", name)}
    for part in sorted(parts):
        for match in re.finditer(rf"(?<!\w){re.escape(part)}(?!\w)", text, flags=re.IGNORECASE):
            yield Finding(*match.span(), "name")
