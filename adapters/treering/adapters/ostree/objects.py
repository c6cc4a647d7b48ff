"""OSTree objects: what is in a commit, a dirtree, a dirmeta and a content header.

Owns bytes to values and the checksums over them. Pure: opens nothing. Every name a dirtree gives
is checked here, so that no path made of them can leave the tree or stand twice in it.

Source: ostree-core.h; numbers in objects are big-endian, whatever machine wrote them.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final, NewType, cast

import msgspec

from treering.adapters.ostree.dirtrees import plain_dirtree
from treering.core import ids
from treering.core.errors import Damaged, LimitExceeded
from treering.core.gvariant import Raw, count, decode, decode_raw, encode, raw_decoder
from treering.core.gvariant.types import least_width, offset_width

Checksum = NewType("Checksum", str)
"""64 lower-case hex digits: the sha256 an object is named by."""

Xattrs = tuple[tuple[bytes, bytes], ...]
"""Extended attributes as (name without its NUL, value), sorted by name."""

MAX_METADATA: Final = 32 << 20
"""Most bytes of a metadata object; libostree allows 128 MiB, bootc 10."""

MAX_NAME: Final = 255
"""Longest file name in bytes, as Linux has it."""

METADATA_TYPE: Final = "a{sv}"
COMMIT_TYPE: Final = "(a{sv}aya(say)sstayay)"
DIRTREE_TYPE: Final = "(a(say)a(sayay))"
DIRMETA_TYPE: Final = "(uuua(ayay))"
XATTRS_TYPE: Final = "a(ayay)"
FILEZ_TYPE: Final = "(tuuuusa(ayay))"
_HEADER_TYPE: Final = "(uuuusa(ayay))"
_SIZE: Final = 32
_COMMIT_ENDS: Final = {1: struct.Struct("<6B"), 2: struct.Struct("<6H"), 4: struct.Struct("<6I")}
"""Where six of a commit's members end, last first, by the width of the offsets."""

_TAIL: Final = struct.Struct(">Q32s32s")
"""How a commit's members end: its time, its dirtree, its dirmeta."""

_ONE_BYTE: Final = 0xFF
_SHORT: Final = 256
"""Most bytes of metadata that are kept in mind."""

_PADDING: Final = bytes(8)
_METADATA: Final = raw_decoder(METADATA_TYPE)
_hex: Final = cast("Callable[[bytes], Checksum]", bytes.hex)


class Commit(msgspec.Struct, frozen=True, gc=False):
    """A commit object. `timestamp` is in seconds UTC; `metadata` is decoded value by value.

    `tree` and `meta` name the root directory. `content` is the ContentChecksum of `ostree show`:
    equal for commits with identical trees. `packed` is the object's size in bytes.
    """

    checksum: Checksum
    metadata: dict[str, Raw]
    parent: Checksum | None
    subject: str
    body: str
    timestamp: int
    tree: Checksum
    meta: Checksum
    content: Checksum
    packed: int

    def value(self, key: str, kind: str) -> object:
        """Return the metadata value of `key` if it is there and of type `kind`, else None.

        Raises `Damaged` for a value that is not in normal form.
        """
        raw = self.metadata.get(key)
        return None if raw is None or raw.type != kind else decode(kind, raw.data)

    def length(self, key: str, kind: str) -> int:
        """Return how many elements the array `key` of type `kind` has; 0 without one."""
        raw = self.metadata.get(key)
        return 0 if raw is None or raw.type != kind else count(kind, raw.data)


@dataclass(frozen=True, slots=True)
class DirTree:
    """A directory's names, each list in byte order.

    `files` are (name, content checksum), `dirs` (name, dirtree checksum, dirmeta checksum); the
    checksums are the 32 raw bytes, to be compared as they are and looked up by `.hex()`.
    """

    files: list[tuple[str, bytes]]
    dirs: list[tuple[str, bytes, bytes]]


@dataclass(frozen=True, slots=True)
class DirMeta:
    """A directory's owner, mode (file type included) and extended attributes."""

    uid: int
    gid: int
    mode: int
    xattrs: Xattrs


def checksum(text: str) -> Checksum:
    """Return `text` as a checksum. Raises `Damaged` unless it is 64 lower-case hex digits."""
    if is_checksum(text):
        return Checksum(text)
    raise Damaged(f"not an OSTree checksum: {text[:100]!r}", "expected 64 hex digits")


def is_checksum(text: str) -> bool:
    """Tell whether `text` is a checksum."""
    return ids.is_checksum(text)


def are_checksums(names: list[str]) -> bool:
    """Tell whether each of some texts of 64 characters is a checksum."""
    text = "".join(names)
    try:
        return bytes.fromhex(text).hex() == text
    except ValueError:
        return False


def parse_commit(name: Checksum, data: bytes) -> Commit:
    """Return the commit in `data`, whose checksum `name` was verified.

    Raises `Damaged`, and `LimitExceeded` for metadata nested too deep.
    """
    return plain_commit(name, data) or _any_commit(name, data)


def _any_commit(name: Checksum, data: bytes) -> Commit:
    """Return any commit, member by member as the decoder has it."""
    metadata, parent, _related, subject, body, time, tree, meta = decode_raw(
        COMMIT_TYPE, data, limit=MAX_METADATA
    )
    if (parent and len(parent) != _SIZE) or len(tree) != _SIZE or len(meta) != _SIZE:
        raise Damaged("a checksum in it has not 32 bytes")
    return Commit(
        name,
        metadata,
        Checksum(parent.hex()) if parent else None,
        subject,
        body,
        int.from_bytes(time.to_bytes(8, "little"), "big"),
        Checksum(tree.hex()),
        Checksum(meta.hex()),
        Checksum(sha256(tree + meta).hexdigest()),
        len(data),
    )


def plain_commit(name: Checksum, data: bytes) -> Commit | None:
    """Return what `parse_commit` does, for a plain commit, in a fraction of the time.

    None for a commit with any peculiarity, good or bad; `parse_commit` then tells. The commits of
    a long branch are read in the time `ostree log` takes thanks to this: the framing offsets
    must be those of a commit without related objects, so every member lies where they say.
    """
    size = len(data)
    layout = _COMMIT_ENDS[1 if size <= _ONE_BYTE else offset_width(size) or 1]
    table = size - layout.size
    if table < 0 or size > MAX_METADATA:
        return None
    tree, body, subject, related, parent, metadata = layout.unpack_from(data, table)
    time = body + -body % 8
    if not (
        table == tree + _SIZE == time + _TAIL.size
        and metadata <= parent == related < subject < body
        and (parent == metadata + _SIZE or parent == metadata)
        and (size <= _ONE_BYTE or least_width(table, 6) * 6 == layout.size)
    ):
        return None
    seconds, tree_name, meta_name = _TAIL.unpack_from(data, time)
    try:
        # Each text ends with its only NUL; `ValueError` when there are not two.
        title, text, padding = data[related:time].split(b"\0", 2)
        ends = len(title) == subject - related - 1 and len(text) == body - subject - 1
        if not ends or padding != _PADDING[: time - body]:
            return None
        return Commit(
            name,
            _metadata_in(data, metadata) if metadata else {},
            _hex(data[metadata:parent]) if parent > metadata else None,
            title.decode(),
            text.decode(),
            seconds,
            _hex(tree_name),
            _hex(meta_name),
            _hex(sha256(data[time + 8 : table]).digest()),
            size,
        )
    except (ValueError, Damaged, LimitExceeded):
        return None


def _metadata_in(data: bytes, end: int) -> dict[str, Raw]:
    return _METADATA(data, 0, end, 1) if end > _SHORT else dict(_short_metadata(data[:end]))


@lru_cache(maxsize=64)
def _short_metadata(data: bytes) -> dict[str, Raw]:
    """Decode metadata; where it is a ref binding only, all commits of a branch have the same."""
    found: dict[str, Raw] = _METADATA(data, 0, len(data), 1)
    return found


def parse_dirtree(data: bytes) -> DirTree:
    """Return the directory in `data`.

    Raises `Damaged` for names that are empty, ``.``, ``..``, hold a slash, are longer than 255
    bytes, are not in byte order, or stand twice.
    """
    plain = plain_dirtree(data) if len(data) <= MAX_METADATA else None
    if plain is not None:
        return DirTree(*plain)
    return any_dirtree(data)


def any_dirtree(data: bytes) -> DirTree:
    """Return any directory, as `parse_dirtree` does, member by member as the decoder has it."""
    files, dirs = decode(DIRTREE_TYPE, data, limit=MAX_METADATA)
    _check_names([f[0] for f in files])
    _check_names([d[0] for d in dirs])
    if files and dirs:
        twice = {f[0] for f in files}.intersection([d[0] for d in dirs])
        if twice:
            raise Damaged(f"{min(twice)!r} is both a file and a directory")
    if any(len(f[1]) != _SIZE for f in files) or any(
        len(d[1]) != _SIZE or len(d[2]) != _SIZE for d in dirs
    ):
        raise Damaged("a checksum in it has not 32 bytes")
    return DirTree(files, dirs)


def parse_dirmeta(data: bytes) -> DirMeta:
    """Return the directory metadata in `data`. Raises `Damaged`, also for another file type."""
    uid, gid, mode, xattrs = decode(DIRMETA_TYPE, data, order="big", limit=MAX_METADATA)
    if not stat.S_ISDIR(mode) or mode & ~0o47777:
        raise Damaged(f"mode {mode:o} is not a directory's")
    return DirMeta(uid, gid, mode, named(xattrs))


def parse_dict(data: bytes) -> dict[str, Raw]:
    """Return the dictionary of a commitmeta or tombstone object. Raises `Damaged`."""
    return dict(decode_raw(METADATA_TYPE, data, limit=MAX_METADATA))


def parse_xattrs(data: bytes) -> Xattrs:
    """Return the attributes in a file-xattrs object. Raises `Damaged`."""
    return named(decode(XATTRS_TYPE, data, limit=MAX_METADATA))


def named(xattrs: list[tuple[bytes, bytes]]) -> Xattrs:
    """Return attributes without the NUL after their names, sorted. Raises `Damaged`."""
    for name, _value in xattrs:
        if name.find(b"\0") != len(name) - 1 or len(name) < 2:  # noqa: PLR2004 -- a letter and NUL
            raise Damaged(f"not the name of an extended attribute: {name[:100]!r}")
    return tuple(sorted((name[:-1], value) for name, value in xattrs))


@lru_cache(maxsize=1024)
def content_header(uid: int, gid: int, mode: int, target: str, xattrs: Xattrs) -> bytes:
    """Return what is hashed before the bytes of a file (ostree-core.c, file header).

    `target` is that of a symbolic link, else "".
    """
    stored = [(name + b"\0", value) for name, value in xattrs]
    header = encode(_HEADER_TYPE, (uid, gid, mode, 0, target, stored), order="big")
    return struct.pack(">II", len(header), 0) + header


def _check_names(names: list[str]) -> None:
    before = ""
    for name in names:
        if name <= before:
            raise Damaged(f"the name {name[:100]!r} is empty, stands twice or is not in order")
        if "/" in name or name in {".", ".."} or len(name.encode()) > MAX_NAME:
            raise Damaged(f"the name {name[:100]!r} may not stand in a directory")
        before = name
