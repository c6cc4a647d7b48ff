"""An OSTree repository in archive mode, object by object.

Owns the bytes of commits, dirtrees, dirmetas and content objects and where they lie. Numbers in
objects are big-endian, framing offsets are not; checksums of files are taken over a header that
is never stored. Sources: ostree docs/repo.md and formats.md; ostree-core.c.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from treering.adapters.demo import stored
from treering.adapters.demo.items import Item, Type, with_parents
from treering.adapters.demo.store import Store
from treering.core.gvariant import Variant, encode

_FILE, _DIRECTORY, _LINK = 0o100000, 0o040000, 0o120000
_CONFIG = "[core]\nrepo_version=1\nmode=archive-z2\ntombstone-commits=true\n"
_NO_XATTRS: list[tuple[bytes, bytes]] = []


@dataclass(frozen=True, slots=True)
class Tree:
    """A written tree: checksums of its root, of every file by path, and of its metadata."""

    dirtree: str
    dirmeta: str
    files: Mapping[str, str]
    metadata: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """What a commit says beyond its tree."""

    subject: str
    time: int
    metadata: Mapping[str, Variant]
    parent: str = ""
    body: str = ""


class OstreeRepository:
    """A repository being written. `objects` keeps metadata objects by file name."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.objects: dict[str, bytes] = {}
        store.put("config", _CONFIG)
        for name in (
            "extensions",
            "state",
            "tmp/cache",
            "refs/heads",
            "refs/mirrors",
            "refs/remotes",
        ):
            store.folder(name)

    def tree(self, items: Sequence[Item]) -> Tree:
        """Write a file tree and return its checksums."""
        files: dict[str, str] = {}
        metadata: list[str] = []
        complete = with_parents(list(items))
        dirtree = self._directory("", complete, files, metadata)
        dirmeta = self._dirmeta(0o755)
        metadata += [f"{dirmeta}.dirmeta"]
        return Tree(dirtree, dirmeta, files, tuple(dict.fromkeys(metadata)))

    def commit(self, tree: Tree, version: Version) -> str:
        """Write a commit of `tree` and return its checksum."""
        swapped = int.from_bytes(struct.pack(">Q", version.time), "little")
        value: tuple[Any, ...] = (
            dict(sorted(version.metadata.items())),
            bytes.fromhex(version.parent),
            [],
            version.subject,
            version.body,
            swapped,
            bytes.fromhex(tree.dirtree),
            bytes.fromhex(tree.dirmeta),
        )
        return self._metadata(encode("(a{sv}aya(say)sstayay)", value), "commit")

    def unwritten(self, tree: Tree, version: Version) -> str:
        """Return the checksum a commit would have, as of one that was pruned."""
        return _Nowhere().commit(tree, version)

    def ref(self, name: str, checksum: str) -> None:
        """Put a branch at a commit."""
        self.store.put(f"refs/heads/{name}", checksum + "\n")

    def alias(self, name: str, target: str) -> None:
        """Make a branch another name of one beside it; `target` counts from its directory."""
        self.store.link(f"refs/heads/{name}", target)

    def tombstone(self, checksum: str) -> None:
        """Say that a commit was deleted on purpose."""
        data = encode("a{sv}", {"commit": Variant("ay", checksum.encode())})
        self._put(f"{checksum}.tombstone-commit", data)

    def _directory(
        self, path: str, items: Sequence[Item], files: dict[str, str], metadata: list[str]
    ) -> str:
        """Write the directory at `path` and those below it; return its dirtree's checksum."""
        names: list[tuple[str, bytes]] = []
        folders: list[tuple[str, bytes, bytes]] = []
        for item in items:
            parent, _, name = item.path.rpartition("/")
            if parent != path:
                continue
            if item.type is Type.DIRECTORY:
                below = self._directory(item.path, items, files, metadata)
                meta = self._dirmeta(item.mode)
                metadata.append(f"{meta}.dirmeta")
                folders.append((name, bytes.fromhex(below), bytes.fromhex(meta)))
            else:
                files[item.path] = self._content(item)
                names.append((name, bytes.fromhex(files[item.path])))
        value = (sorted(names), sorted(folders))
        checksum = self._metadata(encode("(a(say)a(sayay))", value), "dirtree")
        metadata.append(f"{checksum}.dirtree")
        return checksum

    def _dirmeta(self, mode: int) -> str:
        value = (0, 0, _DIRECTORY | mode, _NO_XATTRS)
        return self._metadata(encode("(uuua(ayay))", value, order="big"), "dirmeta")

    def _content(self, item: Item) -> str:
        """Write a file or symbolic link; return its checksum."""
        mode = item.mode | (_LINK if item.type is Type.SYMLINK else _FILE)
        rest = (0, 0, mode, 0, item.target, _NO_XATTRS)
        checksum = sha256(_framed("(uuuusa(ayay))", rest) + item.data).hexdigest()
        data = _framed("(tuuuusa(ayay))", (len(item.data), *rest))
        if item.type is Type.FILE:
            data += stored.deflate(item.data)
        self._put(f"{checksum}.filez", data)
        return checksum

    def _metadata(self, data: bytes, kind: str) -> str:
        checksum = sha256(data).hexdigest()
        self.objects[f"{checksum}.{kind}"] = data
        self._put(f"{checksum}.{kind}", data)
        return checksum

    def _put(self, name: str, data: bytes) -> None:
        self.store.put(f"objects/{name[:2]}/{name[2:]}", data)


class _Nowhere(OstreeRepository):
    """A repository that keeps nothing, to learn a checksum."""

    def __init__(self) -> None:
        self.objects = {}

    def _put(self, name: str, data: bytes) -> None:
        """Drop the object."""


def _framed(kind: str, value: Any) -> bytes:
    """Return a content header behind its length, as it is hashed and stored."""
    header = encode(kind, value, order="big")
    return struct.pack(">II", len(header), 0) + header
