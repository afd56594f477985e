"""How much a document may hold: a text made to exhaust machine or reader ends in a sentence."""

from __future__ import annotations

from collections.abc import Iterable

from lrp_audit.errors import ReportError

LETTER_PAGES = 30  # a letter that lists a thousand values
FILE_PAGES = 500  # a model of 10,000 columns
LETTER_LINES = 250  # of names, requests and reasons in one letter; six reasons of 300 words take 140
EXPLANATION_LINES = 500  # the same of one that lists the data used, in narrow columns
_LINE_CHARACTERS = 80
_PAGE_CHARACTERS = 20_000  # of HTML for a page, twice what the densest tables take


def lines(texts: Iterable[str]) -> int:
    """About how many lines texts take, each on a line of its own."""
    return sum(1 + len(text) // _LINE_CHARACTERS for text in texts)


def check_length(html: str, most_pages: int) -> None:
    """Raise ReportError where a page of HTML is too long to be laid out on `most_pages` pages."""
    if len(html) > most_pages * _PAGE_CHARACTERS:
        raise ReportError(
            f"The document was not written, since its {len(html):,} characters exceed {most_pages} pages."
        )


def check_pages(count: int, most_pages: int) -> None:
    """Raise ReportError where a document has more pages than it may have."""
    if count > most_pages:
        raise ReportError(f"The document was not written, since it has {count} pages, and may have {most_pages}.")
