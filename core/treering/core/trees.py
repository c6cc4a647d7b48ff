"""Trees: the files of a version, as entries that can be walked and looked up.

Owns what an entry is and the tree held in memory. Systems open trees of their own
(`core.ports.Opener`); what is laid over what (layers, whiteouts) is in `core.overlay`. Paths are
bytes, absolute, without a slash at the end; the root is ``b"/"``. Nothing here reads a system.
"""

from __future__ import annotations

import stat
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from treering.core.errors import Damaged, NotRecognised
from treering.core.ids import Digest

ROOT = b"/"


class EntryType(StrEnum):
    """What stands at a path. The last two stand in a single layer only (image-spec, layer.md)."""

    DIRECTORY = "directory"
    FILE = "file"
    LINK = "link"
    CHARACTER = "character device"
    BLOCK = "block device"
    FIFO = "fifo"
    SOCKET = "socket"
    WHITEOUT = "whiteout"
    OPAQUE = "opaque"


_LETTERS = {
    EntryType.DIRECTORY: "d",
    EntryType.FILE: "-",
    EntryType.LINK: "l",
    EntryType.CHARACTER: "c",
    EntryType.BLOCK: "b",
    EntryType.FIFO: "p",
    EntryType.SOCKET: "s",
    EntryType.WHITEOUT: "x",
    EntryType.OPAQUE: "o",
}


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """One path of a tree.

    `mode` holds the permission bits (``0o7777``), `size` bytes of content, `target` what a
    symbolic link names, `device` major and minor numbers. `digest` is that of the content where
    the system knows it without reading. `layer` is the layer a flattened tree has it from, 0 at
    the bottom. `same_as` is the path whose content a hard link shares. `mtime` is in seconds.
    `held` tells which member of which archive it is: the layer, and the offset of its content in
    that layer unpacked. Two paths with one `held` are one file.

    The order of the fields is that of stored entries (`core.layerindex`): a new one goes last.
    """

    path: bytes
    type: EntryType
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    target: bytes = b""
    device: tuple[int, int] | None = None
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    digest: Digest | None = None
    layer: int | None = None
    same_as: bytes = b""
    mtime: float | None = None
    held: tuple[int, int] | None = None

    @property
    def name(self) -> bytes:
        """The last component; empty for the root."""
        return self.path.rpartition(b"/")[2]

    @property
    def permissions(self) -> str:
        """The type and mode as ``ls -l`` writes them."""
        return _LETTERS[self.type] + stat.filemode(self.mode & 0o7777)[1:]


def parent_of(path: bytes) -> bytes:
    """Return the directory a path stands in; the root stands in itself."""
    return path.rpartition(b"/")[0] or ROOT


def _no_content(entry: Entry, _limit: int) -> bytes:
    raise NotRecognised(f"the content of {entry.path!r} is not kept")


class MemoryTree:
    """A tree held in memory: the flattened result of layers, and what tests are made of.

    `entries` may come in any order; the last of several with one path counts. `content` returns
    at most so many bytes of a file's content.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        content: Callable[[Entry, int], bytes] = _no_content,
    ) -> None:
        self._content = content
        self._entries: dict[bytes, Entry] = {}
        self._below: dict[bytes, list[bytes]] = {}
        for entry in entries:
            self._entries[entry.path] = entry
        if ROOT not in self._entries:
            self._entries[ROOT] = Entry(path=ROOT, type=EntryType.DIRECTORY, mode=0o755)
        for path in sorted(self._entries):
            if path != ROOT:
                self._below.setdefault(parent_of(path), []).append(path)
        self._complete()

    def _complete(self) -> None:
        """Add the directories that entries stand in and nobody listed."""
        for path in sorted(self._below):
            at = path
            while at not in self._entries:
                self._entries[at] = Entry(path=at, type=EntryType.DIRECTORY, mode=0o755)
                above = parent_of(at)
                siblings = self._below.setdefault(above, [])
                place = bisect_left(siblings, at)
                if place == len(siblings) or siblings[place] != at:
                    insort(siblings, at)
                at = above

    def entry(self, path: bytes) -> Entry:
        """Return what stands at `path`. Raises `KeyError`."""
        return self._entries[path]

    def children(self, path: bytes) -> Sequence[Entry]:
        """Return what stands directly in a directory, in byte order. Raises `KeyError`."""
        if path not in self._entries:
            raise KeyError(path)
        return [self._entries[child] for child in self._below.get(path, ())]

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, a directory before what stands in it, siblings in byte order."""
        stack = [ROOT]
        while stack:
            path = stack.pop()
            yield self._entries[path]
            stack.extend(reversed(self._below.get(path, ())))

    def subtree(self, path: bytes) -> Digest | None:  # noqa: ARG002 -- the port's shape
        """Return None: nothing is known of whole subtrees."""
        return None

    def read(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` bytes of a file. Raises `KeyError`, `Damaged`, `SourceError`."""
        entry = self._entries[path]
        if entry.type is not EntryType.FILE:
            raise Damaged(f"{path!r} is a {entry.type}, not a file")
        return self._content(entry, limit)

    def close(self) -> None:
        """Nothing is held open."""
