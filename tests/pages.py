"""Documents of the factory's cases, rendered once per run, and how they are read back."""

from __future__ import annotations

import io
from functools import cache

import page
import pikepdf
import pypdfium2
from records import Case, cases

from lrp_audit import report

CASES = {case.name: case for case in cases()}
ISSUED = [case.name for case in CASES.values() if case.issued]


@cache
def letter(name: str) -> bytes:
    """The notice of a case: final where it may be issued, else a draft."""
    case = CASES[name]
    return report.letter_pdf(case.record, case.addressee, case.config, draft=not case.issued)


@cache
def draft(name: str) -> bytes:
    case = CASES[name]
    return report.letter_pdf(case.record, case.addressee, case.config, draft=True)


@cache
def audit(name: str) -> bytes:
    case: Case = CASES[name]
    return report.audit_pdf(case.record, case.config)


def page_texts(pdf: bytes) -> list[str]:
    """The text of every page, white space collapsed."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [" ".join(item.get_textpage().get_text_bounded().split()) for item in document]


def text(pdf: bytes) -> str:
    return " ".join(page_texts(pdf))


def failures(pdf: bytes, *profiles: str) -> list[tuple[str, str]]:
    """What page-validation finds wrong; empty for a valid file."""
    found = [page.validate_pdf_bytes(pdf, profile=getattr(page.ValidationProfile, profile)) for profile in profiles]
    return [(failure.rule_id, failure.message) for result in found for failure in result.failures]


def elements(pdf: bytes) -> list[tuple[str, str]]:
    """(role, alternative text) of every element of the structure tree, in reading order."""
    found: list[tuple[str, str]] = []

    def walk(element: object) -> None:
        if isinstance(element, pikepdf.Array):
            for item in element:
                walk(item)
        elif isinstance(element, pikepdf.Dictionary) and "/S" in element:
            found.append((str(element.S), str(element.get("/Alt", ""))))
            walk(element.get("/K", pikepdf.Array()))

    with pikepdf.open(io.BytesIO(pdf)) as document:
        walk(document.Root.StructTreeRoot.K)
    return found


def attachments(pdf: bytes) -> dict[str, tuple[bytes, str]]:
    """Name -> (content, AFRelationship)."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return {
            name: (spec.get_file().read_bytes(), str(spec.obj.AFRelationship))
            for name, spec in document.attachments.items()
        }


def metadata(pdf: bytes) -> str:
    """Everything a file says about itself: its information dictionary, XMP packet, and bookmarks."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        info = [f"{key} {value}" for key, value in document.docinfo.items()]
        with document.open_outline() as outline:
            marks = [str(item.title) for item in outline.root]
        return "\n".join([*info, *marks, document.Root.Metadata.read_bytes().decode()])
