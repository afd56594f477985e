"""Whether a user's templates still print all that a document must say, and print it validly.

Each specimen is rendered with the user's template and with the package's own. Whatever of a document's context the
package's page shows must stand on the user's page too; the pages are read back from the PDF, so that text which a style
sheet hides is missed.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from markupsafe import Markup
from pydantic import BaseModel

from lrp_audit.errors import LrpAuditError, ReportError
from lrp_audit.report import audit
from lrp_audit.report.letter import LETTERS, letter_pdf
from lrp_audit.report.slots import Gap
from lrp_audit.report.specimens import Specimen, specimens
from lrp_audit.report.template_copy import DOCUMENTS
from lrp_audit.report.user_templates import read_folder

VALIDATORS = {"us-notice": ("PDF_UA_1",), "eu-letter": ("PDF_UA_1",), "uk-letter": ("PDF_UA_1",)}
_INTERNAL = ("PDF_UA_1", "PDF_A_3A")
_SHOWN = 60  # characters of a missing text that are named
_HYPHENS = dict.fromkeys(map(ord, "\u00ad\u2010\ufffe\x02"))  # that a style sheet may insert


@dataclass(frozen=True)
class Finding:
    """One specimen of one document, and what is wrong with its page; nothing, where it is well."""

    document: str
    specimen: str
    problems: tuple[str, ...]


def can_validate() -> bool:
    """Whether the validator of PDF/UA and PDF/A is installed."""
    return find_spec("page") is not None


def check(folder: Path) -> Iterator[Finding]:
    """Every specimen of every document that a folder has templates of.

    Raises:
        ReportError: the folder cannot be read or holds no document, or what reads PDF files is not installed.
    """
    if find_spec("pypdfium2") is None:
        raise ReportError("Pages are read back by pypdfium2; type: pip install 'lrp_audit[check]'.")
    read_folder.cache_clear()
    own = read_folder(folder.resolve())
    found = [document for document in DOCUMENTS if own.has(document)]
    if not found:
        raise ReportError(f"{folder} holds no document; `lrp-audit template copy` makes {', '.join(DOCUMENTS)}.")
    for document in found:
        for specimen in specimens(document):
            yield Finding(document, specimen.name, tuple(_problems(document, specimen, folder.resolve())))


def _problems(document: str, specimen: Specimen, folder: Path) -> Iterator[str]:
    settings = specimen.config.documents.model_copy(update={"templates": str(folder)})
    with _warnings() as said:
        try:
            theirs = _pdf(document, specimen, settings)
        except LrpAuditError as error:
            yield str(error)
            return
    yield from (f"WeasyPrint: {line}" for line in dict.fromkeys(said))
    ours = _pdf(document, specimen, specimen.config.documents)
    pages, expected = _read(theirs), _read(ours)
    printed, usual = _squeezed("".join(pages.texts)), _squeezed("".join(expected.texts))
    for place, text in _texts(_context(document, specimen), "audit" if document == audit.FOLDER else "letter"):
        wanted = _squeezed(text)
        if wanted in usual and wanted not in printed:
            yield f"{place} is not printed: {text[:_SHOWN]!r}"
    if len(pages.texts) > 2 * len(expected.texts):
        yield f"has {len(pages.texts)} pages, where the package's own template has {len(expected.texts)}"
    yield from (f"text leaves the paper on page {number}" for number in pages.overfull)
    yield from _invalid(document, theirs)


def _pdf(document: str, specimen: Specimen, settings: Any) -> bytes:
    config = specimen.config.model_copy(update={"documents": settings})
    if document == audit.FOLDER:
        return audit.audit_pdf(specimen.record, config)
    return letter_pdf(specimen.record, specimen.addressee, config, draft=specimen.draft)


def _context(document: str, specimen: Specimen) -> object:
    if document == audit.FOLDER:
        return audit.context(specimen.record, specimen.config)
    return LETTERS[document].context(specimen.record, specimen.addressee, specimen.config, draft=specimen.draft)


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a context with the place where a template finds it."""
    if isinstance(value, Gap):
        yield from ((place, value.what), (place, value.key))
    elif isinstance(value, Markup):
        yield from () if "<svg" in value else ((place, str(value.striptags())),)
    elif isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{place}.{key}")
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _texts(item, f"{place}[{number}]")
    elif dataclasses.is_dataclass(value) or isinstance(value, BaseModel):
        names = type(value).model_fields if isinstance(value, BaseModel) else value.__dataclass_fields__
        for name in names:
            yield from _texts(getattr(value, name), f"{place}.{name}")


@dataclass(frozen=True)
class _Pages:
    texts: tuple[str, ...]
    overfull: tuple[int, ...]  # pages, from 1, with text outside the paper


def _read(pdf: bytes) -> _Pages:
    import pypdfium2  # noqa: PLC0415  # comes with the extra

    texts, overfull = [], []
    with pypdfium2.PdfDocument(pdf) as document:
        for number, page in enumerate(document, start=1):
            content, (width, height) = page.get_textpage(), page.get_size()
            texts.append(content.get_text_bounded())
            boxes = [content.get_rect(index) for index in range(content.count_rects())]
            if any(
                left < -1 or bottom < -1 or right > width + 1 or top > height + 1 for left, bottom, right, top in boxes
            ):
                overfull.append(number)
    return _Pages(tuple(texts), tuple(overfull))


def _squeezed(text: str) -> str:
    """Text as it can be compared: line breaks, spaces and inserted hyphens differ from page to page."""
    return "".join(text.split()).translate(_HYPHENS)


def _invalid(document: str, pdf: bytes) -> Iterator[str]:
    if not can_validate():
        return
    import page  # noqa: PLC0415  # comes with the extra

    for name in VALIDATORS.get(document, _INTERNAL):
        result = page.validate_pdf_bytes(pdf, profile=getattr(page.ValidationProfile, name))
        yield from dict.fromkeys(f"{name} {failure.rule_id}: {failure.message}" for failure in result.failures)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What WeasyPrint says of things that it ignores."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, entry: logging.LogRecord) -> None:
            said.append(entry.getMessage())

    logger, listener = logging.getLogger("weasyprint"), Listener(logging.WARNING)
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)
