"""Opening model files: what is safe to open, and what needs trust.

Safe as they are are `.skops`, safetensors weights of a class the user's own installed package provides, and a `.pt2`
whose inspection finds nothing that could run. Everything else is a pickle at heart: reading it runs whatever it says.
"""

from __future__ import annotations

import importlib
import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import safetensors
import safetensors.torch
import skops.io
import torch
from torch import nn

from lrp_audit.adapters import pt2
from lrp_audit.adapters.huggingface import open_directory
from lrp_audit.errors import ModelFileError, UntrustedModelError

PICKLED = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt")
SUFFIXES = (".skops", ".safetensors", ".pt2", *PICKLED)

KNOWN_GOOD = frozenset(  # plain values and scikit-learn's own classes, which hold numbers and run nothing when restored
    {
        "numpy.dtype",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    }
)


def open_model(path: Path, *, trust: bool = False, code: str | None = None) -> object:
    """The estimator, module or exported program a file holds, or the text classifier of a Hugging Face directory.

    Args:
        path: The file, whose suffix says of which kind it is, or the directory.
        trust: Open it even if that runs code it contains.
        code: `package.module:Class` of the network whose weights a safetensors (or, trusted, `.pt`) file holds. The
            class is imported from what is installed and built with the keyword arguments that the safetensors metadata
            gives as JSON under "config", or else a JSON file of the same name beside it; without either, with none.

    Raises:
        ModelFileError: missing, truncated, of another kind, or without what it needs.
        UntrustedModelError: opening it could run code.
    """
    path = Path(path)
    if path.is_dir():
        return open_directory(path, trust=trust)
    content = _read(path)
    suffix = path.suffix.lower()
    if suffix == ".skops":
        return _open_skops(path, content, trust)
    if suffix == ".safetensors":
        return _open_safetensors(path, content, code)
    if suffix == ".pt2":
        return _open_exported(path, content, trust)
    if suffix not in PICKLED:
        raise ModelFileError(f"'{path.name}' is no model file this program knows ({', '.join(SUFFIXES)}).")
    if not trust:
        raise UntrustedModelError(
            f"'{path.name}' can run any code it contains when it is opened. {_trusting()} Safe formats are .skops for "
            "scikit-learn, and .pt2 or .safetensors for torch."
        )
    return _open_pickled(path, content, code)


def _read(path: Path) -> bytes:
    """The whole file at once, so that what is inspected is what is loaded."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"There is no model file '{path}'.") from None
    except OSError as error:
        raise ModelFileError(f"The model file '{path}' cannot be read: {error.strerror}.") from error
    if not content:
        raise ModelFileError(f"The model file '{path.name}' is empty.")
    return content


def _trusting() -> str:
    return (
        "Trusting a model file means letting it do on this machine whatever its maker likes, as with any program; if "
        "you made it yourself or would run a program of its maker, say so with --trust-model (trust=True)."
    )


# --- skops ------------------------------------------------------------------------------------------------------------


def _open_skops(path: Path, content: bytes, trust: bool) -> object:
    damaged = f"'{path.name}' is not a readable .skops file; it may be truncated or of another kind."
    try:
        types = skops.io.get_untrusted_types(data=content)
    except Exception as error:  # a damaged archive fails anywhere inside
        raise ModelFileError(damaged) from error
    unknown = sorted(set(types) - KNOWN_GOOD)
    if unknown and not trust:
        raise UntrustedModelError(
            f"'{path.name}' names {', '.join(unknown)}, which could run code when it is restored or used. {_trusting()}"
        )
    try:
        return skops.io.loads(content, trusted=types)
    except ImportError as error:
        raise ModelFileError(f"'{path.name}' needs a package that is not installed: {error}.") from error
    except Exception as error:
        raise ModelFileError(damaged) from error


# --- torch ------------------------------------------------------------------------------------------------------------


def _open_safetensors(path: Path, content: bytes, code: str | None) -> nn.Module:
    if code is None:
        raise ModelFileError(
            f"'{path.name}' holds weights only; name the class they belong to as model.code = 'package.module:Class'."
        )
    try:
        weights = safetensors.torch.load(content)
    except Exception as error:
        raise ModelFileError(f"'{path.name}' is not a readable safetensors file; it may be truncated.") from error
    return _with_weights(path, code, _arguments(path, content), weights)


def _arguments(path: Path, content: bytes) -> dict[str, Any]:
    """Keyword arguments of the class: the metadata's "config", else the JSON file beside the weights."""
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    beside = path.with_suffix(".json")
    text = metadata.get("config")
    where = f"The metadata of '{path.name}'"
    if text is None and beside.exists():
        text, where = beside.read_text(encoding="utf-8"), f"'{beside.name}'"
    try:
        arguments = {} if text is None else json.loads(text)
    except ValueError as error:
        raise ModelFileError(f"{where} is not readable JSON: {error}.") from error
    if not isinstance(arguments, dict):
        raise ModelFileError(f"{where} must be a JSON object of the class's keyword arguments.")
    return arguments


def _with_weights(path: Path, code: str, arguments: dict[str, Any], weights: Mapping[str, torch.Tensor]) -> nn.Module:
    try:
        module = _class(code)(**arguments)
    except ModelFileError:
        raise
    except Exception as error:
        raise ModelFileError(
            f"{code} cannot be built with the arguments {sorted(arguments) or 'none'} given for '{path.name}': {error}."
        ) from error
    kinds = {one.dtype for one in weights.values() if one.is_floating_point()}
    if kinds == {torch.float64}:
        module = module.double()
    try:
        module.load_state_dict(dict(weights), strict=True)
    except RuntimeError as error:
        first = " ".join(str(error).split())
        raise ModelFileError(f"The weights of '{path.name}' do not fit {code}: {first}") from error
    return module.eval()


def _class(code: str) -> type[nn.Module]:
    module_name, _, name = code.partition(":")
    try:
        found: Any = importlib.import_module(module_name) if name else None
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ModelFileError(
            f"model.code = '{code}' cannot be imported ({error}); it must name an installed class as "
            "'package.module:Class'."
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ModelFileError(f"model.code = '{code}' is not a torch.nn.Module class.")
    return found


def _open_exported(path: Path, content: bytes, trust: bool) -> object:
    try:
        archive = pt2.inspected(content)
    except pt2.UnsafeArchiveError as reason:
        if not trust:
            raise UntrustedModelError(
                f"'{path.name}' could run code when it is opened: {reason}. {_trusting()}"
            ) from None
        archive = content
    except pt2.DamagedArchiveError as reason:
        raise ModelFileError(f"'{path.name}' is not a readable .pt2 file: {reason}.") from None
    try:
        return torch.export.load(io.BytesIO(archive))
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"'{path.name}' cannot be loaded by torch {torch.__version__}: {first}") from error


# --- pickles ----------------------------------------------------------------------------------------------------------


def _open_pickled(path: Path, content: bytes, code: str | None) -> object:
    torch_file = path.suffix.lower() in (".pt", ".pth", ".bin", ".ckpt")
    try:
        if torch_file or zipfile.is_zipfile(io.BytesIO(content)):
            found = torch.load(io.BytesIO(content), weights_only=False, map_location="cpu")
        elif path.suffix.lower() == ".joblib":
            found = joblib.load(io.BytesIO(content))
        else:
            found = pickle.loads(content)
    except ImportError as error:
        raise ModelFileError(f"'{path.name}' needs a package that is not installed: {error}.") from error
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelFileError(
            f"'{path.name}' cannot be opened; it may be truncated or of another kind: {first}"
        ) from error
    if isinstance(found, Mapping):
        return _from_state(path, found, code)
    return found


def _from_state(path: Path, found: Mapping[str, Any], code: str | None) -> nn.Module:
    if not found or not all(isinstance(one, torch.Tensor) for one in found.values()):
        raise ModelFileError(f"'{path.name}' holds a dictionary, not a model; save the module itself or its weights.")
    if code is None:
        raise ModelFileError(
            f"'{path.name}' holds weights only; name the class they belong to as model.code = 'package.module:Class'."
        )
    return _with_weights(path, code, {}, found)
