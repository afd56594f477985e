"""Context -> HTML -> PDF. Nothing is read or fetched on the way but the package's own templates, sheets and fonts."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pydyf
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from weasyprint import CSS, HTML, Attachment
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from lrp_audit.errors import ReportError
from lrp_audit.language.messages import ENGLISH, Messages
from lrp_audit.report.fonts import Face, configuration
from lrp_audit.report.limits import FILE_PAGES, check_length, check_pages
from lrp_audit.report.look import PLAIN, Look
from lrp_audit.report.page import own_page
from lrp_audit.report.signature_field import add_signature_field
from lrp_audit.resources import templates

_SHEETS = ("base/tokens.css", "base/print.css")
_EXPLANATION = ("base/letter.css", "base/explanation.css")
_REPORT = ("audit/document.css", "base/report.css")
_PARTS = {  # sheets that documents share
    "aggregate": _REPORT,
    "audit": ("heatmap/heatmap.css",),
    "batch": _REPORT,
    "groups": _REPORT,
    "validation": _REPORT,
    "heatmap": ("heatmap/heatmap.css",),
    "us-notice": ("base/letter.css",),
    "eu-letter": _EXPLANATION,
    "uk-letter": _EXPLANATION,
}
_BEGIN, _END = b"\nstream\n", b"\nendstream"
# A stream whose data end in CR: strict readers count the CR to the line end and find the stream one byte short. The
# cross-reference stream comes after the finisher; spaces in the XMP packet change it.
_UNCLEAR_END = b"\r" + _END
_LEVEL = 6  # of zlib; the 9 of pydyf takes twice as long and saves a hundredth
_PADDINGS = 16
_BETWEEN_TAGS = re.compile(r">\s+<")

_UA_EXTENSION = b"""<rdf:Description xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" rdf:about="" pdfuaid:part="1"/>\
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" \
xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">\
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">\
<pdfaSchema:schema>PDF/UA Universal Accessibility Schema</pdfaSchema:schema>\
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>\
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">\
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>\
<pdfaProperty:category>internal</pdfaProperty:category><pdfaProperty:description>PDF/UA part</pdfaProperty:description>\
</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"""


@dataclass(frozen=True)
class Source:
    """The canonical record that a document attaches. `date` stands in its file entry: there is no clock here."""

    content: bytes
    description: str
    date: dt.date


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(templates()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def to_html(
    folder: str, context: Mapping[str, object], *, say: Messages = ENGLISH, styled: bool = False, look: Look = PLAIN
) -> str:
    """The document of a template folder as one minified page in Unicode normal form C.

    Args:
        folder: the document type's folder under `templates/`.
        context: what the template prints.
        say: the reviewers' language, which templates print their own words in.
        styled: carry the style sheets inside, for a reader without them.
        look: the lender's own brand and templates.

    Raises:
        ReportError: a template of the lender's own cannot be used.
    """
    css = Markup(_sheet_text(folder, look)) if styled else Markup("")
    printed = {**context, "say": say, "brand": look.brand, "css": css}
    own = look.templates_of(folder)
    if own is None:
        page = _environment().get_template(f"{folder}/document.html").render(printed)
    else:
        page = own.render(folder, printed)
    return unicodedata.normalize("NFC", _BETWEEN_TAGS.sub("><", page))


def to_pdf(
    html: str,
    folder: str,
    fonts: tuple[Face, ...],
    *,
    identifier: str,
    source: Source | None = None,
    most_pages: int = FILE_PAGES,
    signature: str | None = None,
    look: Look = PLAIN,
) -> bytes:
    """A tagged PDF: PDF/UA-1, and with a `source` also PDF/A-3a with it attached.

    The bytes depend on the arguments and the versions of the libraries alone. With a `signature` the document has an
    empty field for one, which that sentence describes. `look` is the one that the page was made with.

    Raises:
        ReportError: the page asks for a resource, a character fell back to a font of the machine, or the document would
            have more than `most_pages` pages.
    """
    check_length(html, most_pages)
    shared, face_rules = configuration(fonts)
    variant = "pdf/ua-1" if source is None else "pdf/a-3a"
    fetcher = _nothing_but(look.brand.logo)
    own = look.templates_of(folder) is None
    try:
        page = own_page(html, fetcher) if own else HTML(string=html, url_fetcher=fetcher)
        document = page.render(stylesheets=[face_rules, _sheet(folder, look)], font_config=shared, pdf_variant=variant)
        check_pages(len(document.pages), most_pages)
        for padding in range(_PADDINGS):
            families = frozenset(face.family for face in fonts)
            pdf: bytes = document.write_pdf(
                pdf_variant=variant,
                pdf_identifier=identifier.encode(),
                attachments=None if source is None else [_attachment(source)],
                finisher=_Finisher(families, source is not None, padding, signature),
            )
            if source is None or _UNCLEAR_END not in pdf:
                break
    except FatalURLFetchingError as error:
        raise ReportError(f"The document was not written, since it asks for the resource {str(error)[:120]}.") from None
    return pdf  # as a last resort with such an end: it is a valid file all the same


def _sheet_text(folder: str, look: Look) -> str:
    names = (*_SHEETS, *_PARTS.get(folder, ()), f"{folder}/document.css")
    own = look.templates_of(folder)
    sheets = [(templates() / name).read_text(encoding="utf-8") if own is None else own.sheet(name) for name in names]
    return "\n".join([*sheets, f"@page{{size:{look.paper}}}", look.brand.rule])


@lru_cache(maxsize=8)
def _sheet(folder: str, look: Look) -> CSS:
    return CSS(string=_sheet_text(folder, look), url_fetcher=_Nothing())


def _attachment(source: Source) -> Attachment:
    moment = dt.datetime.combine(source.date, dt.time())
    return Attachment(
        string=source.content,
        name="record.json",
        description=source.description,
        relationship="Source",
        created=moment,
        modified=moment,
    )


class _Nothing(URLFetcher):  # type: ignore[misc]
    """Fetches nothing, bar one data URL of our own making; asking stops the rendering, whatever WeasyPrint would do."""

    def __init__(self, known: str | None = None) -> None:
        super().__init__()
        self._known = known

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        if url == self._known:
            return super().fetch(url, headers)
        raise FatalURLFetchingError(url)


@lru_cache(maxsize=8)
def _nothing_but(known: str | None) -> _Nothing:
    return _Nothing(known)  # whose parent makes a handler for every scheme


@dataclass(frozen=True)
class _Finisher:
    """WeasyPrint's public hook before a PDF is written: checks the fonts, and states PDF/UA beside PDF/A."""

    families: frozenset[str]
    archival: bool
    padding: int
    signature: str | None

    def __call__(self, document: Any, pdf: Any) -> None:
        used = list(document.fonts.values())
        foreign = {font.family for font in used} - self.families
        missing = {char for font in used for char in font.missing}
        if foreign or missing:
            found = ", ".join([*sorted(foreign), *(f"U+{char:04X}" for char in sorted(missing))])
            raise ReportError(
                f"The document was not written, since text left its own fonts ({found}); name a font file that has "
                "these characters in documents.extra_fonts."
            )
        if self.signature is not None:
            add_signature_field(pdf, self.signature)
        if self.archival:
            _state_accessibility(pdf, self.padding)
        pdf.objects[1:] = map(_Encoded, pdf.objects[1:])


class _Encoded(pydyf.Object):  # type: ignore[misc]
    """An object of a PDF that is ready to be written. pydyf compresses all of them once more for the file's identifier.

    With its level of compression that is a tenth of the time that a letter takes.
    """

    def __init__(self, item: pydyf.Object) -> None:
        super().__init__()
        self.number, self.generation, self.free = item.number, item.generation, item.free
        self._data = _compressed(item) if getattr(item, "compress", False) else item.data
        self._compressible = item.compressible

    @property
    def data(self) -> bytes:
        return self._data

    @property
    def compressible(self) -> bool:
        return self._compressible  # type: ignore[no-any-return]


def _compressed(stream: pydyf.Stream) -> bytes:
    """A stream as it is written, compressed unless that gives it an unclear end."""
    plain = pydyf.Stream(stream.stream).data
    content = plain[plain.index(_BEGIN) + len(_BEGIN) : -len(_END)]
    packed = pydyf.Stream([zlib.compress(content, _LEVEL)], {**stream.extra, "Filter": "/FlateDecode"}).data
    written: bytes = pydyf.Stream(stream.stream, stream.extra).data if packed.endswith(_UNCLEAR_END) else packed
    return written


def _state_accessibility(pdf: Any, padding: int) -> None:
    """PDF/A allows the PDF/UA identifier only with its extension schema, inside the one rdf:RDF; kept uncompressed."""
    for item in pdf.objects:
        if getattr(item, "extra", {}).get("Type") == "/Metadata":
            item.compress = False
            packet = b"".join(item.stream).replace(b"</rdf:RDF>", _UA_EXTENSION + b"</rdf:RDF>")
            item.stream = [packet.replace(b"</x:xmpmeta>", b"</x:xmpmeta>" + b" " * padding)]
