"""A lender's own look of letters, ready to print. The logo is read once, re-encoded, and carries nothing but pixels."""

from __future__ import annotations

import base64
import hashlib
import io
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from lrp_audit.errors import ReportError
from lrp_audit.settings.branding import Signatory
from lrp_audit.settings.config import AuditConfig

LOGO_BYTES = 4_000_000  # of the file
LOGO_PIXELS = 6000  # of its longer side
_SHORTEST = 16  # pixels of its shorter side
_PRINTED = (1000, 500)  # pixels that are kept: 360 an inch at the largest size that letters print
_ENDS = (b"IEND\xaeB`\x82", b"\xff\xd9")  # of PNG and JPEG; WeasyPrint lets Pillow read files that lack them
_PREFIX = "data:image/png;base64,"


@dataclass(frozen=True)
class Brand:
    """What letters carry of their lender's look.

    Attributes:
        logo: the picture as a data URL, the only resource a page may hold.
        alt: the logo's alternative text, which is the lender's name.
        accent: a colour as `#rrggbb`; None for the text's own.
    """

    logo: str | None = None
    alt: str = ""
    accent: str | None = None
    letterhead: tuple[str, ...] = ()
    signatory: Signatory | None = None

    @property
    def rule(self) -> str:
        """The style sheet of the colour."""
        return "" if self.accent is None else f":root{{--accent:{self.accent}}}"

    @property
    def sha256(self) -> str | None:
        """Digest of the logo, on which a letter's bytes depend; None without one."""
        return None if self.logo is None else hashlib.sha256(self.logo.encode()).hexdigest()


NO_BRAND = Brand()


def brand(config: AuditConfig) -> Brand:
    """The look that `[branding]` asks for.

    Raises:
        ReportError: the logo cannot be used, or there is no institution whose name would be its alternative text.
    """
    section = config.branding
    if section.logo is not None and config.institution is None:
        raise ReportError("branding.logo needs institution.name, which is read aloud in the logo's place.")
    return Brand(
        logo=None if section.logo is None else _logo((config.folder / section.logo).resolve()),
        alt="" if config.institution is None else config.institution.name,
        accent=section.accent,
        letterhead=section.letterhead,
        signatory=section.signatory,
    )


@lru_cache(maxsize=8)
def _logo(path: Path) -> str:
    """A picture of a user as a data URL: pixels alone, no metadata, no profile, at most as large as print needs."""
    try:
        content = path.read_bytes() if path.stat().st_size <= LOGO_BYTES else b""
        if not content:
            raise ReportError(f"branding.logo: {path.name} is empty or has more than {LOGO_BYTES:,} bytes.")
        if not content.rstrip(b"\0\r\n").endswith(_ENDS):
            raise UnidentifiedImageError
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of pictures that unpack to very much
            return _PREFIX + base64.b64encode(_pixels(content, path.name)).decode()
    except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        reason = "it is no whole PNG or JPEG picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ReportError(f"branding.logo: {path.name} cannot be used ({reason}); give a PNG or JPEG file.") from None


def _pixels(content: bytes, name: str) -> bytes:
    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
        if max(picture.size) > LOGO_PIXELS or min(picture.size) < _SHORTEST:
            size = f"{picture.width} x {picture.height} pixels"
            raise ReportError(f"branding.logo: {name} has {size}; sides of {_SHORTEST} to {LOGO_PIXELS} are printed.")
        plain = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    plain.thumbnail(_PRINTED, Image.Resampling.LANCZOS)
    bare = Image.frombytes(plain.mode, plain.size, plain.tobytes())  # without what the file said about itself
    written = io.BytesIO()
    bare.save(written, "PNG")
    return written.getvalue()
