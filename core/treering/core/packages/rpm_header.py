"""The header rpm keeps of a package: an index of tags and the data they point into.

Owns the few tags a package list needs, with every count and offset checked before it is followed.

A header blob in the database is two big-endian 32-bit numbers, entries n and bytes of data; n
entries of 16 bytes (tag, type, offset, count); the data. Source: rpm's manual, "RPM v4 header
format" and "Tags"; limits as in rpm's own reader.
"""

from __future__ import annotations

import struct
from typing import Final

from treering.core.errors import Damaged
from treering.core.packages.listing import field_of
from treering.core.packages.model import Manager, Package
from treering.core.text import Safe, safe

MAX_ENTRIES: Final = 0xFFFF
MAX_DATA: Final = 256 * 1024 * 1024
_MAX_STRING: Final = 4096
_LENGTHS: Final = struct.Struct(">II")
_ENTRY: Final = struct.Struct(">IIII")

_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_SIZE, _ARCH, _SOURCE, _LONG_SIZE = 1009, 1022, 1044, 5009
_WANTED: Final = frozenset({_NAME, _VERSION, _RELEASE, _EPOCH, _SIZE, _ARCH, _SOURCE, _LONG_SIZE})
_INT32, _INT64, _STRING, _I18N = 4, 5, 6, 9
_WIDTHS: Final = {_INT32: 4, _INT64: 8}
_KEYS: Final = "gpg-pubkey"
_SOURCE_PARTS: Final = 3


def package_of(blob: bytes) -> Package | None:
    """Return the package a header describes; None for a key, which is kept like a package.

    Raises `Damaged`.
    """
    header = _Header(blob)
    name, arch = header.text(_NAME), header.text(_ARCH)
    version, release = header.text(_VERSION), header.text(_RELEASE)
    if not (name and version and release):
        raise Damaged("it has no name, version or release")
    if name == _KEYS and not arch:
        return None
    size = header.number(_LONG_SIZE)
    return Package(
        Manager.RPM,
        name,
        full_version(header.number(_EPOCH) or 0, version, release),
        arch,
        _source_name(header.text(_SOURCE)),
        header.number(_SIZE) if size is None else size,
    )


def full_version(epoch: int | str, version: str, release: str) -> Safe:
    """Return ``[epoch:]version-release``; an epoch of 0 is as good as none, and left out."""
    before = f"{epoch}:" if str(epoch).strip("0") else ""
    return field_of(f"{before}{version}-{release}".encode())


def _source_name(file: Safe) -> Safe:
    """Return the name in ``name-version-release.src.rpm``, or the text as it stands."""
    parts = file.rsplit("-", 2)
    return safe(parts[0]) if len(parts) == _SOURCE_PARTS else file


class _Header:
    """The wanted entries of a header and its data. Raises `Damaged`."""

    def __init__(self, blob: bytes) -> None:
        if len(blob) < _LENGTHS.size:
            raise Damaged("it is too short to be a header")
        entries: int
        length: int
        entries, length = _LENGTHS.unpack_from(blob)
        if entries > MAX_ENTRIES or length > MAX_DATA:
            raise Damaged(f"it says it has {entries} tags and {length} bytes of data")
        self._start = _LENGTHS.size + _ENTRY.size * entries
        if len(blob) != self._start + length:
            raise Damaged(f"it has {len(blob)} bytes instead of {self._start + length}")
        self._blob = blob
        self._found: dict[int, tuple[int, int, int]] = {}
        index = memoryview(blob)[_LENGTHS.size : self._start]
        for tag, kind, offset, count in _ENTRY.iter_unpack(index):
            if tag in _WANTED and tag not in self._found:
                self._found[tag] = (kind, offset, count)

    def _place(self, tag: int, width: int, count: int, offset: int) -> int:
        """Return where in the blob a tag's data begins, with room for at least one item."""
        at = self._start + offset
        if count < 1 or at + width > len(self._blob):
            raise Damaged(f"tag {tag} points outside the header")
        return at

    def text(self, tag: int) -> Safe:
        """Return a text, or ""; of a text in several languages the first."""
        kind, offset, count = self._found.get(tag, (0, 0, 0))
        if kind == 0:
            return Safe("")
        if kind not in {_STRING, _I18N}:
            raise Damaged(f"tag {tag} has type {kind} and should be text")
        at = self._place(tag, 1, count, offset)
        end = self._blob.find(b"\0", at, at + _MAX_STRING)
        if end < 0:
            raise Damaged(f"tag {tag} is a text without an end")
        return field_of(self._blob[at:end])

    def number(self, tag: int) -> int | None:
        """Return a number, or None."""
        kind, offset, count = self._found.get(tag, (0, 0, 0))
        if kind == 0:
            return None
        width = _WIDTHS.get(kind)
        if width is None:
            raise Damaged(f"tag {tag} has type {kind} and should be a number")
        at = self._place(tag, width, count, offset)
        return int.from_bytes(self._blob[at : at + width], "big")
