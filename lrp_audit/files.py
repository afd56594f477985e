"""Files that are whole or not there at all, also after a crash."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lrp_audit.errors import ReportError


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file, which then is there whole or not at all; folders are made where missing.

    Raises:
        ReportError: the folder cannot be written to, or the disk is full.
    """

    def write(file: BinaryIO) -> None:
        file.write(content)

    return write_file(path, write)


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """As `write_bytes`, of what `write` puts into the file that it is given.

    Raises:
        ReportError: the folder cannot be written to, or the disk is full.
    """
    try:
        begun = begin_file(path, write)
        try:
            begun.finish()
        finally:
            begun.drop()
        sync_folder(path.parent)
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}.") from error
    return path


@dataclass(frozen=True)
class BegunFile:
    """A file that is written, but not on the disk for certain, and therefore not under its name yet."""

    path: Path
    unfinished: Path

    def finish(self) -> None:
        """Wait until the content is on the disk, and name it; the name is there once its folder is synced. OSError."""
        _sync(self.unfinished)
        self.unfinished.replace(self.path)

    def drop(self) -> None:
        """Remove the file, unless it is finished."""
        with contextlib.suppress(OSError):
            self.unfinished.unlink(missing_ok=True)


def begin_file(path: Path, write: Callable[[BinaryIO], object]) -> BegunFile:
    """As `write_file`, for whoever has many files to wait for.

    Raises:
        OSError: the folder cannot be written to, or the disk is full.
    """
    begun = BegunFile(path, path.with_name(f".{path.name}.{os.getpid()}.part"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with begun.unfinished.open("wb") as file:
            write(file)
    except OSError:
        begun.drop()
        raise
    return begun


def sync_folder(folder: Path) -> None:
    """Wait until what was renamed or removed in a folder is on the disk. Raises OSError."""
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
