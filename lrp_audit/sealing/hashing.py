"""Digests of files, by several threads: hashing and reading leave the interpreter alone."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

_SMALL = 1 << 20  # bytes that are read at once
_TOGETHER = 64  # files that a thread takes at once: letters are small, and handing one over costs as much as hashing it
_WAITING = 64  # such parts that wait for a thread


@dataclass(frozen=True)
class Hashed:
    """A file by its name in a folder. `sha256` is hexadecimal; None where there is no plain file that can be read."""

    name: str
    sha256: str | None
    bytes: int = 0


def digests(folder: Path, names: Iterable[str]) -> Iterator[Hashed]:
    """The files of a folder with their digests, in the order of `names`."""
    parts = _parts(iter(names))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while some := list(islice(parts, _WAITING)):
            for found in pool.map(lambda part: [hashed(folder, name) for name in part], some):
                yield from found


def _parts(names: Iterator[str]) -> Iterator[list[str]]:
    while part := list(islice(names, _TOGETHER)):
        yield part


def hashed(folder: Path, name: str) -> Hashed:
    """One file with its digest; links are not followed, since what lies behind them is not in the folder."""
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return Hashed(name, None)
    with open(descriptor, "rb", buffering=0) as file:
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return Hashed(name, None)
            if status.st_size <= _SMALL:
                return Hashed(name, hashlib.sha256(file.readall()).hexdigest(), status.st_size)
            return Hashed(name, hashlib.file_digest(file, "sha256").hexdigest(), status.st_size)
        except OSError:
            return Hashed(name, None)
