"""The README's pictures are small, and hold pixels and nothing else."""

from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="not a source checkout")


@pytest.mark.parametrize("name", ["letter", "audit", "heatmap"])
def test_a_picture_is_small_and_has_no_metadata(name: str) -> None:
    path = FOLDER / f"{name}.png"
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width <= 1010
        assert not picture.info.keys() & {"exif", "dpi", "Software", "Title", "Author", "date:create"}
        assert len(picture.convert("RGB").getcolors(100)) > 10
