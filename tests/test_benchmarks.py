"""What the benchmarks time gives the same figures, and what they find is kept with what it depends on."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="not a source checkout")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports one script by its name, as it lies beside the others."""
    monkeypatch.syspath_prepend(FOLDER)
    before = set(sys.modules)
    yield __import__
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_what_a_quick_run_finds_lies_apart_from_what_is_quoted(
    script: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = script("kept")
    monkeypatch.setattr(kept, "RESULTS", tmp_path / "benchmarks" / "results")
    facts = kept.environment("numpy", "no-such-package", threads=1)
    assert (facts["numpy"], facts["no-such-package"], facts["threads"]) == (np.__version__, "not installed", 1)
    kept.keep("speed", facts, {"rows": [1]}, quick=True)
    assert [path.name for path in (tmp_path / "benchmarks" / "results").rglob("*.json")] == ["speed.json"]
    assert not (tmp_path / "benchmarks" / "results" / "speed.json").exists()
    kept.keep("speed", facts, {"rows": [2]}, quick=False)
    found = json.loads((tmp_path / "benchmarks" / "results" / "speed.json").read_text())
    assert found["rows"] == [2]
    assert found["environment"] == facts | {"took": kept.took()}


@pytest.mark.oracle
def test_methods_over_a_population_that_are_timed_beside_each_other_find_the_same(script: Any) -> None:
    """DeepLIFT by captum and by shap is LRP-0 over the same members, where units are ReLU and inputs differ."""
    pytest.importorskip("captum")
    pytest.importorskip("shap")
    methods = script("engine").population_workload(3, members=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum says on every call that it registers hooks
        captum = methods["captum DeepLiftShap"]().detach().numpy()
    shap = methods["shap DeepExplainer"]().reshape(captum.shape)
    ours = methods["lrp_audit lrp0"]().relevance["input"].numpy()
    assert np.allclose(ours, captum, atol=1e-9)
    assert np.allclose(ours, shap, atol=1e-9)
