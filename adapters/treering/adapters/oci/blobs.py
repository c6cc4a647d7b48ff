"""Where the files of a layout are: a directory, a tar archive, or a compressed tar archive.

Owns getting at named files with limits, the same way for all three; nothing is written and no
name is ever joined to a path unless it was made from a digest. What the files mean is for the
modules that ask.
"""

from __future__ import annotations

import io
import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from treering.core.documents import MAX_DOCUMENT
from treering.core.errors import Damaged, LimitExceeded, NotRecognised, SourceError, Unreachable
from treering.core.files import bytes_of, from_os_error, open_file, read_file
from treering.core.ids import Digest
from treering.core.layers import (
    Chunks,
    Compression,
    Hashed,
    cap_for,
    decompressed,
    hash_layer,
    sniff,
)
from treering.core.tar import BLOCK, CHUNK, Readable, Scanner, Type, is_header

VERIFY_BUDGET = 512 * 1024 * 1024
"""Stored bytes of layers hashed in one read; what lies beyond stays unverified."""
MAX_MEMBERS = 200_000
"""Most files of an archive."""
MAX_KEPT = 64 * 1024 * 1024
"""Most bytes of documents kept in memory from a compressed archive."""
_MAX_LINKS = 8

Check = Callable[[], None]


class Blobs(Protocol):
    """Files by name, ``index.json`` or ``blobs/sha256/<hex>``. Safe to use from two threads."""

    trouble: SourceError | None
    """Why files may be missing at the end: the archive is cut short or damaged."""

    def names(self) -> Iterable[str]:
        """Return the names of all files; of a directory, nothing."""

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None when there is no such file."""

    def read(self, name: str, limit: int) -> bytes:
        """Return a file. Raises `Unreachable` without it, `LimitExceeded` above `limit` bytes."""

    def open(self, name: str) -> AbstractContextManager[Readable]:
        """Open a file for one pass from front to back; errors as for `read`."""

    def real(self, name: str) -> str:
        """Return the file that a name leads to through links; itself when there is none."""

    def readable(self, name: str) -> bool:
        """Tell whether `open` gives the file, should it exist, without reading all before it."""

    def hashed(self, name: str) -> Hashed | None:
        """Return the digests of a file that were found in passing, where they had to be."""

    def stamp(self, name: str) -> tuple[object, ...]:
        """Return what changes when the file does: numbers of the file system."""


def blob_name(digest: Digest) -> str:
    """Return where a layout keeps a blob (image-spec, image-layout.md, Blobs)."""
    algorithm, _, number = digest.partition(":")
    return f"blobs/{algorithm}/{number}"


def algorithm_of(name: str) -> str:
    """Return the digest algorithm that a file's name promises, sha256 unless it says sha512."""
    return "sha512" if name.startswith("blobs/sha512/") else "sha256"


@contextmanager
def open_archive(path: Path, check: Check) -> Iterator[Blobs]:
    """Open a tar archive, compressed with gzip or zstd or not at all.

    Raises `NotRecognised` for any other file. An archive that is cut short still opens, with
    `Blobs.trouble` set.
    """
    with open_file(path, follow=True) as file:
        start = bytes_of(file, BLOCK, str(path))
        file.seek(0)
        if sniff(start) is not Compression.NONE:
            yield StreamedBlobs(file, str(path), check)
        elif is_header(start):
            yield ArchiveBlobs(file, str(path), check)
        else:
            raise NotRecognised(f"{path} is not a tar archive", _HINT)


_HINT = "expected a tar archive as `docker save` or `skopeo copy` write it, gzip or zstd allowed"


class DirectoryBlobs:
    """The files of a layout directory."""

    trouble: SourceError | None = None

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> Iterable[str]:
        return ()

    def size(self, name: str) -> int | None:
        found = self._stat(name)
        return found.st_size if found and stat.S_ISREG(found.st_mode) else None

    def read(self, name: str, limit: int) -> bytes:
        return read_file(self._root / name, limit)

    def open(self, name: str) -> AbstractContextManager[Readable]:
        return open_file(self._root / name)

    def real(self, name: str) -> str:
        return name

    def readable(self, name: str) -> bool:  # noqa: ARG002 -- a port
        return True

    def hashed(self, name: str) -> Hashed | None:  # noqa: ARG002 -- a port
        return None

    def stamp(self, name: str) -> tuple[object, ...]:
        return _numbers(self._stat(name))

    def _stat(self, name: str) -> os.stat_result | None:
        try:
            return os.lstat(self._root / name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise from_os_error(error, str(self._root / name)) from error


def _numbers(found: os.stat_result | None) -> tuple[object, ...]:
    if found is None:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(slots=True)
class _Table:
    """The files and links of an archive; of a name that stands twice the last counts."""

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """Return the file that `name` is or leads to through links inside the archive."""
        for _ in range(_MAX_LINKS):
            if name in self.files:
                return name
            if name not in self.links:
                return None
            name = self.links[name]
        return None

    def scan(self, scanner: Scanner) -> Iterator[str]:
        """Note every member; yield the name of each file while its bytes can be read."""
        for member in scanner:
            name = _clean(member.name)
            target = _clean(member.linkname)
            self.files.pop(name, None)
            self.links.pop(name, None)
            if member.type is Type.SYMLINK:
                self.links[name] = posixpath.normpath(
                    posixpath.join(posixpath.dirname(name), target)
                )
            elif member.type is Type.HARDLINK:
                self.links[name] = target
            elif member.type is Type.FILE and member.regions is None:
                self.files[name] = (member.offset, member.size)
                yield name


def _clean(name: bytes) -> str:
    """Return a member's name without leading ``./`` and ``/``; it never becomes a path."""
    parts = name.decode("utf-8", "surrogateescape").split("/")
    return "/".join(part for part in parts if part not in {"", "."})


def _scan(table: _Table, scanner: Scanner, take: Callable[[str], None]) -> SourceError | None:
    """Fill the table and `take` every file; return what cut the archive short, if anything did.

    A file whose end did not come is as if it were not there.
    """
    taking = ""
    try:
        for name in table.scan(scanner):
            taking = name
            take(name)
            taking = ""
    except (Damaged, LimitExceeded) as error:
        table.files.pop(taking, None)
        known = str(error.message).removeprefix(f"{scanner.what}: ")
        return type(error)(f"{scanner.what}: {known}")
    except OSError as error:
        return from_os_error(error, scanner.what)
    return None


class ArchiveBlobs:
    """The files of an uncompressed tar archive, read where they lie."""

    def __init__(self, file: BinaryIO, what: str, check: Check) -> None:
        self._file = file
        self._what = what
        self._table = _Table()
        scanner = Scanner(file, what, max_entries=MAX_MEMBERS, check=check)
        self.trouble = _scan(self._table, scanner, lambda _name: None)

    def names(self) -> Iterable[str]:
        return sorted({*self._table.files, *self._table.links})

    def size(self, name: str) -> int | None:
        found = self._table.find(name)
        return self._table.files[found][1] if found else None

    def read(self, name: str, limit: int) -> bytes:
        with self.open(name) as file:
            if (self.size(name) or 0) > limit:
                raise LimitExceeded(f"{name} is larger than {limit} bytes")
            return Chunks(iter(lambda: file.read(CHUNK), b"")).read()

    @contextmanager
    def open(self, name: str) -> Iterator[Readable]:
        found = self._table.find(name)
        if found is None:
            raise Unreachable(f"{name} is not in {self._what}")
        offset, size = self._table.files[found]
        yield _Window(self._file.fileno(), offset, size, self._what)

    def real(self, name: str) -> str:
        return self._table.find(name) or name

    def readable(self, name: str) -> bool:  # noqa: ARG002 -- a port
        return True

    def hashed(self, name: str) -> Hashed | None:  # noqa: ARG002 -- a port
        return None

    def stamp(self, name: str) -> tuple[object, ...]:
        return (*_numbers(os.fstat(self._file.fileno())), self._table.find(name))


class _Window:
    """A stretch of a file. Reads by position, so that threads do not disturb each other."""

    def __init__(self, number: int, offset: int, size: int, what: str) -> None:
        self._number = number
        self._at = offset
        self._left = size
        self._what = what

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes. Raises `Damaged` when the file became shorter meanwhile."""
        wanted = min(size, self._left)
        if not wanted:
            return b""
        try:
            data = os.pread(self._number, wanted, self._at)
        except OSError as error:
            raise from_os_error(error, self._what) from error
        if not data:
            raise Damaged(f"{self._what} became shorter while it was read")
        self._at += len(data)
        self._left -= len(data)
        return data


class StreamedBlobs:
    """The files of a compressed tar archive, from one pass over it.

    Documents (whatever begins like JSON, up to 4 MiB each and 64 MiB in all) are kept; all other
    files are hashed in passing, within `VERIFY_BUDGET`. To `open` one of them unpacks the archive
    again up to it.
    """

    def __init__(self, file: BinaryIO, what: str, check: Check) -> None:
        self._what = what
        self._check = check
        self._number = file.fileno()
        self._table = _Table()
        self._kept: dict[str, bytes] = {}
        self._hashes: dict[str, Hashed] = {}
        self._room, self._budget = MAX_KEPT, VERIFY_BUDGET
        start = bytes_of(file, CHUNK, what)
        stream = Chunks(decompressed(start, lambda: self._more(file)))
        scanner = Scanner(stream, what, seek=False, max_entries=MAX_MEMBERS, check=check)
        self.trouble = _scan(self._table, scanner, lambda name: self._take(name, scanner))
        if isinstance(self.trouble, Damaged) and not self._table.files:
            raise NotRecognised(f"{what} is compressed, and no tar archive inside", _HINT)

    def _more(self, file: BinaryIO) -> bytes:
        self._check()
        return bytes_of(file, CHUNK, self._what)

    def _take(self, name: str, scanner: Scanner) -> None:
        """Keep a document; hash anything else."""
        _, size = self._table.files[name]
        self._kept.pop(name, None)
        self._hashes.pop(name, None)
        chunks = scanner.chunks()
        first = next(chunks, b"")
        document = first[:64].lstrip()[:1] in {b"", b"{", b"["}
        if document and size <= min(MAX_DOCUMENT, self._room):
            self._kept[name] = b"".join(chain([first], chunks))
            self._room -= size
        elif size <= self._budget:
            self._budget -= size
            file = Chunks(chain([first], chunks))
            self._hashes[name] = hash_layer(
                file, cap=cap_for(size), check=self._check, algorithm=algorithm_of(name)
            )

    def names(self) -> Iterable[str]:
        return sorted({*self._table.files, *self._table.links})

    def size(self, name: str) -> int | None:
        found = self._table.find(name)
        return self._table.files[found][1] if found else None

    def read(self, name: str, limit: int) -> bytes:
        found = self._table.find(name)
        if found is None:
            raise Unreachable(f"{name} is not in {self._what}")
        data = self._kept.get(found)
        if data is None or len(data) > limit:
            raise LimitExceeded(
                f"{name} is too large to keep from a compressed archive",
                "unpack the archive's outer compression and name the result",
            )
        return data

    @contextmanager
    def open(self, name: str) -> Iterator[Readable]:
        found = self._table.find(name)
        if found is None or found in self._kept:
            yield cast("Readable", io.BytesIO(self.read(name, MAX_DOCUMENT)))
        else:
            yield Chunks(self._again(self._table.files[found][0]))

    def _again(self, offset: int) -> Iterator[bytes]:
        """Yield the file at an offset of the unpacked archive, from a second pass over it."""
        window = _Window(self._number, 0, os.fstat(self._number).st_size, self._what)

        def more() -> bytes:
            self._check()
            return window.read(CHUNK)

        stream = Chunks(decompressed(more(), more))
        scanner = Scanner(stream, self._what, seek=False, max_entries=MAX_MEMBERS)
        for member in scanner:
            if member.offset == offset:
                yield from scanner.chunks()
                return

    def real(self, name: str) -> str:
        return self._table.find(name) or name

    def readable(self, name: str) -> bool:
        return self._table.find(name) in self._kept

    def hashed(self, name: str) -> Hashed | None:
        found = self._table.find(name)
        return self._hashes.get(found) if found else None

    def stamp(self, name: str) -> tuple[object, ...]:
        return (*_numbers(os.fstat(self._number)), self._table.find(name))
