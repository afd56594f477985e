"""Which characters a document can print, and that no font of the machine ever helps out."""

from __future__ import annotations

from pathlib import Path

import font_source_sans_pro
import pages
import pytest
import records
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit import report
from lrp_audit.errors import ReportError
from lrp_audit.report.fonts import faces, with_code_points
from lrp_audit.report.render import to_pdf
from lrp_audit.settings.config import AuditConfig

SETTINGS = records.config()


def with_fonts(*paths: Path) -> AuditConfig:
    fonts = SETTINGS.documents.model_copy(update={"extra_fonts": tuple(map(str, paths))})
    return SETTINGS.model_copy(update={"documents": fonts})


def test_latin_greek_and_cyrillic_can_be_printed() -> None:
    assert report.unprintable("Ærøskøbing Ελένη Щербакова €1,234.50 − “quoted” Đurđević", SETTINGS) == ()


@pytest.mark.parametrize(
    "text", ["א", "ع", "日", "😀", "\u202e", "\u200b", "\x00", "\x1b", "\ud800", "\u2028", "\ufeff", "\xad"]
)
def test_other_scripts_controls_and_overrides_cannot(text: str) -> None:
    assert report.unprintable(f"a{text}b{text}", SETTINGS) == (text,)


def test_composed_and_decomposed_accents_are_the_same() -> None:
    assert report.unprintable("Jose\u0301", SETTINGS) == ()
    assert with_code_points("Jose\u0301", SETTINGS) == "José"


@given(st.text())
def test_what_cannot_be_printed_is_written_as_code_points(text: str) -> None:
    written = with_code_points(text, SETTINGS)
    assert report.unprintable(written, SETTINGS) == ()
    for char in report.unprintable(text, SETTINGS):
        assert f"[U+{ord(char):04X}]" in written


def test_every_weight_has_every_character() -> None:
    sets = [set(TTFont(face.path).getBestCmap()) for face in faces(SETTINGS)]
    assert len(sets) == 2
    assert sets[0] == sets[1]


@pytest.fixture
def hebrew(tmp_path: Path) -> Path:
    """A font whose Hebrew alef looks like a Latin A, which is enough to be found."""
    font = TTFont(Path(font_source_sans_pro.font_directory) / "SourceSansPro-Regular.ttf")
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[0x05D0] = table.cmap[0x202E] = table.cmap[ord("A")]
    path = tmp_path / "Hebrew.ttf"
    font.save(path)
    return path


def test_an_extra_font_adds_its_characters_and_is_embedded(hebrew: Path) -> None:
    settings = with_fonts(hebrew)
    assert report.unprintable("אב", settings) == ("ב",)
    assert report.unprintable("a\u202eb", settings) == ("\u202e",)
    pdf = report.letter_pdf(records.record(), records.addressee(name="א Levi"), settings)
    assert "א" in pages.text(pdf)
    assert pages.failures(pdf, "PDF_UA_1") == []


def test_a_file_that_is_no_font_is_one_clear_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    for path in (broken, tmp_path / "missing.ttf"):
        with pytest.raises(ReportError, match=r"documents\.extra_fonts"):
            report.letter_pdf(records.record(), records.addressee(), with_fonts(path))


def test_text_in_a_font_of_the_machine_is_refused() -> None:
    html = "<html lang=en><title>t</title><p>א</p></html>"
    with pytest.raises(ReportError, match=r"left its own fonts"):
        to_pdf(html, "us-notice", faces(SETTINGS), identifier="x")
