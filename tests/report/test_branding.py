"""A lender's own logo, colour, letterhead and signatory: checked, re-encoded, printed, and still valid PDF."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pages
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from lrp_audit import report
from lrp_audit.errors import ConfigError, ReportError
from lrp_audit.report import look
from lrp_audit.report.brand import brand
from lrp_audit.settings.branding import LEAST_CONTRAST, BrandingSection, Signatory, contrast
from lrp_audit.settings.config import AuditConfig, load

MINIMAL = '[model]\nfile = "m.skops"\n[decision]\nadverse = "denied"\n[branding]\n'


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (300, 90), **options: Any) -> Path:
    drawn = Image.new(mode, size)
    drawn.paste(Image.linear_gradient("L").resize((size[0], size[1] // 2)).convert(mode))
    drawn.save(path, **options)
    return path


def branded(path: Path | None = None, **changes: Any) -> AuditConfig:
    section = BrandingSection(
        logo=None if path is None else str(path),
        accent="#00529b",
        letterhead=("Member FDIC · Equal Housing Lender",),
        signatory=Signatory(name="J. Okafor", role="Head of Credit Review"),
    )
    return records.config(branding=section.model_copy(update=changes))


def letter(config: AuditConfig) -> bytes:
    return report.letter_pdf(records.record(), records.addressee(), config)


@pytest.mark.parametrize(
    ("mode", "name"), [("RGB", "a.png"), ("RGBA", "a.png"), ("P", "a.png"), ("L", "a.jpg"), ("CMYK", "a.jpg")]
)
def test_letters_carry_the_brand_and_stay_valid(tmp_path: Path, mode: str, name: str) -> None:
    pdf = letter(branded(picture(tmp_path / name, mode)))
    assert pages.failures(pdf, "PDF_UA_1") == []
    text = pages.text(pdf)
    assert "Member FDIC · Equal Housing Lender" in text
    assert "J. Okafor Head of Credit Review" in text
    assert ("/Figure", "Lakeshore Community Bank") in pages.elements(pdf)
    assert len(pages.page_texts(pdf)) == 1


def test_a_smoothed_picture_would_be_no_pdf_a(tmp_path: Path) -> None:
    assert b"/Interpolate true" not in letter(branded(picture(tmp_path / "a.png")))


def test_without_branding_nothing_of_it_is_printed() -> None:
    html = report.letter_html(records.record(), records.addressee(), records.config())
    assert "<img" not in html
    assert "signatory" not in html.split("</style>")[1]


def test_the_colour_reaches_pdf_and_html() -> None:
    plain = report.letter_pdf(records.record(), records.addressee(), records.config())
    assert letter(branded()) != plain
    html = report.letter_html(records.record(), records.addressee(), branded())
    assert ":root{--accent:#00529b}" in html


def test_a_logo_keeps_its_pixels_and_nothing_else(tmp_path: Path) -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("Author", "Maria Alvarez")
    path = picture(tmp_path / "a.png", pnginfo=said, icc_profile=b"profile")
    url = brand(branded(path)).logo
    assert url is not None
    content = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    with Image.open(io.BytesIO(content)) as kept, Image.open(path) as given_picture:
        assert kept.info == {}
        assert kept.tobytes() == given_picture.tobytes()
    assert b"Maria" not in content


def test_a_large_logo_is_reduced_in_proportion(tmp_path: Path) -> None:
    url = brand(branded(picture(tmp_path / "a.png", size=(4000, 800)))).logo
    assert url is not None
    with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as kept:
        assert kept.size == (1000, 200)


def _svg(path: Path) -> Path:
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>")
    return path


def _gif(path: Path) -> Path:
    Image.new("L", (40, 40)).save(path, "GIF")
    return path


def _cut(path: Path) -> Path:
    content = picture(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def _bomb(path: Path) -> Path:
    Image.new("1", (20_000, 12_000)).save(path)
    return path


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_svg, "no whole PNG or JPEG"),
        (_gif, "no whole PNG or JPEG"),
        (_cut, "no whole PNG or JPEG"),
        (_bomb, "a.png"),
        (lambda path: picture(path, size=(8000, 20)), "8000 x 20 pixels"),
        (lambda path: picture(path, size=(300, 4)), "300 x 4 pixels"),
        (lambda path: path, "No such file"),
        (lambda path: path.parent, "cannot be used"),
    ],
    ids=["svg", "gif", "truncated", "bomb", "wide", "thin", "missing", "folder"],
)
def test_a_file_that_is_no_logo_is_one_sentence(tmp_path: Path, make: Any, why: str) -> None:
    with pytest.raises(ReportError, match=why) as error:
        letter(branded(make(tmp_path / "a.png")))
    assert str(error.value).startswith("branding.logo")
    assert "\n" not in str(error.value)


def test_a_logo_needs_the_name_that_is_read_in_its_place(tmp_path: Path) -> None:
    settings = branded(picture(tmp_path / "a.png")).model_copy(update={"institution": None})
    with pytest.raises(ReportError, match=r"institution\.name"):
        brand(settings)


def test_paths_start_where_audit_toml_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "logo.png")
    contact = '[institution]\nname = "Bank"\naddress = ["Street 1"]\n'
    (tmp_path / "audit.toml").write_text(MINIMAL + 'logo = "logo.png"\n' + contact)
    monkeypatch.chdir("/")
    assert set(look.versions(load(tmp_path / "audit.toml"))) == {"logo"}


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_only_colours_that_can_be_read_are_taken(colour: str) -> None:
    try:
        taken = BrandingSection(accent=colour).accent == colour
    except ValueError:
        taken = False
    assert taken == (contrast(colour) >= LEAST_CONTRAST)
    assert 1 <= contrast(colour) <= 21


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000") == pytest.approx(21)
    assert contrast("#ffffff") == pytest.approx(1)
    assert contrast("#767676") == pytest.approx(4.54, abs=0.005)  # the lightest grey that passes
    assert contrast("#777777") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('accent = "#ffcc00"', r"line 6: branding\.accent: #ffcc00 has a contrast of 1\.51:1.*4\.5:1"),
        ('accent = "red;}*{display:none"', "no colour"),
        ('accent = "#00529b;"', "no colour"),
        ('letterhead = [" "]', "empty"),
        ('signatory.name = ""', r"branding\.signatory\.name: the text is empty"),
        ('signatories = "x"', "did you mean 'signatory'"),
    ],
)
def test_mistakes_are_one_sentence_with_their_line(tmp_path: Path, line: str, why: str) -> None:
    (tmp_path / "audit.toml").write_text(MINIMAL + line)
    with pytest.raises(ConfigError, match=why):
        load(tmp_path / "audit.toml")
