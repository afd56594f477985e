"""The notebooks run from top to bottom, and are kept without what they print."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from lrp_audit.resources import samples

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="not a source checkout")


def name(path: Path) -> str:
    return path.stem


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the kernel's own machinery; the notebook's are its output
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(samples(), tmp_path / "data_samples", ignore=shutil.ignore_patterns("*.key", "__pycache__"))
    (tmp_path / "reports").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=900, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any(output.output_type in {"execute_result", "display_data"} for output in outputs)
    said = "".join(output.text for output in outputs if output.get("name") == "stderr")
    assert not [line for line in said.splitlines() if "Warning" in line and "TqdmWarning" not in line]  # of a widget


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        if cell.cell_type == "code":
            assert cell.execution_count is None
            assert not cell.outputs
