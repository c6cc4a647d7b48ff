"""Local files, opened for reading only and with limits.

Owns how bytes come off a disk: read-only, close-on-exec, never through a symbolic link at the
last step, regular files only, never more than a cap. Writes nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from treering.core.errors import (
    Damaged,
    LimitExceeded,
    NotPermitted,
    NotRecognised,
    SourceError,
    Unreachable,
)

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_READ_HASHED = _READ | os.O_NOFOLLOW
_CHUNK = 1 << 20
_SMALL = 1 << 14


def read_file(path: Path | str, limit: int, *, follow: bool = False) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes.

    Raises `LimitExceeded` for a larger file, `Unreachable` for a missing one, `NotPermitted`,
    and `NotRecognised` for a link (unless `follow`), a directory, a device or a pipe.
    """
    data = read_start(path, limit + 1, follow=follow)
    if len(data) > limit:
        raise LimitExceeded(f"{path} is larger than {limit} bytes")
    return data


def read_hashed(path: Path | str, limit: int) -> bytes:
    """Return the bytes of a file whose digest the caller compares; errors as for `read_file`.

    What is no regular file is not told apart here: its bytes would not have the digest.
    """
    try:
        number = os.open(path, _READ_HASHED)
        try:
            data = os.read(number, _SMALL)
            if len(data) == _SMALL:
                data += _read_up_to(number, 0, limit + 1 - _SMALL)
        finally:
            os.close(number)
    except OSError as error:
        raise from_os_error(error, str(path)) from error
    if len(data) > limit:
        raise LimitExceeded(f"{path} is larger than {limit} bytes")
    return data


@contextmanager
def directory_number(path: Path | str) -> Iterator[int]:
    """Open a directory, for `read_in`; -1, in which nothing is found, when that fails."""
    try:
        number = os.open(path, _READ | os.O_DIRECTORY)
    except OSError:
        yield -1
        return
    try:
        yield number
    finally:
        os.close(number)


def read_in(directory: int, name: str, limit: int) -> bytes | None:
    """Return what `read_hashed` does, of the file `name` in an opened directory.

    None where that raises, to tell why with the whole path. A path is looked up once for
    thousands of small files.
    """
    try:
        number = os.open(name, _READ_HASHED, dir_fd=directory)
        try:
            data = os.read(number, _SMALL)
            if len(data) == _SMALL:
                data += _read_up_to(number, 0, limit + 1 - _SMALL)
        finally:
            os.close(number)
    except OSError:
        return None
    return data if len(data) <= limit else None


def read_start(path: Path | str, count: int, *, follow: bool = False) -> bytes:
    """Return the first `count` bytes of a regular file, or all it has; errors as above."""
    try:
        number = os.open(path, _READ if follow else _READ | os.O_NOFOLLOW)
        try:
            status = os.fstat(number)
            if not stat.S_ISREG(status.st_mode):
                raise NotRecognised(f"{path} is not a regular file")
            return _read_up_to(number, status.st_size, count)
        finally:
            os.close(number)
    except OSError as error:
        raise from_os_error(error, str(path)) from error


def _read_up_to(number: int, size: int, count: int) -> bytes:
    """Return up to `count` bytes of a file that says it has `size`, and may have more."""
    data = os.read(number, min(size + 1, count))
    if len(data) == size > 0:
        return data
    parts, got = [data], len(data)
    while parts[-1] and got < count:
        parts.append(os.read(number, min(count - got, _CHUNK)))
        got += len(parts[-1])
    return b"".join(parts)


@contextmanager
def open_file(path: Path | str, *, follow: bool = False) -> Iterator[BinaryIO]:
    """Open a regular file for reading; errors as for `read_file`."""
    try:
        number = os.open(path, _READ if follow else _READ | os.O_NOFOLLOW)
    except OSError as error:
        raise from_os_error(error, str(path)) from error
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise NotRecognised(f"{path} is not a regular file")
        file = os.fdopen(number, "rb", closefd=False)
        with file:
            yield file
    finally:
        os.close(number)


def bytes_of(file: BinaryIO, size: int, what: str) -> bytes:
    """Return up to `size` bytes from `file`; an I/O error becomes a `Damaged`."""
    try:
        return file.read(size)
    except OSError as error:
        raise from_os_error(error, what) from error


def list_directory(path: Path, limit: int = 1_000_000) -> list[os.DirEntry[str]]:
    """Return the entries of a directory sorted by name; errors as for `read_file`."""
    entries = []
    try:
        with os.scandir(path) as scan:
            for entry in scan:
                entries.append(entry)
                if len(entries) > limit:
                    raise LimitExceeded(f"{path} has more than {limit} entries")
    except OSError as error:
        raise from_os_error(error, str(path)) from error
    return sorted(entries, key=lambda e: e.name)


def from_os_error(error: OSError, what: str) -> SourceError:
    """Return the `SourceError` that tells what an operating-system error means for `what`."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return NotPermitted(
            f"{what}: permission denied", "run as a user who may read it, or name another source"
        )
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return Unreachable(f"{what}: {reason}", "check the path")
    if error.errno in {errno.ELOOP, errno.EMLINK}:
        return NotRecognised(f"{what} is a symbolic link", "name the file it points at")
    if error.errno == errno.EISDIR:
        return NotRecognised(f"{what} is a directory")
    if error.errno in {errno.EIO, errno.EBADMSG}:
        return Damaged(f"{what}: {reason}", "the disk or file system returned an error")
    return Unreachable(f"{what}: {reason}")
