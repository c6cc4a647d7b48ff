"""Trees with package databases in them, and the parts such databases are made of."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from treering.core.errors import NotPermitted
from treering.core.ids import Digest
from treering.core.trees import Entry, EntryType, MemoryTree, parent_of

NAME, VERSION, RELEASE, EPOCH, SIZE, ARCH, SOURCE, LONG_SIZE = (
    1000, 1001, 1002, 1003, 1009, 1022, 1044, 5009,
)  # fmt: skip
Value = str | int | tuple[int, bytes, int]


def tree_of(files: Mapping[str, bytes | str]) -> MemoryTree:
    """A tree of files (bytes) and symbolic links (text)."""
    entries, contents = [], {}
    for name, value in files.items():
        path = name.encode()
        if isinstance(value, str):
            entries.append(Entry(path=path, type=EntryType.LINK, target=value.encode()))
        else:
            contents[path] = value
            entries.append(Entry(path=path, type=EntryType.FILE, size=len(value)))
    return MemoryTree(entries, lambda entry, limit: contents[entry.path][:limit])


def header(values: Mapping[int, Value]) -> bytes:
    """An rpm header: texts, 32-bit numbers, or (type, data, count) as given."""
    index, data = b"", b""
    for tag, value in values.items():
        if isinstance(value, str):
            kind, item, count = 6, value.encode() + b"\0", 1
        elif isinstance(value, int):
            data += bytes(-len(data) % 4)
            kind, item, count = 4, struct.pack(">I", value), 1
        else:
            kind, item, count = value
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += item
    return struct.pack(">II", len(values), len(data)) + index + data


def rpm(name: str = "bash", version: str = "5.2", release: str = "1.fc40", **more: Value) -> bytes:
    """The header of a package; `more` by tag names in small letters."""
    values: dict[int, Value] = {NAME: name, VERSION: version, RELEASE: release, ARCH: "x86_64"}
    tags = {"epoch": EPOCH, "size": SIZE, "arch": ARCH, "source": SOURCE, "long_size": LONG_SIZE}
    return header({**values, **{tags[key]: value for key, value in more.items()}})


def rpmdb(blobs: Sequence[object], *, log: bool = False, schema: str = "") -> bytes:
    """An rpm database of the SQLite form; with `log` marked as one with a write-ahead log."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            schema or "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB)"
        )
        for blob in blobs:
            database.execute("INSERT INTO Packages (blob) VALUES (?)", (blob,))
        database.execute("CREATE TABLE 'Name' (key TEXT, hnum INTEGER, idx INTEGER)")
        database.commit()
        data = database.serialize()
    return data[:18] + b"\2\2" + data[20:] if log else data


class DirectoryTree:
    """A directory of this machine as a tree; nothing outside it is followed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _real(self, path: bytes) -> Path:
        return self.root / path.decode("utf-8", "surrogateescape").lstrip("/")

    def entry(self, path: bytes) -> Entry:
        real = self._real(path)
        if real.is_symlink():
            target = str(real.readlink()).encode()
            return Entry(path=path, type=EntryType.LINK, target=target)
        if real.is_dir():
            return Entry(path=path, type=EntryType.DIRECTORY)
        if not real.is_file():
            raise KeyError(path)
        return Entry(path=path, type=EntryType.FILE, size=real.stat().st_size)

    def children(self, path: bytes) -> Sequence[Entry]:
        if self.entry(path).type is not EntryType.DIRECTORY:
            return []
        names = sorted(child.name.encode() for child in self._real(path).iterdir())
        return [self.entry(path.rstrip(b"/") + b"/" + name) for name in names]

    def entries(self) -> Iterator[Entry]:
        stack = [self.entry(b"/")]
        while stack:
            entry = stack.pop()
            yield entry
            if entry.type is EntryType.DIRECTORY:
                stack += reversed(self.children(entry.path))

    def subtree(self, path: bytes) -> Digest | None:  # noqa: ARG002 -- the port's shape
        return None

    def read(self, path: bytes, limit: int) -> bytes:
        assert parent_of(path) != path
        try:
            with self._real(path).open("rb") as file:
                return file.read(limit)
        except PermissionError:
            raise NotPermitted(f"{path!r} may not be read") from None

    def close(self) -> None:
        pass
