"""Finished chunks in the folder of a batch: files first, then, when all of them are on the disk, the marker.

A chunk without a marker is worked on again whole, and writes the same files over what lies there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from lrp_audit.batch.chunk import Put
from lrp_audit.batch.tally import Tally
from lrp_audit.errors import ReportError
from lrp_audit.files import BegunFile, begin_file, sync_folder, write_bytes
from lrp_audit.records.record import Frozen, canonical
from lrp_audit.sealing import layout

AT_ONCE = 8  # files that the disk is waited for together, since a journal takes several in one go
TOGETHER = 4 * 2**20  # bytes of files that wait until they are written


class StoredFile(Frozen):
    """A file of a chunk."""

    name: str
    bytes: int


class Marker(Frozen):
    """What a finished chunk wrote, and what became of its rows."""

    files: tuple[StoredFile, ...]
    tally: Tally


def store(folder: Path, number: int, produce: Callable[[Put], Tally]) -> Tally:
    """Write the files of a chunk and mark it as finished.

    Args:
        folder: the batch.
        number: of the chunk.
        produce: puts all files.

    Raises:
        ReportError: a file cannot be written; the chunk is not finished then.
    """
    files: list[StoredFile] = []
    with ThreadPoolExecutor(AT_ONCE) as disk:
        waiting = _Waiting(folder, disk)

        def put(name: str, content: bytes) -> None:
            files.append(StoredFile(name=name, bytes=len(content)))
            waiting.add(name, content)

        try:
            tally = produce(put)
            waiting.write()
            for place in _places(files):
                sync_folder(folder / place)
        except OSError as error:
            raise ReportError(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from error
    write_bytes(layout.marker(folder, number), canonical(Marker(files=tuple(files), tally=tally)))
    return tally


class _Waiting:
    """Files that are written together: one by one, between other work, each takes three times as long."""

    def __init__(self, folder: Path, disk: ThreadPoolExecutor) -> None:
        self._folder, self._disk = folder, disk
        self._files: list[tuple[str, bytes]] = []
        self._bytes = 0

    def add(self, name: str, content: bytes) -> None:
        """Add a file, and write all that wait once they are many. Raises OSError."""
        self._files.append((name, content))
        self._bytes += len(content)
        if self._bytes >= TOGETHER:
            self.write()

    def write(self) -> None:
        """Write all that wait, and name them when they are on the disk. Raises OSError."""
        begun: list[BegunFile] = []
        try:
            begun.extend(itertools.starmap(self._begin, self._files))
            for _ in self._disk.map(_finish, (begun[place::AT_ONCE] for place in range(AT_ONCE))):
                pass
        finally:
            for file in begun:
                file.drop()
        self._files, self._bytes = [], 0

    def _begin(self, name: str, content: bytes) -> BegunFile:
        return begin_file(self._folder / name, lambda file: file.write(content))


def _finish(files: Sequence[BegunFile]) -> None:
    for file in files:
        file.finish()


def finished(folder: Path, chunks: int) -> dict[int, Tally]:
    """The finished chunks, and what became of their rows; those whose files are not all there are not finished."""
    found = {}
    for number in range(chunks):
        marker = _marker(layout.marker(folder, number))
        if marker is not None and all(_is_there(folder / file.name, file.bytes) for file in marker.files):
            found[number] = marker.tally
    return found


def _places(files: list[StoredFile]) -> list[Path]:
    """The folders that files were put into, below the batch, the deepest first, and the batch itself last."""
    found = {parent for file in files for parent in Path(file.name).parents}
    return sorted(found, key=lambda place: (-len(place.parts), place))


def _marker(path: Path) -> Marker | None:
    try:
        return Marker.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, ValueError):
        raise ReportError(f"{path} cannot be read; remove it, and its chunk is worked on again.") from None


def _is_there(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
