"""Pages of the package's own templates as WeasyPrint takes them, read in a twentieth of the time."""

from __future__ import annotations

import re
from copy import copy
from functools import lru_cache
from xml.etree import ElementTree

from weasyprint import HTML
from weasyprint.urls import URLFetcher

_VOID = re.compile(r"<((?:br|col|img|meta)\b[^<>]*)>")  # elements without an end tag


def own_page(html: str, fetcher: URLFetcher) -> HTML:
    """A page that closes every element and escapes every value, as the package's templates do; it is read as XML.

    The tree is that of WeasyPrint's own reader of HTML, which is written in Python and takes a twentieth of a letter's
    time. A page that is no XML, say for a control character in it, is left to that reader.
    """
    try:
        root = ElementTree.fromstring(_VOID.sub(r"<\1/>", html))
    except ElementTree.ParseError:
        return HTML(string=html, url_fetcher=fetcher)
    page = copy(_empty(fetcher))
    page.wrapper_element = page.wrapper_element.from_html_root(root, content_language=None)
    page.etree_element = root
    return page


@lru_cache(maxsize=8)
def _empty(fetcher: URLFetcher) -> HTML:
    return HTML(string="", url_fetcher=fetcher)
