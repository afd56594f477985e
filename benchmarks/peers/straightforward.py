"""A document's own page, put as one would write it first.

Every word is a span of its own colour, tables find their own widths, drawings hold labels, hyphens are automatic. The
page says the same words in the same order.
"""

import re
from collections.abc import Sequence

SHEET = """
@page { @bottom-right { content: "INTERNAL"; font-family: "Document Sans"; font-size: 7pt } }
html { hyphens: auto; hyphenate-character: "-"; font-variant-numeric: tabular-nums }
table { table-layout: auto }
tbody tr:nth-child(even) { background: #f7f8f9 }
"""
_LABELLED = re.compile(r'<td class="plot">(<div class="bars">(<svg.*?)</svg></div>)', re.S)
_WORD = re.compile(r"\S+")


def straightforward(page: str, text: str, relevance: Sequence[float]) -> str:
    """The page rewritten.

    Args:
        page: of the package's own template, without its style element.
        text: the text that it shades, of words between single spaces.
        relevance: of each of its words.
    """
    plain = re.sub(r"<colgroup>.*?</colgroup>", "", page)
    plain = _LABELLED.sub(_with_labels, plain)
    start = plain.find('<div class="reading"')
    end = plain.find("</div>", start)
    shaded = f'<div class="reading"><p>{_words(text, relevance)}</p>'
    plain = plain[:start] + shaded + plain[end:] if start >= 0 else plain
    return plain.replace("><", ">\n<")


def _with_labels(bars: re.Match[str]) -> str:
    """A drawing that says itself what its table's rows say: a label for each."""
    rows = round(float(re.search(r'viewBox="0 0 \S+ (\S+)"', bars[2])[1]) / 15)  # type: ignore[index]
    labels = "".join(
        f'<text x="2" y="{15 * row + 11}" font-family="Document Sans" font-size="7">row {row + 1}</text>'
        for row in range(rows)
    )
    return f'<td class="plot">{bars[1].replace("</svg>", labels + "</svg>")}'


def _words(text: str, relevance: Sequence[float]) -> str:
    largest = max(map(abs, relevance))
    return "".join(
        f'<span style="background: rgba({"179, 38, 30" if value > 0 else "31, 95, 168"}, '
        f'{abs(value) / largest:.3f}); border-radius: 2pt; padding: 0 1pt">{word}</span> '
        for word, value in zip(_WORD.findall(text), relevance, strict=True)
    )
