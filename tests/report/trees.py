"""Trees of pages, to compare."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from weasyprint import HTML

NAMESPACE = "{http://www.w3.org/2000/xmlns/}xmlns"  # an attribute to a reader of HTML only


def of(page: HTML) -> list[object]:
    """All that a page has in it."""
    return _of(page.etree_element)


def _of(element: Element) -> list[object]:
    attributes = {name: value for name, value in element.attrib.items() if name != NAMESPACE}
    return [element.tag, attributes, element.text or "", [_of(child) for child in element], element.tail or ""]
