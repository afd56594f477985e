"""Where in a text a stated reason was found, as a letter may say it: "your message of DATE", and no more.

The words themselves are quoted only where `[text] quote` asks for it, which is for a lender's review to decide: the one
phrase of a reason that counted most, masked as in the record, and never one beside words of a special category.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lrp_audit.records.record import Reason, TextPlace
from lrp_audit.records.text_record import MappedSpan, TextEvidence

LONGEST = 120  # characters of a quotation; a longer phrase is not quoted, since cutting it could turn its sense


def placed(reasons: Iterable[Reason], texts: Sequence[TextEvidence], *, quote: bool) -> tuple[Reason, ...]:
    """The reasons, those that words of a text stand for with the place of the strongest phrase.

    Args:
        reasons: of one decision.
        texts: what the model read of it.
        quote: whether the phrase may be repeated.
    """
    if not texts:
        return tuple(reasons)
    return tuple(reason.model_copy(update={"place": _place(reason.family, texts, quote)}) for reason in reasons)


def _place(family: str, texts: Sequence[TextEvidence], quote: bool) -> TextPlace | None:
    found = [(text, span) for text in texts for span in text.mapped if span.family == family and span.relevance > 0]
    if not found:
        return None
    text, span = max(found, key=lambda item: item[1].relevance)  # the first of equals
    return TextPlace(label=text.label, date=text.date, quote=_quotation(text, span) if quote else None)


def _quotation(text: TextEvidence, span: MappedSpan) -> str | None:
    phrase = " ".join(text.text[span.start : span.end].split())
    names_category = any(f"[{item.category}]" in phrase for item in text.special)
    return None if names_category or not 0 < len(phrase) <= LONGEST else phrase
