"""Plain dirtrees, read in a fraction of the time the general decoder takes.

Owns the shape that nearly every dirtree has: short names, one framing byte for each. What is not
exactly that is left to `objects.parse_dirtree`, which tells what is wrong with it, if anything
is. The diff of two large trees is mostly this.

Source: docs/repo.md, dirtree ``(a(say)a(sayay))``; GVariant specification, framing offsets.
"""

from __future__ import annotations

import struct
from typing import Final

from treering.core.errors import Damaged
from treering.core.gvariant.types import least_width, offset_width

Files = list[tuple[str, bytes]]
Directories = list[tuple[str, bytes, bytes]]

_FILE_TAIL: Final = 34
"""Bytes after a file's name: NUL, checksum, framing byte."""
_DIRECTORY_TAIL: Final = 67
"""Bytes after a directory's name: NUL, two checksums, two framing bytes."""
_LONGEST: Final = 0xFF
"""Most bytes of an element whose framing takes one byte."""
_WIDTHS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


def plain_dirtree(data: bytes) -> tuple[Files, Directories] | None:
    """Return the names and checksums in a dirtree, None for one with any peculiarity."""
    width = offset_width(len(data))
    table = len(data) - width
    if table < 0 or not width or least_width(table, 1) != width:
        return None
    middle = int.from_bytes(data[table:], "little")
    if middle > table:
        return None
    try:
        files = _elements(data[:middle], _FILE_TAIL)
        below = _elements(data[middle:table], _DIRECTORY_TAIL)
        names = [e[:-_FILE_TAIL].decode() for e in files]
        folders = [e[:-_DIRECTORY_TAIL].decode() for e in below]
    except (Damaged, UnicodeDecodeError):
        return None
    if not (_plain(names) and _plain(folders)) or not set(names).isdisjoint(folders):
        return None
    return (
        [(name, e[-33:-1]) for name, e in zip(names, files, strict=True)],
        [(name, e[-66:-34], e[-34:-2]) for name, e in zip(folders, below, strict=True)],
    )


def _elements(data: bytes, tail: int) -> list[bytes]:
    """Return the elements of an array of ``(say)`` or ``(sayay)``. Raises `Damaged`."""
    size = len(data)
    if not size:
        return []
    width = offset_width(size)
    body = int.from_bytes(data[-width:], "little")
    count, rest = divmod(size - body, width)
    if count < 1 or rest or least_width(body, count) != width:
        raise Damaged("its framing offsets do not fit")
    ends = struct.unpack_from(f"<{count}{_WIDTHS[width]}", data, body)
    found = [data[start:end] for start, end in zip((0, *ends), ends, strict=False)]
    lengths = list(map(len, found))
    if sum(lengths) != body or min(lengths) <= tail or max(lengths) > _LONGEST:
        raise Damaged("an element is empty, too long or out of order")
    # The last byte of an element says where its name ends, NUL included. Of a directory the one
    # before says where the first checksum ends.
    named = [length - tail + 1 for length in lengths]
    if [e[-1] for e in found] != named or any(e[-tail] for e in found):
        raise Damaged("a name or a checksum is not where it should be")
    if tail == _DIRECTORY_TAIL and [e[-2] for e in found] != [end + 32 for end in named]:
        raise Damaged("a checksum is not where it should be")
    return found


def _plain(names: list[str]) -> bool:
    """Tell whether names are in order, each once, and each may stand in a directory."""
    if not names:
        return True
    text = "".join(names)
    ordered = sorted(set(names)) == names
    return ordered and "/" not in text and "\0" not in text and not {".", ".."}.intersection(names)
