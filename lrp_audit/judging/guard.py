"""The last look at a letter before it is written: may all that we say be said (regulations, 2.6, G-03 to G-06)?

What others say is exempt: approved legal texts, and values that an applicant, a bureau or a contact supplied. The rest
of the page may draw no legal conclusion, claim no cause, promise nothing, name no column and print no number of the
explanation. Statements of reasons are held to more when they are judged (`wording.fault`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser

from lrp_audit.language import phrasebook, texts
from lrp_audit.language.wording import column_name_in, columns_of
from lrp_audit.records.record import Addressee, Record
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.letter_config import ContactSection

_INLINE = frozenset({"a", "b", "em", "i", "span", "strong"})
_BAR = " | "  # between what does not stand together, and for what was taken out
_LEGAL_WORDS = 4  # a shorter piece of a legal text could stand inside a sentence of ours
_SLOT = re.compile(r"\{[a-z_]+\}")
_NUMBER = re.compile(r"(?<![\w.,])(\d(?:[\d.,]| (?=\d{3}(?!\d)))*\d|\d) ?(%?)(?!\w)")


def faults(page: str, record: Record, addressee: Addressee, config: AuditConfig) -> tuple[str, ...]:
    """What a page says and may not, in words that follow "the letter".

    Args:
        page: the letter as HTML.
        record: its decision.
        addressee: its reader.
        config: the settings it was made with.
    """
    own = _own_words(page, config.documents.language)
    if not _faults(own, own, record, config):
        return ()  # the common case, without a look at who said what
    own = _without(own, _values(record, addressee, config))
    return _faults(own, _without(own, _figures(record, config)), record, config)


def _faults(own: str, with_numbers: str, record: Record, config: AuditConfig) -> tuple[str, ...]:
    """The same of our own words, and of those whose numbers are not accounted for."""
    number = _number_of_explanation(with_numbers, record)
    found = (
        phrasebook.first_fault(own, phrasebook.load(config.documents.language).anywhere),
        column_name_in(own, columns_of((item.column for item in record.contributions), config)),
        number and f"prints the number {number} of its explanation, which no reader can understand (2.6)",
    )
    return tuple(fault for fault in found if fault)


def _own_words(page: str, language: str) -> str:
    """The text of a page without the legal texts."""
    blocks = _Blocks()
    blocks.feed(page)
    blocks.close()
    text = _BAR.join(filter(None, (" ".join(block.split()) for block in blocks.blocks)))
    for piece in _legal_pieces(language):
        text = text.replace(piece, _BAR)
    return text


class _Blocks(HTMLParser):
    """Collects the text of every block; style sheets are none."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [""]
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden = tag == "style"
        if tag not in _INLINE:
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        if tag not in _INLINE:
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.blocks[-1] += data


@lru_cache(maxsize=16)
def _legal_pieces(language: str) -> tuple[str, ...]:
    """What legal texts say between their slots, longest first."""
    found = {
        " ".join(piece.split()) for text in texts.load(language).legal.values() for piece in _SLOT.split(text.text)
    }
    return tuple(sorted((piece for piece in found if len(piece.split()) >= _LEGAL_WORDS), key=len, reverse=True))


def _values(record: Record, addressee: Addressee, config: AuditConfig) -> Iterator[str]:
    """What others supplied: the applicant, the bureau, a database, and the names of offices."""
    decision = record.decision
    yield from filter(None, (addressee.name, decision.product, decision.amount, decision.reference))
    yield from filter(None, (decision.database_result, config.credit_score and config.credit_score.source))
    yield from (*addressee.address, *decision.bureau.key_factors)
    for item in record.contributions:
        yield from (item.display, str(item.value))
    for reason in record.reasons:
        yield from filter(None, (reason.place and reason.place.quote,))
    for name in type(config).model_fields:
        section = getattr(config, name)
        for office in section if isinstance(section, tuple) else (section,):
            if isinstance(office, ContactSection):
                yield from (office.name, *office.address)
                yield from filter(None, (office.telephone, office.email, office.website))


def _figures(record: Record, config: AuditConfig) -> Iterator[str]:
    """Texts whose numbers are no numbers of the explanation: terms, values that were tried, approved statements."""
    decision = record.decision
    yield from (*decision.counteroffer.terms, *decision.incompleteness.items)
    for family in config.families.values():
        for wording in (family.text, family.text_low, family.text_high):
            yield from wording.values()
    for variation in record.variations.found if record.variations is not None else ():
        for change in variation.changes:
            yield from (change.display, change.from_display)


def _without(text: str, pieces: Iterator[str]) -> str:
    """`text` without pieces of others, where they stand as words of their own."""
    listed = sorted({" ".join(piece.split()) for piece in pieces} - {""}, key=len, reverse=True)
    if not listed:
        return text
    return re.sub(rf"(?<![\w.,])(?:{'|'.join(map(re.escape, listed))})(?!\w|[.,]\d| ?%)", _BAR, text)


def _number_of_explanation(text: str, record: Record) -> str | None:
    """The first number that is a contribution or a share, rounded to the decimals it is printed with."""
    columns, families = record.contributions, record.families
    contributions = [*(abs(item.relevance) for item in columns), *(abs(item.relevance) for item in families)]
    shares = list(_shares(record))
    for match in _NUMBER.finditer(text):
        whole, decimals = _read(match[1])
        printed = f"{whole}.{decimals}" if decimals else whole
        if match[2]:
            hit = any(f"{100 * share:.{len(decimals)}f}" == printed for share in shares)
        else:  # fewer digits are too common to be told from other numbers
            telling = len(decimals) >= 2 and len((whole + decimals).lstrip("0")) >= 2
            hit = telling and any(f"{value:.{len(decimals)}f}" == printed for value in contributions)
        if hit:
            return match[0].strip()
    return None


def _shares(record: Record) -> Iterator[float]:
    """Shares of what counts against the applicant, and of all that counts."""
    columns, families = [item.relevance for item in record.contributions], [item.relevance for item in record.families]
    for relevance in (columns, families):
        against, both = sum(max(value, 0.0) for value in relevance), sum(map(abs, relevance))
        for value in relevance:
            yield from (abs(value) / total for total in (against, both) if total > 0 and value != 0)
    if record.ranking.covered is not None:
        yield record.ranking.covered


def _read(number: str) -> tuple[str, str]:
    """Digits before and behind the last separator; behind it three digits may be thousands, and are decimals here."""
    head, separator, tail = "".join(number.split()).replace(",", ".").rpartition(".")
    return (head.replace(".", ""), tail) if separator else (tail, "")
