"""Model files: safe ones open, others run nothing, and damaged ones are named."""

import contextlib
import io
import json
import os
import pickle
from pathlib import Path
from typing import Any

import adapter_networks as networks
import adapter_tables as tables
import joblib
import numpy as np
import pytest
import skops.io
import torch
from safetensors.torch import save_file
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import TweedieRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, StandardScaler

from lrp_audit.adapters.formats import open_model
from lrp_audit.errors import ModelFileError, UntrustedModelError


class Malice:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


def harmful(values: Any) -> Any:
    """A function of an installed module that a file can name."""
    os.environ["LRP_AUDIT_TEST_HARM"] = "done"
    return values


PICKLES = {
    ".pkl": lambda marker: pickle.dumps(Malice(marker)),
    ".pickle": lambda marker: pickle.dumps({"weights": Malice(marker)}),
    ".joblib": lambda marker: pickle.dumps(Malice(marker)),
    ".pt": lambda marker: torch_bytes(Malice(marker)),
    ".pth": lambda marker: pickle.dumps(Malice(marker)),
    ".ckpt": lambda marker: torch_bytes({"state_dict": Malice(marker)}),
}


def torch_bytes(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", PICKLES)
def test_a_malicious_pickle_runs_only_when_trusted(suffix: str, tmp_path: Path) -> None:
    marker, file = tmp_path / "marker", tmp_path / f"model{suffix}"
    file.write_bytes(PICKLES[suffix](marker))
    with pytest.raises(UntrustedModelError, match="--trust-model") as stop:
        open_model(file)
    assert "do on this machine whatever its maker likes" in str(stop.value)
    assert not marker.exists()
    with contextlib.suppress(ModelFileError):
        open_model(file, trust=True)
    assert marker.exists(), "the file is harmless, so the test shows nothing"


@pytest.mark.parametrize("suffix", [".skops", ".safetensors", ".pt2"])
def test_a_malicious_pickle_under_a_safe_name_is_never_unpickled(suffix: str, tmp_path: Path) -> None:
    for content in (pickle.dumps(Malice(tmp_path / "marker")), torch_bytes(Malice(tmp_path / "marker"))):
        file = tmp_path / f"model{suffix}"
        file.write_bytes(content)
        for trust in (False, True):
            with pytest.raises(ModelFileError):
                open_model(file, trust=trust, code="torch.nn:Identity" if suffix == ".safetensors" else None)
        assert not (tmp_path / "marker").exists()


# --- skops ------------------------------------------------------------------------------------------------------------

USUAL = {
    "network": tables.network(),
    "network, sgd": tables.network(solver="sgd"),
    "calibrated": CalibratedClassifierCV(tables.network(max_iter=60, learning_rate_init=0.02), cv=2),
    "calibrated, isotonic": CalibratedClassifierCV(tables.network(), method="isotonic", ensemble=False, cv=2),
}


@pytest.mark.parametrize("name", USUAL)
def test_usual_pipelines_open_without_trust(name: str, tmp_path: Path) -> None:
    steps = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), make_column_selector("age|income")),
        (KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), ["debt"]),
        (FunctionTransformer(np.log1p), ["months"]),
        (OneHotEncoder(), ["housing"]),
        remainder="drop",
    )
    frame = tables.loans()
    user = tables.fit(make_pipeline(steps, USUAL[name]), frame)
    skops.io.dump(user, tmp_path / "model.skops")
    opened: Any = open_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(opened.predict_proba(frame), user.predict_proba(frame))


def test_a_regressor_with_a_loss_of_its_own_opens(tmp_path: Path) -> None:
    frame = tables.loans(missing=False)[tables.NUMBERS]
    user = make_pipeline(StandardScaler(), TweedieRegressor(power=1.5)).fit(frame, frame["age"])
    skops.io.dump(user, tmp_path / "model.skops")
    assert isinstance(open_model(tmp_path / "model.skops"), type(user))


def test_a_malicious_skops_file_is_named_and_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRP_AUDIT_TEST_HARM", raising=False)
    frame = tables.loans(missing=False)[tables.NUMBERS]
    user = make_pipeline(FunctionTransformer(harmful), tables.network())
    skops.io.dump(tables.fit(user, frame, tables.outcome(tables.loans())), tmp_path / "model.skops")
    assert os.environ.pop("LRP_AUDIT_TEST_HARM") == "done", "fitting runs the function once"
    with pytest.raises(UntrustedModelError, match=r"test_formats\.harmful"):
        open_model(tmp_path / "model.skops")
    assert "LRP_AUDIT_TEST_HARM" not in os.environ
    opened: Any = open_model(tmp_path / "model.skops", trust=True)
    opened.predict(frame)
    assert os.environ["LRP_AUDIT_TEST_HARM"] == "done"


def test_a_skops_file_that_names_a_command_is_refused(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(os.system), tmp_path / "model.skops")
    with pytest.raises(UntrustedModelError, match="system"):
        open_model(tmp_path / "model.skops")


# --- safetensors ------------------------------------------------------------------------------------------------------

CODE = "adapter_networks:Entities"


def weights(tmp_path: Path, module: torch.nn.Module, **metadata: str) -> Path:
    save_file(module.state_dict(), tmp_path / "model.safetensors", metadata=metadata or None)
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("double", [True, False])
def test_weights_open_into_an_importable_class(beside: bool, double: bool, tmp_path: Path) -> None:
    module = networks.drawn(networks.Entities(sizes=(3, 4, 5), outputs=1))
    module = module.double() if double else module
    arguments = json.dumps({"sizes": [3, 4, 5], "outputs": 1})
    if beside:
        file = weights(tmp_path, module)
        (tmp_path / "model.json").write_text(arguments, encoding="utf-8")
    else:
        file = weights(tmp_path, module, config=arguments)
    opened: Any = open_model(file, code=CODE)
    assert not opened.training
    for name, one in module.state_dict().items():
        torch.testing.assert_close(opened.state_dict()[name], one, rtol=0, atol=0)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    file = weights(tmp_path, networks.drawn(networks.Entities(outputs=5)))
    with pytest.raises(ModelFileError, match="do not fit"):
        open_model(file, code=CODE)
    partial = networks.Entities().state_dict()
    partial.pop("layers.0.bias")
    save_file(partial, file)
    with pytest.raises(ModelFileError, match=r"layers\.0\.bias"):
        open_model(file, code=CODE)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, r"model\.code"),
        ("adapter_networks", "package.module:Class"),
        ("no_such_package.models:Net", "no_such_package"),
        ("adapter_networks:Nothing", "Nothing"),
        ("adapter_networks:generator", "not a torch.nn.Module class"),
        ("builtins:eval", "not a torch.nn.Module class"),
        ("os:system", "not a torch.nn.Module class"),
        (":Net", "cannot be imported"),
    ],
)
def test_a_class_that_is_none_is_refused(code: str | None, words: str, tmp_path: Path) -> None:
    file = weights(tmp_path, networks.drawn(networks.Entities()))
    with pytest.raises(ModelFileError, match=words):
        open_model(file, code=code)


@pytest.mark.parametrize("text", ["{", "[1, 2]", '{"no_such_argument": 1}'])
def test_arguments_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    file = weights(tmp_path, networks.drawn(networks.Entities()), config=text)
    with pytest.raises(ModelFileError, match=r"arguments|JSON"):
        open_model(file, code=CODE)


# --- trusted ----------------------------------------------------------------------------------------------------------


def test_trusted_files_open(tmp_path: Path) -> None:
    frame = tables.loans(missing=False)[tables.NUMBERS]
    user = tables.fit(tables.network(), frame, tables.outcome(tables.loans()))
    joblib.dump(user, tmp_path / "model.joblib", compress=3)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(user))
    module = networks.drawn(networks.Residual())
    torch.save(module, tmp_path / "model.pt")
    for name in ("model.joblib", "model.pkl"):
        opened: Any = open_model(tmp_path / name, trust=True)
        np.testing.assert_array_equal(opened.predict_proba(frame), user.predict_proba(frame))
    assert isinstance(open_model(tmp_path / "model.pt", trust=True), networks.Residual)


def test_trusted_weights_need_their_class(tmp_path: Path) -> None:
    module = networks.drawn(networks.Residual())
    torch.save(module.state_dict(), tmp_path / "model.pt")
    with pytest.raises(ModelFileError, match="weights only"):
        open_model(tmp_path / "model.pt", trust=True)
    opened: Any = open_model(tmp_path / "model.pt", trust=True, code="adapter_networks:Residual")
    torch.testing.assert_close(opened.state_dict(), module.state_dict())
    torch.save({"epoch": 3}, tmp_path / "model.pt")
    with pytest.raises(ModelFileError, match="dictionary"):
        open_model(tmp_path / "model.pt", trust=True)


# --- damaged ----------------------------------------------------------------------------------------------------------


def whole_files(folder: Path) -> list[Path]:
    frame = tables.loans(missing=False)[tables.NUMBERS]
    user = tables.fit(tables.network(), frame, tables.outcome(tables.loans()))
    skops.io.dump(user, folder / "a.skops")
    joblib.dump(user, folder / "b.joblib")
    (folder / "c.pkl").write_bytes(pickle.dumps(user))
    torch.save(networks.Residual(), folder / "d.pt")
    save_file(networks.Entities().state_dict(), folder / "e.safetensors")
    rows = torch.export.Dim("rows")
    program = torch.export.export(networks.Residual().eval(), (torch.zeros(3, 4),), dynamic_shapes=({0: rows},))
    torch.export.save(program, folder / "f.pt2")
    return sorted(folder.iterdir())


def test_truncated_and_garbled_files_are_named(tmp_path: Path) -> None:
    for file in whole_files(tmp_path):
        content = file.read_bytes()
        code = CODE if file.suffix == ".safetensors" else None
        open_model(file, trust=True, code=code)
        for damaged in (content[: len(content) // 2], content[:3], b"not a model at all\n" * 9, content[100:]):
            file.write_bytes(damaged)
            with pytest.raises(ModelFileError, match=file.name) as stop:
                open_model(file, trust=True, code=code)
            assert not isinstance(stop.value, UntrustedModelError)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty.skops").touch()
    (tmp_path / "model.onnx").write_bytes(b"onnx")
    (tmp_path / "folder.skops").mkdir()
    for name, words in {
        "missing.skops": "no model file",
        "empty.skops": "empty",
        "model.onnx": r"\.safetensors",
        "folder.skops": "folder",
    }.items():
        with pytest.raises(ModelFileError, match=words):
            open_model(tmp_path / name)
