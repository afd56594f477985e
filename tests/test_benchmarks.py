"""What the benchmarks time gives the same figures, and what they find is kept with what it depends on."""

import json
import sys
import warnings
from contextlib import ExitStack
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig

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


def test_a_cuda_device_is_measured_where_there_is_one(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = script("harness")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert harness.devices() == ("cpu",)
    with pytest.raises(SystemExit):
        harness.parser("").parse_args(["--device", "cuda"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [place.named("8 rows") for device in harness.devices() for place in harness.places(device)] == [
        "8 rows", "8 rows, CUDA float32", "8 rows, CUDA bfloat16",
    ]  # fmt: skip


def test_what_a_cuda_device_did_is_kept_apart(
    script: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harness, kept = script("harness"), script("kept")
    monkeypatch.setattr(kept, "RESULTS", tmp_path / "benchmarks" / "results")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A device")
    timing = harness.Timing("8 rows", "ours", 0.5, 2.0, 1.0, 16.0)
    for device in ("cpu", "cuda"):
        harness.keep("engine", device, [timing], "torch", quick=False, capture_seconds=3)
    here, there = (json.loads((kept.RESULTS / f"engine{end}.json").read_text()) for end in ("", "-cuda"))
    assert "device" not in here["environment"]
    assert there["environment"]["device"] == "A device"
    assert here["timings"] == there["timings"] == [asdict(timing)]
    assert "ours" in capsys.readouterr().out


def test_perceptrons_are_measured_in_both_precisions(script: Any) -> None:
    engine, harness = script("engine"), script("harness")
    with harness.quiet(), ExitStack() as hooks:
        for dtype, signed in product((torch.float32, torch.bfloat16), (True, False)):
            place = harness.Place("cpu", dtype)
            methods = engine.dense_workload(4, signed=signed, hooks=hooks, place=place)
            found = harness.measure("4 rows", methods, rows=4, budget=0, place=place)
            assert [line.method for line in found] == [*methods]
            assert all(line.seconds > 0 for line in found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_words_are_measured_in_both_precisions(
    script: Any, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    text, harness = script("text"), script("harness")
    small = {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}
    monkeypatch.setattr(text, "BertConfig", lambda: BertConfig(**small))
    with harness.quiet():
        _, timings = text.run(harness.Place("cpu", dtype), None, quick=True)
    assert {line.method for line in timings} >= {"forward", harness.BASELINE, "lrp_audit attnlrp", "lrp_audit cp-lrp"}
