"""One run in one folder: the lock is held by a process and goes with it, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from lrp_audit.errors import LrpAuditError, ReportError
from lrp_audit.sealing import layout


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder of a batch, which is made where it is missing, and is as it was where no run could begin in it.

    Raises:
        ReportError: another run works there, or the folder cannot be written to.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = set(folder.iterdir())
        descriptor = os.open(folder / layout.LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ReportError(f"{folder} cannot be written to: {error.strerror}.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ReportError(f"Another run works in {folder}; wait for it, or stop it.") from None
    try:
        yield
    except LrpAuditError:
        if not (folder / layout.PLAN).exists():
            _remove([folder] if made else set(folder.iterdir()) - before)
        raise
    finally:
        os.close(descriptor)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
