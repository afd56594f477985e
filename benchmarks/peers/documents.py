"""Other engines that print the same text: typst, ReportLab, and a Chromium that stays open."""

import html as entities
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

Block = tuple[str, list[list[str]]]  # kind (h1, h2, p, li, tr) and its cells, one but in a row of a table

_BLOCK = re.compile(r"<(h1|h2|h3|p|li|tr)\b[^>]*>(.*?)</\1>", re.S)
_CELL = re.compile(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", re.S)


def blocks(page: str) -> list[tuple[str, list[str]]]:
    """The text of a page of HTML, block by block; drawings are left out."""
    body = re.sub(r"<svg.*?</svg>|<title>.*?</title>", "", page, flags=re.S)
    return [(kind, _texts(kind, content)) for kind, content in _BLOCK.findall(body)]


def _texts(kind: str, content: str) -> list[str]:
    cells = _CELL.findall(content) if kind == "tr" else [content]
    return [entities.unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for cell in cells]


TYPST = """
#set document(title: "Document")
#set text(font: "Source Sans Pro", size: 9pt, lang: "en")
#set page(paper: "us-letter", margin: 0.8in, numbering: "1 / 1")
#let data = json(bytes(sys.inputs.d))
#for group in data {
  let kind = group.at(0)
  let rows = group.at(1)
  if kind == "h1" { heading(level: 1, rows.at(0).at(0)) }
  else if kind == "h2" or kind == "h3" { heading(level: 2, rows.at(0).at(0)) }
  else if kind == "li" { list(..rows.map(cells => cells.at(0))) }
  else if kind == "tr" {
    let most = calc.max(..rows.map(cells => cells.len()))
    table(columns: most, ..rows.map(cells => cells + ("",) * (most - cells.len())).flatten())
  }
  else { for cells in rows { par(cells.at(0)) } }
}
"""


def grouped(found: list[tuple[str, list[str]]]) -> list[Block]:
    """Rows of a table, and items of a list, together."""
    groups: list[Block] = []
    for kind, cells in found:
        if groups and groups[-1][0] == kind and kind in {"tr", "li"}:
            groups[-1][1].append(cells)
        else:
            groups.append((kind, [cells]))
    return groups


def typst_engine(fonts: Path) -> Callable[[str], Callable[[], bytes]]:
    """Raises ImportError where typst is not installed."""
    import typst

    source = Path(tempfile.mkdtemp()) / "page.typ"
    source.write_text(TYPST)
    compiler = typst.Compiler(input=source, font_paths=typst.Fonts(font_paths=[fonts], include_system_fonts=False))

    def of(page: str) -> Callable[[], bytes]:
        found, calls = grouped(blocks(page)), itertools.count()

        def make() -> bytes:
            data = json.dumps([("p", [[f"Copy {next(calls)}"]]), *found])  # typst remembers what it has set before
            pdf = compiler.compile(format="pdf", sys_inputs={"d": data}, pdf_standards=["ua-1"])
            assert isinstance(pdf, bytes)
            return pdf

        return make

    return of


def reportlab_engine(fonts: Path) -> Callable[[str], Callable[[], bytes]]:
    """Raises ImportError where ReportLab is not installed."""
    import io

    from reportlab.lib.pagesizes import letter
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

    pdfmetrics.registerFont(TTFont("Sans", str(fonts / "SourceSansPro-Regular.ttf")))
    sizes = {"h1": 15, "h2": 11, "h3": 10}
    styles = {
        kind: ParagraphStyle(kind, fontName="Sans", fontSize=sizes.get(kind, 9), leading=1.3 * sizes.get(kind, 9))
        for kind in ("h1", "h2", "h3", "p", "li", "tr")
    }

    def of(page: str) -> Callable[[], bytes]:
        found = grouped(blocks(page))

        def make() -> bytes:
            written, flow = io.BytesIO(), []
            for kind, rows in found:
                texts = [[Paragraph(entities.escape(text), styles[kind]) for text in cells] for cells in rows]
                if kind == "tr":
                    most = max(map(len, texts))
                    flow.append(Table([cells + [""] * (most - len(cells)) for cells in texts]))
                else:
                    flow += [cells[0] for cells in texts]
            SimpleDocTemplate(written, pagesize=letter).build(flow)
            return written.getvalue()

        return make

    return of


@cache
def _tab() -> Any:
    """Of one Chromium, the system's or playwright's own, which stays open."""
    from playwright.sync_api import Error, sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        return sync_playwright().start().chromium.launch(executable_path=found, args=["--no-sandbox"]).new_page()
    except Error as error:
        raise ImportError("there is no Chromium") from error


def chromium_engine(_: Path) -> Callable[[str], Callable[[], bytes]]:
    """Raises ImportError where playwright or a Chromium is not installed."""
    tab = _tab()

    def of(page: str) -> Callable[[], bytes]:
        def make() -> bytes:
            tab.set_content(page)
            return bytes(tab.pdf(format="Letter", tagged=True))

        return make

    return of


ENGINES = {"typst": typst_engine, "ReportLab": reportlab_engine, "Chromium": chromium_engine}
