"""Pages of the notebooks: their text and code. What they print stays with whoever runs them; the tests do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def names() -> list[str]:
    """The notebooks, without their ending."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def page(name: str) -> str:
    """One notebook as Markdown, with a link to the file."""
    book = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    title, *cells = [_cell(cell) for cell in book["cells"]]
    return "\n\n".join([title, f"[Download this notebook]({name}.ipynb)", *cells]) + "\n"


def _cell(cell: Mapping[str, Any]) -> str:
    text = "".join(cell["source"])
    return text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
