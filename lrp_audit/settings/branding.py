"""The section [branding] of audit.toml: how a lender's own letters look.

[branding]
logo = "logo.png"                       # PNG or JPEG, relative to audit.toml
accent = "#00529b"                      # colour of the letterhead
letterhead = ["Member FDIC"]            # lines below name and address

[branding.signatory]
name = "J. Okafor"
role = "Head of Credit Review"
"""

from __future__ import annotations

import re
from typing import Annotated

from coloraide import Color
from pydantic import AfterValidator, Field

from lrp_audit.settings.section import Section

LEAST_CONTRAST = 4.5  # WCAG 2, success criterion 1.4.3, level AA, for text of any size
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def contrast(colour: str) -> float:
    """Contrast of a `#rrggbb` colour against white paper, from 1 to 21 (WCAG 2, relative luminance)."""
    return float(Color(colour).contrast("white", method="wcag21"))


def _legible(colour: str) -> str:
    if not _HEX.fullmatch(colour):
        raise ValueError(f"'{colour}' is no colour such as #00529b")
    if (found := contrast(colour)) < LEAST_CONTRAST:
        raise ValueError(
            f"{colour} has a contrast of {found:.2f}:1 against white, and WCAG AA asks for {LEAST_CONTRAST}:1; "
            "take a darker colour"
        )
    return colour.lower()


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty")
    return text.strip()


Said = Annotated[str, AfterValidator(_said)]


class Signatory(Section):
    """Who signs letters."""

    name: Said
    role: Said | None = None


class BrandingSection(Section):
    """What a lender adds to the head and the end of letters."""

    logo: str | None = None
    accent: Annotated[str, AfterValidator(_legible)] | None = None
    letterhead: Annotated[tuple[Said, ...], Field(max_length=6)] = ()
    signatory: Signatory | None = None
