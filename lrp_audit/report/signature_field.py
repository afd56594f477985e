"""An empty signature field in a PDF that WeasyPrint is about to write: invisible, and part of the structure tree.

A signature added to it later changes no byte before it, and keeps PDF/A and PDF/UA; the box that readers see is drawn
by the template.
"""

from __future__ import annotations

from typing import Any

from pydyf import Array, Dictionary, String

from lrp_audit.settings.signing_config import FIELD

_PRINT_AND_LOCKED = 132  # flags of ISO 32000-2, table 167: print it, and let nobody move it
_SIGNATURES_AND_APPEND_ONLY = 3  # SigFlags of ISO 32000-2, table 225


class _Apart(Dictionary):  # type: ignore[misc]
    """Stands outside the object stream, all of which a signer would read to find it: a sixth of the time it takes."""

    compressible = False


def add_signature_field(pdf: Any, label: str) -> None:
    """Add the field to the last page. `label` is what assistive software reads out."""
    page_reference = pdf.page_references[-1]
    page, root = _object(pdf, page_reference), _object(pdf, pdf.catalog["StructTreeRoot"])
    document, parents = _object(pdf, root["K"][0]), _object(pdf, root["ParentTree"])
    key = parents["Nums"][-2] + 1
    widget = _Apart(
        {
            "Type": "/Annot",
            "Subtype": "/Widget",
            "FT": "/Sig",
            "T": String(FIELD),
            "TU": String(label),
            "F": _PRINT_AND_LOCKED,
            "Rect": Array((0, 0, 0, 0)),
            "P": page_reference,
            "StructParent": key,
        }
    )
    pdf.add_object(widget)
    link = Dictionary({"Type": "/OBJR", "Obj": widget.reference, "Pg": page_reference})
    pdf.add_object(link)
    kinds = {"Type": "/StructElem", "S": "/Form", "K": Array([link.reference])}
    form = Dictionary({**kinds, "P": document.reference, "Pg": page_reference})
    pdf.add_object(form)
    document["K"].append(form.reference)
    parents["Nums"].extend([key, form.reference])
    page.setdefault("Annots", Array()).append(widget.reference)
    fields = Array([widget.reference])
    pdf.catalog["AcroForm"] = Dictionary({"Fields": fields, "SigFlags": _SIGNATURES_AND_APPEND_ONLY})


def _object(pdf: Any, reference: bytes) -> Any:
    """What an indirect reference such as `12 0 R` stands for."""
    return pdf.objects[int(reference.split()[0])]
