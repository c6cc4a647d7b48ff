"""Small OSTree repositories written in pure Python, object by object, in any mode but bare."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from treering.core.gvariant import Variant, encode

COMMIT = "(a{sv}aya(say)sstayay)"
DIRTREE = "(a(say)a(sayay))"
DIRMETA = "(uuua(ayay))"
Tree = Mapping[str, Any]
"""Names to bytes (a file), str (a link's target) or another such mapping (a directory)."""


class FakeRepo:
    """Writes objects of an archive, bare-user or bare-user-only repository."""

    def __init__(self, path: Path, mode: str = "archive-z2", config: str = "") -> None:
        self.path = path
        self.mode = mode
        for place in ("objects", "refs/heads", "refs/remotes", "refs/mirrors", "state", "tmp"):
            (path / place).mkdir(parents=True)
        (path / "config").write_text(f"[core]\nrepo_version=1\nmode={mode}\n{config}")

    def put(self, data: bytes, suffix: str, name: str = "") -> str:
        """Write an object under its checksum, or under `name`; return that."""
        name = name or sha256(data).hexdigest()
        path = self.object(name, suffix)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return name

    def object(self, name: str, suffix: str) -> Path:
        return self.path / "objects" / name[:2] / f"{name[2:]}.{suffix}"

    def dirmeta(self, mode: int = 0o40755, xattrs: Any = ()) -> str:
        return self.put(encode(DIRMETA, (0, 0, mode, list(xattrs)), order="big"), "dirmeta")

    def dirtree(self, files: list[tuple[str, str]], dirs: list[tuple[str, str, str]]) -> str:
        """Write a dirtree of names and hex checksums, exactly as given."""
        value = (
            [(n, bytes.fromhex(c)) for n, c in files],
            [(n, bytes.fromhex(t), bytes.fromhex(m)) for n, t, m in dirs],
        )
        return self.put(encode(DIRTREE, value), "dirtree")

    def tree(self, tree: Tree) -> str:
        """Write a directory with all in it."""
        files = sorted((n, self.content(v)) for n, v in tree.items() if isinstance(v, (str, bytes)))
        dirs = sorted(
            (n, self.tree(v), self.dirmeta()) for n, v in tree.items() if isinstance(v, Mapping)
        )
        return self.dirtree(files, dirs)

    def content(self, value: str | bytes, mode: int = 0o644) -> str:
        """Write a file, or the symbolic link to a string."""
        target = value if isinstance(value, str) else ""
        data = b"" if isinstance(value, str) else value
        mode = 0o120777 if target else 0o100000 | mode
        header = encode("(uuuusa(ayay))", (0, 0, mode, 0, target, []), order="big")
        name = sha256(struct.pack(">II", len(header), 0) + header + data).hexdigest()
        if self.mode.startswith("archive"):
            stored = encode("(tuuuusa(ayay))", (len(data), 0, 0, mode, 0, target, []), order="big")
            packed = zlib.compressobj(wbits=-15)
            body = b"" if target else packed.compress(data) + packed.flush()
            return self.put(struct.pack(">II", len(stored), 0) + stored + body, "filez", name)
        return self._bare(name, mode, target, data)

    def _bare(self, name: str, mode: int, target: str, data: bytes) -> str:
        path = self.object(name, "file")
        path.parent.mkdir(exist_ok=True)
        if target and self.mode != "bare-user":
            if not path.is_symlink():
                path.symlink_to(target)
            return name
        path.write_bytes(target.encode() + b"\0" if target else data)
        path.chmod(mode & 0o777)
        if self.mode == "bare-user":
            os.setxattr(path, "user.ostreemeta", encode(DIRMETA, (0, 0, mode, []), order="big"))
        return name

    def commit(
        self,
        tree: Tree | str,
        *,
        parent: str = "",
        metadata: Mapping[str, Variant] | None = None,
        subject: str = "",
        body: str = "",
        time: int = 1_700_000_000,
        ref: str = "",
    ) -> str:
        """Write a commit of a tree, given or by its dirtree's checksum."""
        root = tree if isinstance(tree, str) else self.tree(tree)
        value = (
            dict(metadata or {}),
            bytes.fromhex(parent),
            [],
            subject,
            body,
            swap(time),
            bytes.fromhex(root),
            bytes.fromhex(self.dirmeta()),
        )
        name = self.put(encode(COMMIT, value), "commit")
        if ref:
            self.ref(ref, name)
        return name

    def delta(self, target: str, *, start: str = "", size: int = 0, unpacked: int = 0) -> None:
        """Write the superblock of a static delta of one part; it has no parts to run."""
        kind = "(a{sv}tayay(a{sv}aya(say)sstayay)aya(uayttay)a(yaytt))"
        end = bytes.fromhex(target)
        commit = ({}, b"", [], "", "", 0, end, end)
        data = {"ostree.endianness": Variant("y", ord("l"))}
        part = (0, end, size, unpacked, b"")
        value = (data, 0, bytes.fromhex(start), end, commit, b"", [part], [])
        name = "-".join(_base64(c) for c in (start, target) if c)
        path = self.path / "deltas" / name[:2] / name[2:] / "superblock"
        path.parent.mkdir(parents=True)
        path.write_bytes(encode(kind, value))

    def ref(self, name: str, checksum: str, place: str = "heads") -> None:
        path = self.path / "refs" / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{checksum}\n")

    def alias(self, name: str, target: str) -> None:
        path = self.path / "refs" / "heads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def summary(self, refs: Mapping[str, str], metadata: Mapping[str, Variant]) -> None:
        listed = [(n, (100, bytes.fromhex(c), {})) for n, c in sorted(refs.items())]
        data = encode("(a(s(taya{sv}))a{sv})", (listed, dict(metadata)))
        (self.path / "summary").write_bytes(data)


def _base64(checksum: str) -> str:
    text = base64.b64encode(bytes.fromhex(checksum)).decode()
    return text.rstrip("=").replace("/", "_")


def swap(number: int) -> int:
    """Return a 64-bit number with its bytes turned around, as objects store numbers."""
    return int.from_bytes(number.to_bytes(8, "little"), "big")


def packages(*names: str) -> Variant:
    """Return an rpm-ostree package list."""
    return Variant("a(sssss)", [(n, "0", "1.0", "1.fc40", "x86_64") for n in sorted(names)])
