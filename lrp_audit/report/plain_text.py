"""A page as plain text: the twin of a letter for e-mail, for copies and for readers of Braille."""

from __future__ import annotations

import re

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

_LAYOUT = ParserConfig(css=CSS_PROFILES["strict"])  # no indentation, which would stand for nothing here
_GAPS = re.compile(r"\n{3,}")


def plain_text(page: str) -> str:
    """The words of an HTML page in their order: paragraphs apart, lists numbered, rows of tables on lines."""
    lines = (line.rstrip() for line in get_text(page, _LAYOUT).split("\n"))
    return _GAPS.sub("\n\n", "\n".join(lines)).strip() + "\n"
