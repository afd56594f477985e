"""Inspection of `.pt2` archives."""

from __future__ import annotations


class UnsafeArchiveError(Exception):
    """Loading the archive could run code; the message says where."""


class DamagedArchiveError(Exception):
    """The archive is no readable exported program."""


def inspected(content: bytes) -> bytes:
    raise UnsafeArchiveError("it has not been inspected")
