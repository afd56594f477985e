"""One run in one folder: the lock is held by a process and goes with it, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from lrp_audit.errors import LrpAuditError, ReportError
from lrp_audit.sealing import layout


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder of a batch, which is made where it is missing, and goes again where no run could begin in it.

    Raises:
        ReportError: another run works there, or the folder cannot be written to.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
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
        if made and not (folder / layout.PLAN).exists():
            shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(descriptor)
