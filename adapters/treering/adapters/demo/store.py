"""Files of the demo world on disk.

Owns how one is written: whole, with a fixed mode whatever the umask, in a directory made for it.
Overwrites nothing that holds other bytes.
"""

from __future__ import annotations

import os
from pathlib import Path

FILE_MODE = 0o644
DIRECTORY_MODE = 0o755


class Store:
    """A directory being filled."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._made: set[Path] = set()
        self.folder("")

    def put(self, path: str, data: bytes | str, mode: int = FILE_MODE) -> None:
        """Write a file once; content-addressed ones may be put again. Raises `OSError`."""
        if isinstance(data, str):
            data = data.encode("utf-8")
        target = self.directory / path
        self._folder(target.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            number = os.open(target, flags, mode)
        except FileExistsError:
            if target.read_bytes() == data:
                return
            raise
        with os.fdopen(number, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link. Raises `OSError`."""
        self._folder((self.directory / path).parent)
        (self.directory / path).symlink_to(target)

    def folder(self, path: str) -> None:
        """Make a directory and those it lies in. Raises `OSError`."""
        self._folder(self.directory / path if path else self.directory)

    def _folder(self, path: Path) -> None:
        if path in self._made:
            return
        if not path.is_dir():
            self._folder(path.parent)
            path.mkdir()
            path.chmod(DIRECTORY_MODE)
        self._made.add(path)
