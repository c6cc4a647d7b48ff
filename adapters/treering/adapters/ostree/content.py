"""Content objects: files and symbolic links, as each repository mode stores them.

Owns where owner, mode, attributes and bytes of a file lie in the five modes, and the checksum
over them. Nothing is unpacked to disk; what is inflated is streamed and stops at the size the
object's own header names.

Source: docs/repo.md; ostree-repo.c (load file), ostree-core.c (content streams).
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from treering.adapters.ostree.config import Mode
from treering.adapters.ostree.objects import (
    DIRMETA_TYPE,
    FILEZ_TYPE,
    Checksum,
    Xattrs,
    content_header,
    named,
    parse_xattrs,
)
from treering.core.errors import Damaged, LimitExceeded, NotRecognised
from treering.core.files import from_os_error, open_file, read_file, read_start
from treering.core.gvariant import decode

MAX_HEADER: Final = 1 << 20
"""Most bytes of a .filez header; it holds the extended attributes."""

MAX_XATTRS: Final = 1000
_FIRST: Final = 4096
_CHUNK: Final = 1 << 20
_PREFIX: Final = 8
_OSTREEMETA: Final = "user.ostreemeta"
_INODE_MODES: Final = frozenset({Mode.BARE, Mode.BARE_SPLIT_XATTRS})


@dataclass(frozen=True, slots=True)
class Content:
    """A file or symbolic link: what is hashed before its bytes, and where those are.

    `size` is that of the file's bytes, 0 for a link; `target` is a link's. `deflated` is where
    in the file at `path` the compressed bytes begin, None when they lie there as they are.
    """

    checksum: Checksum
    uid: int
    gid: int
    mode: int
    size: int
    target: str
    xattrs: Xattrs
    path: str
    deflated: int | None = None

    @property
    def is_link(self) -> bool:
        """Tell whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)


def suffix(mode: Mode) -> str:
    """Return the suffix of content objects."""
    return "filez" if mode is Mode.ARCHIVE else "file"


def describe(mode: Mode, name: Checksum, path: str) -> Content:
    """Return the content object `name` stored in the file `path`.

    Its checksum is not verified. Raises `Damaged` for one that cannot be right, `LimitExceeded`,
    and as `read_file` does.
    """
    if mode is Mode.ARCHIVE:
        return _describe_filez(name, path)
    try:
        status = os.lstat(path)
        if mode is Mode.BARE_USER:
            return _describe_bare_user(name, path, status)
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            raise NotRecognised(f"{path} is neither a file nor a symbolic link")
        target = _text(_read_link(path)) if stat.S_ISLNK(status.st_mode) else ""
        size = 0 if target else status.st_size
        if mode is Mode.BARE_USER_ONLY:
            return Content(name, 0, 0, status.st_mode, size, target, (), path)
        xattrs = _split_xattrs(path) if mode is Mode.BARE_SPLIT_XATTRS else _inode_xattrs(path)
    except OSError as error:
        raise from_os_error(error, path) from error
    return Content(name, status.st_uid, status.st_gid, status.st_mode, size, target, xattrs, path)


def chunks(content: Content) -> Iterator[bytes]:
    """Yield the bytes of a file, `content.size` in all; of a link none.

    Raises `Damaged` when there are more or fewer, or the compression is broken.
    """
    if content.is_link:
        if content.deflated is not None and any(_stored(content.path, content.deflated)):
            raise Damaged("it goes on after its header")
        return
    got = 0
    stored = _stored(content.path, content.deflated or 0)
    for chunk in stored if content.deflated is None else _inflate(stored):
        got += len(chunk)
        if got > content.size:
            raise Damaged(f"it holds more than the {content.size} bytes it says")
        yield chunk
    if got != content.size:
        raise Damaged(f"it holds {got} bytes and says {content.size}")


def verify(content: Content) -> None:
    """Raise `Damaged` unless the object hashes to its name."""
    header = content_header(content.uid, content.gid, content.mode, content.target, content.xattrs)
    digest = sha256(header)
    for chunk in chunks(content):
        digest.update(chunk)
    if digest.hexdigest() != content.checksum:
        raise Damaged("it does not hash to its name")


def loses_metadata(mode: Mode) -> bool:
    """Tell whether a plain copy of the repository loses what is hashed: owner and attributes."""
    return mode in _INODE_MODES


def _describe_filez(name: Checksum, path: str) -> Content:
    data = read_start(path, _FIRST)
    if len(data) < _PREFIX:
        raise Damaged("it is shorter than its header")
    length, padding = struct.unpack_from(">II", data)
    if length > MAX_HEADER:
        raise LimitExceeded(f"its header of {length} bytes is larger than {MAX_HEADER}")
    end = _PREFIX + length
    if end > len(data):
        data = read_start(path, end)
    if padding or len(data) < end:
        raise Damaged("it is shorter than its header")
    size, uid, gid, mode, device, target, xattrs = decode(
        FILEZ_TYPE, data[_PREFIX:end], order="big"
    )
    _check(mode, target, device)
    size = 0 if target else size
    return Content(name, uid, gid, mode, size, target, named(xattrs), path, end)


def _describe_bare_user(name: Checksum, path: str, status: os.stat_result) -> Content:
    if not stat.S_ISREG(status.st_mode):
        raise NotRecognised(f"{path} is not a regular file")
    if _OSTREEMETA not in os.listxattr(path, follow_symlinks=False):
        raise Damaged(
            f"it has no attribute {_OSTREEMETA}: content metadata is unavailable, "
            "as in a repository copied without extended attributes"
        )
    data = os.getxattr(path, _OSTREEMETA, follow_symlinks=False)
    uid, gid, mode, stored = decode(DIRMETA_TYPE, data, order="big")
    xattrs = named(stored)
    if not stat.S_ISLNK(mode):
        _check(mode, "", 0)
        return Content(name, uid, gid, mode, status.st_size, "", xattrs, path)
    target = _text(os.fsdecode(read_file(path, _FIRST * 2).removesuffix(b"\0")))
    _check(mode, target, 0)
    return Content(name, uid, gid, mode, 0, target, xattrs, path)


def _check(mode: int, target: str, device: int) -> None:
    """Raise `Damaged` for a header of neither a file nor a link."""
    if device or not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)) or mode >= 1 << 16:
        raise Damaged(f"mode {mode:o} is neither a file's nor a symbolic link's")
    if stat.S_ISLNK(mode) != bool(target):
        raise Damaged("it is a file with a link target, or a link without one")


def _read_link(path: str) -> str:
    return os.readlink(path)  # noqa: PTH115 -- Path.readlink would tidy up the target


def _text(target: str) -> str:
    """Return a link target read from the file system, which must be UTF-8 to be in an object."""
    try:
        target.encode()
    except UnicodeEncodeError as error:
        raise Damaged("its link target is not UTF-8") from error
    return target


def _inode_xattrs(path: str) -> Xattrs:
    names = os.listxattr(path, follow_symlinks=False)
    if len(names) > MAX_XATTRS:
        raise LimitExceeded(f"it has more than {MAX_XATTRS} extended attributes")
    return tuple(
        sorted((os.fsencode(n), os.getxattr(path, n, follow_symlinks=False)) for n in names)
    )


def _split_xattrs(path: str) -> Xattrs:
    """Return the attributes stored beside a file of a bare-split-xattrs repository.

    Without that object there are none: hashing the file tells whether that is right.
    """
    beside = f"{path}-xattrs-link"
    return parse_xattrs(read_file(beside, MAX_HEADER)) if os.path.lexists(beside) else ()


def _stored(path: str, start: int) -> Iterator[bytes]:
    """Yield the bytes of a file from `start` on."""
    data = read_start(path, _CHUNK)
    yield data[start:]
    if len(data) == _CHUNK:
        with open_file(path) as file:
            try:
                file.seek(max(start, _CHUNK))
                while data := file.read(_CHUNK):
                    yield data
            except OSError as error:
                raise from_os_error(error, path) from error


def _inflate(stored: Iterator[bytes]) -> Iterator[bytes]:
    """Yield inflated chunks of at most 1 MiB each.

    Raises `Damaged` for compressed bytes that are broken, end too early, or do not end the file:
    libostree reads up to their end only, so that more could hide there.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in stored:
            data = piece
            while data and not inflater.eof:
                yield inflater.decompress(data, _CHUNK)
                data = inflater.unconsumed_tail
            if inflater.unused_data or (inflater.eof and data):
                raise Damaged("it goes on after its compressed bytes")
        yield inflater.flush()
    except zlib.error as error:
        raise Damaged(f"its compressed bytes are broken: {error}") from error
    if not inflater.eof:
        raise Damaged("its compressed bytes end too early")
