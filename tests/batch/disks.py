"""A disk that loses at a power failure all that nobody waited for: contents and names that were not fsynced."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Disk:
    """What is on the disk below a folder, after every fsync.

    Attributes:
        root: the folder.
        contents: inode of a file -> what of it is on the disk.
        names: inode of a folder -> its names there, and their inodes.
        moments: copies of both, one for every fsync.
    """

    root: Path
    contents: dict[int, bytes] = field(default_factory=dict)
    names: dict[int, dict[str, tuple[int, bool]]] = field(default_factory=dict)
    moments: list[tuple[dict[int, bytes], dict[int, dict[str, tuple[int, bool]]]]] = field(default_factory=list)

    def synced(self, path: Path) -> None:
        """A file or a folder is now on the disk as it is; of a folder its names, and not what they stand for."""
        inode = path.stat().st_ino
        if path.is_dir():
            self.names[inode] = {
                item.name: (item.inode(), item.is_dir(follow_symlinks=False)) for item in os.scandir(path)
            }
        else:
            self.contents[inode] = path.read_bytes()
        self.moments.append((dict(self.contents), dict(self.names)))

    def restore(self, moment: int, folder: Path) -> Path:
        """The folder as it is found after the power failed at a moment."""
        contents, names = self.moments[moment]

        def put(inode: int, path: Path) -> None:
            path.mkdir()
            for name, (item, is_folder) in names.get(inode, {}).items():
                if is_folder:
                    put(item, path / name)
                else:
                    (path / name).write_bytes(contents.get(item, b""))

        put(self.root.stat().st_ino, folder)
        return folder


@contextmanager
def watched(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A disk that sees every fsync below a folder."""
    disk, fsync = Disk(root), os.fsync

    def seen(descriptor: int) -> None:
        fsync(descriptor)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if path == root or root in path.parents:
            disk.synced(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", seen)
        yield disk


def fork(act: Callable[[], None]) -> int:
    """Act in a process of its own; its id."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return child
