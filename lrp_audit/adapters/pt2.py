"""Inspection of `.pt2` archives, so that nothing in them can run when they are loaded.

`torch.export.load` (torch 2.13) unpickles payloads marked so, custom objects and, where the safe way fails, sample
inputs; it evaluates symbolic expressions, generates and runs code from guards and names, resolves operators to any
attribute of torch, and imports modules named in tree specifications. Every one of these is checked here. What passes is
written anew, so that what is loaded is what was read, whatever else the original held.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import torch

from lrp_audit.adapters.pt2_program import UnsafeProgramError, checked_program

FORMAT, VERSION, BYTEORDER = "archive_format", "archive_version", "byteorder"
PROGRAM = "models/model.json"
SAMPLE_INPUTS = "data/sample_inputs/model.pt"
PAYLOADS = {
    "data/weights/model_weights_config.json": re.compile(r"weight_\d{1,9}"),
    "data/constants/model_constants_config.json": re.compile(r"tensor_\d{1,9}"),
}
DROPPED = re.compile(r"extra/.*|\.data/serialization_id|\.format_version|\.storage_alignment")
PLAIN = re.compile(r"archive_format|archive_version|byteorder|\.data/version")
TENSOR = re.compile(r"data/(weights/weight|constants/tensor)_\d{1,9}")
ROOT = "model"


class UnsafeArchiveError(Exception):
    """Loading the archive could run code; the message says where, as a clause."""


class DamagedArchiveError(Exception):
    """The bytes are no exported program of this format; the message says why, as a clause."""


def inspected(content: bytes) -> bytes:
    """A clean copy of an archive in which nothing can run.

    Raises:
        DamagedArchiveError: no readable exported program.
        UnsafeArchiveError: something in it could run code, or is of a kind that was not foreseen.
    """
    records = _records(content)
    clean = {name: data for name, data in records.items() if PLAIN.fullmatch(name) or TENSOR.fullmatch(name)}
    for config, names in PAYLOADS.items():
        clean[config] = _dumped(_checked_payloads(_json(records, config), config, names))
    try:
        clean[PROGRAM] = _dumped(checked_program(_json(records, PROGRAM)))
    except UnsafeProgramError as error:
        raise UnsafeArchiveError(str(error)) from None
    clean[SAMPLE_INPUTS] = _checked_sample_inputs(records)
    foreign = [name for name in records if name not in clean and not DROPPED.fullmatch(name)]
    if foreign:
        raise UnsafeArchiveError(f"it holds '{foreign[0]}', which is no part of a plain exported program")
    return _packed(clean)


def _records(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
            records = {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DamagedArchiveError(f"it is no intact zip archive ({error})") from None
    if len(records) != len(names):
        raise UnsafeArchiveError("it holds a record twice, of which readers may take either")
    roots = {name.partition("/")[0] for name in names}
    if len(roots) != 1:
        raise DamagedArchiveError("it is no archive of torch.export.save")
    plain = {name.partition("/")[2]: data for name, data in records.items()}
    if plain.get(FORMAT) != b"pt2":
        raise DamagedArchiveError(
            "it is no archive of torch.export.save, or one of torch 2.7 or older, which must be exported again"
        )
    return plain


def _json(records: Mapping[str, bytes], name: str) -> Any:
    if name not in records:
        raise DamagedArchiveError(f"it lacks {name}")
    try:
        return json.loads(records[name].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedArchiveError(f"{name} is not readable ({error})") from None


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8")


def _checked_payloads(found: Any, config: str, names: re.Pattern[str]) -> Any:
    """The configuration of weights or constants, none of which may be pickled."""
    try:
        entries = dict(found["config"])
        for key, entry in entries.items():
            if entry["use_pickle"] is not False or entry["tensor_meta"] is None:
                raise UnsafeArchiveError(f"'{key}' in {config} is stored as a pickle")
            if not names.fullmatch(entry["path_name"]):
                raise UnsafeArchiveError(f"'{key}' in {config} is stored as '{entry['path_name']}', no plain tensor")
    except (KeyError, TypeError, ValueError):
        raise DamagedArchiveError(f"{config} is not as torch.export.save writes it") from None
    return {"config": entries}


def _checked_sample_inputs(records: Mapping[str, bytes]) -> bytes:
    """Sample inputs that load without unpickling anything but tensors and plain containers."""
    if SAMPLE_INPUTS not in records:
        raise DamagedArchiveError(f"it lacks {SAMPLE_INPUTS}")
    data = records[SAMPLE_INPUTS]
    if data:
        try:
            found = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
        except Exception:
            raise UnsafeArchiveError("its sample inputs are pickled objects other than tensors") from None
        if not isinstance(found, (tuple, dict)):
            raise DamagedArchiveError("its sample inputs are not as torch.export.save writes them")
    return data


def _packed(records: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in records.items():
            archive.writestr(zipfile.ZipInfo(f"{ROOT}/{name}"), data)
    return buffer.getvalue()
