"""The object store of a git repository: loose objects and packs, verified.

Owns how the bytes of one object are found, bounded and checked against their name. Loose
objects are inflated here and not by libgit2: 1.9 never returns from one that was cut short, and
holds the interpreter while it tries. Packs are libgit2's business. Writes nothing.
"""

from __future__ import annotations

import os
import zlib
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING

from treering.core import files
from treering.core.errors import Damaged, LimitExceeded, SourceError, Unreachable

if TYPE_CHECKING:
    import pygit2

MAX_OBJECT = 4 * 1024 * 1024
"""Largest commit or tag in bytes; what people write is far below."""

MAX_ALTERNATES = 16
_MAX_HEADER = 64
_MAX_ASKED = 5000
_LENGTH = 40
_NAMES = {"commit", "tag", "tree", "blob"}


class Missing(LookupError):
    """The repository does not have this object."""


class Objects:
    """Reads objects from an ``objects`` directory and those it borrows from."""

    def __init__(self, directory: Path) -> None:
        self.directories = _with_alternates(directory)
        self._packs, self._each_pack = _packs(self.directories)

    def read(self, oid: str, wanted: frozenset[str]) -> tuple[str, bytes]:
        """Return the type and bytes of an object; no bytes for a type not `wanted`.

        Raises `Missing`, `Damaged` for bytes that are not what the name promises, and
        `LimitExceeded` above `MAX_OBJECT`.
        """
        kind, data = self._loose(oid, wanted) or self._packed(oid, wanted)
        if kind in wanted:
            head = f"{kind} {len(data)}\0".encode()
            found = sha1(head + data, usedforsecurity=False).hexdigest()
            if found != oid:
                raise Damaged(f"object {oid} hashes to {found}", "`git fsck` tells more")
        return kind, data

    def beginning(self, prefix: str) -> list[str]:
        """Return the ids, of any type, that begin with `prefix`, at least 4 hex digits of them.

        Raises `LimitExceeded` when a pack holds too many of them.
        """
        found: set[str] = set()
        for directory in self.directories:
            try:
                names = files.list_directory(directory / prefix[:2])
            except SourceError:
                continue
            rest = prefix[2:]
            found.update(prefix[:2] + e.name for e in names if e.name.startswith(rest))
        for pack in self._each_pack:
            _beginning(pack, prefix, found)
        return sorted(oid for oid in found if len(oid) == _LENGTH)

    def shorten(self, oid: str, least: int) -> str:
        """Return the first `least` digits of an id, or as many more as make it unique."""
        for length in range(least, len(oid)):
            if len(self.beginning(oid[:length])) <= 1:
                return oid[:length]
        return oid

    def _loose(self, oid: str, wanted: frozenset[str]) -> tuple[str, bytes] | None:
        for directory in self.directories:
            path = directory / oid[:2] / oid[2:]
            try:
                raw = files.read_file(path, MAX_OBJECT * 2)
            except Unreachable:
                continue
            return inflate(raw, oid, wanted)
        return None

    def _packed(self, oid: str, wanted: frozenset[str]) -> tuple[str, bytes]:
        from pygit2 import GitError  # noqa: PLC0415 -- heavy, and only where it is used

        try:
            number, size = self._packs.read_header(oid)
            kind = number.name.lower()
            if kind not in wanted:
                return kind, b""
            if size > MAX_OBJECT:
                raise LimitExceeded(f"{kind} {oid} has {size} bytes, more than {MAX_OBJECT}")
            return kind, self._packs.read(oid)[1]
        except KeyError as error:
            raise Missing(oid) from error
        except (GitError, ValueError) as error:
            raise Damaged(
                f"object {oid} cannot be read: {error}", "`git fsck` tells more"
            ) from error


def inflate(raw: bytes, oid: str, wanted: frozenset[str]) -> tuple[str, bytes]:
    """Return the type and bytes of a loose object. Raises `Damaged` or `LimitExceeded`."""
    stream = zlib.decompressobj()
    try:
        start = stream.decompress(raw, _MAX_HEADER)
        head, nul, data = start.partition(b"\0")
        kind, _, digits = head.decode("ascii", "replace").partition(" ")
        if not nul or kind not in _NAMES or not (digits.isascii() and digits.isdigit()):
            raise Damaged(f"object {oid} has no header", "`git fsck` tells more")
        if kind not in wanted:
            return kind, b""
        size = int(digits)
        if size > MAX_OBJECT:
            raise LimitExceeded(f"{kind} {oid} has {size} bytes, more than {MAX_OBJECT}")
        data += stream.decompress(stream.unconsumed_tail, size + 1)
    except zlib.error as error:
        raise Damaged(f"object {oid} cannot be inflated: {error}") from error
    if len(data) != size or not stream.eof:
        why = "is cut short" if len(data) < size or not stream.eof else "is too long"
        raise Damaged(f"object {oid} {why}", "`git fsck` tells more")
    return kind, data


def _packs(directories: list[Path]) -> tuple[pygit2.Odb, list[pygit2.OdbBackendPack]]:
    """Return a database of the packs alone, and its parts."""
    import pygit2  # noqa: PLC0415 -- heavy, and only where it is used

    packs = pygit2.Odb()
    each = [pygit2.OdbBackendPack(str(d)) for d in directories if _is_text(d)]
    for priority, backend in enumerate(reversed(each), start=1):
        packs.add_backend(backend, priority)
    return packs, each


def _is_text(directory: Path) -> bool:
    """Tell whether a path is UTF-8, which pygit2 wants; loose objects are read in any case."""
    try:
        str(directory).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _beginning(pack: pygit2.OdbBackendPack, prefix: str, found: set[str]) -> None:
    """Add the ids in `pack` that begin with `prefix`; asks again, one digit longer, for several."""
    from pygit2 import GitError  # noqa: PLC0415 -- heavy, and only where it is used

    waiting = [prefix]
    for _ in range(_MAX_ASKED):
        if not waiting:
            return
        at = waiting.pop()
        try:
            found.add(str(pack.exists_prefix(at)))
        except KeyError:
            continue
        except (GitError, ValueError):
            if len(at) < _LENGTH:
                waiting += [at + digit for digit in "0123456789abcdef"]
    raise LimitExceeded(f"too many objects begin with {prefix}", "use more digits")


def _with_alternates(directory: Path) -> list[Path]:
    """Return an objects directory and those its ``info/alternates`` name, each once.

    Raises `LimitExceeded` beyond 16 of them (gitrepository-layout(5)).
    """
    found = [directory]
    for at in found:
        try:
            listed = files.read_file(at / "info" / "alternates", 64 * 1024)
        except SourceError:
            continue
        for line in listed.split(b"\n"):
            if line and not line.startswith(b"#"):
                other = Path(os.path.normpath(at / os.fsdecode(line)))
                if other not in found:
                    found.append(other)
        if len(found) > MAX_ALTERNATES:
            raise LimitExceeded(f"{directory} borrows from more than {MAX_ALTERNATES} others")
    return found
