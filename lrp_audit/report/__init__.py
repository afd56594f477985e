"""Documents: a record in, HTML and PDF out."""

from lrp_audit.report.fonts import unprintable
from lrp_audit.report.letter import letter_html, letter_pdf

__all__ = ["letter_html", "letter_pdf", "unprintable"]
