"""Files that are whole or not there at all, also after a crash."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
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
        put_file(path, write)
        sync_folder(path.parent)
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def put_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """As `write_file`, but whoever calls waits, with `sync_folder`, until the file's name is on the disk as well.

    Raises:
        OSError: the folder cannot be written to, or the disk is full.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Wait until what was renamed or removed in a folder is on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
