"""Documents: a record in, HTML and PDF out."""

from lrp_audit.report.audit import audit_html, audit_pdf
from lrp_audit.report.fonts import unprintable
from lrp_audit.report.letter import letter_file, letter_html, letter_pdf, letter_text

__all__ = ["audit_html", "audit_pdf", "letter_file", "letter_html", "letter_pdf", "letter_text", "unprintable"]
