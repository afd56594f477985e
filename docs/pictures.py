"""Makes the README's pictures from the samples: a letter, the first page of an audit, a heatmap.

python docs/pictures.py
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from PIL import Image, ImageOps

from lrp_audit.deciding.decisions import Decision, decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import open_session
from lrp_audit.demo import NOTICE
from lrp_audit.report import audit_pdf, letter_pdf
from lrp_audit.report.heatmap import heatmap_pdf
from lrp_audit.resources import samples
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import read_table

FOLDER = Path(__file__).parent / "pictures"
WIDTH = 1000  # pixels
COLOURS = 32
APPLICANT, WRITER = "A-00002", "T-003"


def main() -> None:
    """Write the three pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, pdf in documents():
        picture(pdf).save(FOLDER / f"{name}.png", optimize=True)


def documents() -> Iterator[tuple[str, bytes]]:
    """The documents that are shown, each as PDF."""
    decision, config = decided("audit.toml", "synthetic_applications.csv", APPLICANT)
    yield "letter", letter_pdf(decision.record, decision.addressee, config)
    yield "audit", audit_pdf(decision.record, config)
    decision, config = decided("text/audit.toml", "text/synthetic_narratives.csv", WRITER)
    (evidence,) = decision.record.text_evidence
    yield "heatmap", heatmap_pdf(evidence, config)


def decided(settings: str, data: str, id_: str) -> tuple[Decision, AuditConfig]:
    """One decision of the samples; the key that a run makes goes elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(shutil.copytree(samples(), Path(folder) / "samples"))
        config = load(here / settings)
        frame = read_table(here / data, text=text_columns(config.facts))
        session = open_session(config, (here / settings).parent, frame)
        (decision,) = decide(session, frame, notice=NOTICE, ids=[id_])
        return decision, config


def picture(pdf: bytes) -> Image.Image:
    """The first page, without empty paper at its end, in few colours."""
    page = pypdfium2.PdfDocument(pdf)[0]
    image = page.render(scale=WIDTH / page.get_width()).to_pil().convert("RGB")
    bottom = ImageOps.invert(image.convert("L")).getbbox()[3]
    cut = image.crop((0, 0, image.width, min(bottom + 40, image.height)))
    framed = ImageOps.expand(cut, border=2, fill="#c8c8c8")
    return framed.quantize(COLOURS, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
