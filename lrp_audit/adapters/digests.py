"""Digests of weights and of fitted preprocessing: equal fits give equal digests, in every process."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import sparse

RUN_SETTINGS = frozenset({"verbose", "n_jobs", "memory", "copy", "random_state", "copy_X", "_sklearn_output_config"})


def weights_sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names (sorted), dtypes, shapes and bytes of parameters and buffers."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def preprocessing_sha256(step: Any) -> str:
    """SHA-256 over everything a fitted preprocessor holds, parameters and learned values.

    Settings that only say how to run (workers, verbosity, seeds already used) are left out. Functions count by their
    module, name and byte code, modules by their name.
    """
    digest = hashlib.sha256()
    _feed(digest, step, ())
    return digest.hexdigest()


def _feed(digest: Any, value: Any, above: tuple[int, ...]) -> None:
    """Write a value in a self-delimiting form: a type tag, then its content."""
    if id(value) in above:
        digest.update(b"cycle;")
        return
    above = (*above, id(value))
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)) or value is pd.NA:
        digest.update(f"{type(value).__name__}:{value!r};".encode())
    elif isinstance(value, torch.Tensor):
        _feed(digest, value.detach().cpu().numpy(), above)
    elif isinstance(value, np.ndarray):
        _feed_array(digest, value, above)
    elif sparse.issparse(value):
        _feed(digest, value.toarray(), above)
    elif isinstance(value, (list, tuple)):
        _feed_items(digest, "list", list(value), above)
    elif isinstance(value, (set, frozenset)):
        _feed_items(digest, "set", sorted(value, key=repr), above)
    elif isinstance(value, Mapping):
        _feed_items(digest, "dict", sorted(value.items(), key=lambda item: repr(item[0])), above)
    else:
        _feed_object(digest, value, above)


def _feed_items(digest: Any, tag: str, items: list[Any], above: tuple[int, ...]) -> None:
    digest.update(f"{tag}{len(items)}:".encode())
    for item in items:
        _feed(digest, item, above)


def _feed_array(digest: Any, array: np.ndarray[Any, Any], above: tuple[int, ...]) -> None:
    digest.update(f"array{array.shape}:".encode())
    if array.dtype.kind in "OUSV":
        _feed_items(digest, "cells", array.ravel().tolist(), above)
    else:
        plain = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{plain.dtype.str}:".encode() + plain.tobytes())


def _feed_object(digest: Any, value: Any, above: tuple[int, ...]) -> None:
    if isinstance(value, (types.FunctionType, np.ufunc, types.BuiltinFunctionType, type)):
        digest.update(f"function:{getattr(value, '__module__', '')}.{value.__qualname__};".encode())
        if isinstance(value, types.FunctionType):
            digest.update(value.__code__.co_code)
            consts = [one for one in value.__code__.co_consts if not isinstance(one, types.CodeType)]
            _feed_items(digest, "constants", consts, above)
        return
    if isinstance(value, types.ModuleType):  # SciPy's splines hold the array library they were fitted with
        digest.update(f"module:{value.__name__};".encode())
        return
    kind = type(value)
    digest.update(f"object:{kind.__module__}.{kind.__qualname__}:".encode())
    if isinstance(value, (slice, np.dtype)):
        digest.update(f"{value!r};".encode())
        return
    state = {name: one for name, one in getattr(value, "__dict__", {}).items() if name not in RUN_SETTINGS}
    _feed_items(digest, "state", sorted(state.items()), above)
