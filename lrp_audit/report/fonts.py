"""The document's own fonts: what they can print, and how WeasyPrint gets them.

Documents use Source Sans Pro from its package (Latin, Greek, Cyrillic) and the files of `documents.extra_fonts`, never
a font of the machine: text outside them is found before rendering, and `render` refuses a PDF that another font got
into. Only WeasyPrint's public interface is used, and no environment variable is touched.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import font_source_sans_pro
import regex
from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]
from weasyprint import CSS
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from lrp_audit.errors import ReportError
from lrp_audit.settings.config import AuditConfig

FAMILY = "Document Sans"
_WEIGHTS = {400: "SourceSansPro-Regular.ttf", 600: "SourceSansPro-Semibold.ttf"}
_LAYOUT = frozenset("\t\n\r")  # white space that HTML collapses
_JOINERS = frozenset("\u200c\u200d")  # the only invisible characters that words need
_PILE = regex.compile(r"\p{M}{4,}")  # marks that grow over the lines around; no language has four on a composed letter
_NAMED = 8  # characters that a sentence names


@dataclass(frozen=True)
class Face:
    """One font file under one family name and weight.

    One file each: WeasyPrint embeds fonts by description, so a second file of the same family, weight and style would
    print wrong glyphs.
    """

    family: str
    weight: int
    path: Path

    @property
    def rule(self) -> str:
        return f'@font-face{{font-family:"{self.family}";font-weight:{self.weight};src:url({self.path.as_uri()})}}'


def faces(config: AuditConfig) -> tuple[Face, ...]:
    """The fonts of a document, in the order in which a character is looked for."""
    return _faces(config.folder, config.documents.extra_fonts)


@lru_cache(maxsize=8)
def _faces(folder: Path, extra_fonts: tuple[str, ...]) -> tuple[Face, ...]:
    shipped = Path(font_source_sans_pro.font_directory)
    own = [Face(FAMILY, weight, shipped / name) for weight, name in _WEIGHTS.items()]
    extra = [
        Face(f"Extra Sans {number}", 400, (folder / path).resolve()) for number, path in enumerate(extra_fonts, start=1)
    ]
    return (*own, *extra)


def unprintable(text: str, config: AuditConfig) -> tuple[str, ...]:
    """The characters of `text` that no document font has, each once, in order.

    Controls, bidirectional overrides, soft hyphens and unpaired surrogates are always among them: they change what a
    reader sees without being seen. So are accents piled up on one letter, which cover the lines around it. Composed and
    decomposed accents count as the same character (Unicode normal form C).

    Raises:
        ReportError: a file of `documents.extra_fonts` is missing or is no font.
    """
    printable = _printable(faces(config))
    normal = unicodedata.normalize("NFC", text)
    used = frozenset(normal)
    piled = "".join(_PILE.findall(normal)) if any(unicodedata.category(char)[0] == "M" for char in used) else ""
    if not piled and printable.issuperset(used):
        return ()  # the common case
    return tuple(dict.fromkeys(char for char in (*normal, *piled) if char not in printable or char in piled))


def code_points(characters: Sequence[str]) -> str:
    """The characters for a sentence, e.g. `U+05D0, U+05D1`; of many the first, and their number."""
    named = ", ".join(f"U+{ord(char):04X}" for char in characters[:_NAMED])
    return named if len(characters) <= _NAMED else f"{named}, … ({len(characters)} characters)"


def with_code_points(text: str, config: AuditConfig) -> str:
    """`text` with every character that cannot be printed written as its code point, e.g. `[U+05D0]`."""
    normal = unicodedata.normalize("NFC", text)
    return normal.translate({ord(char): f"[U+{ord(char):04X}]" for char in unprintable(normal, config)})


@lru_cache(maxsize=8)
def _printable(fonts: tuple[Face, ...]) -> frozenset[str]:
    own = [_characters(face.path) for face in fonts if face.family == FAMILY]
    extra = [_characters(face.path) for face in fonts if face.family != FAMILY]
    visible = (char for char in frozenset.intersection(*own).union(*extra) if not _is_control(char))
    return _LAYOUT.union(visible)


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf"} and char not in _JOINERS


@lru_cache(maxsize=32)
def _characters(path: Path) -> frozenset[str]:
    try:
        with path.open("rb") as file:
            return frozenset(map(chr, TTFont(file, lazy=True).getBestCmap() or ()))
    except (OSError, TTLibError) as error:
        raise ReportError(f"The font file {path} cannot be used ({error}); correct documents.extra_fonts.") from None


class _Fonts(FontConfiguration):  # type: ignore[misc]
    """A font configuration whose temporary files only the process that made them removes, not its forked workers."""

    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()

    def __del__(self, process: Callable[[], int] = os.getpid) -> None:  # bound here, since `os` may be gone by then
        if process() == self._process:
            super().__del__()


class _FontFiles(URLFetcher):  # type: ignore[misc]
    """Reads the given font files and nothing else."""

    def __init__(self, fonts: tuple[Face, ...]) -> None:
        super().__init__()
        self.paths = {face.path.as_uri(): face.path for face in fonts}

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        if url not in self.paths:
            raise FatalURLFetchingError(url)
        return URLFetcherResponse(url, self.paths[url].read_bytes())


@lru_cache(maxsize=8)
def configuration(fonts: tuple[Face, ...]) -> tuple[FontConfiguration, CSS]:
    """WeasyPrint's font configuration with its @font-face sheet, made once per process and set of fonts.

    A configuration per document would cost half as much again for a letter and leak 270 kB each.
    """
    _printable(fonts)  # a broken extra font is an error, not WeasyPrint's warning
    fetcher = _FontFiles(fonts)
    shared = _Fonts()
    families = ",".join(f'"{family}"' for family in dict.fromkeys(face.family for face in fonts))
    rules = "".join(face.rule for face in fonts) + f"html,svg{{font-family:{families}}}"
    return shared, CSS(string=rules, font_config=shared, url_fetcher=fetcher)
