"""Layer archives, the same bytes every time.

Owns the ustar header and the extended one for long link targets (POSIX pax(1), "ustar
Interchange Format", "pax Extended Header"): owner root, one time for all entries, no padding
beyond the two zero blocks.
"""

from __future__ import annotations

from treering.adapters.demo.items import Item, Type

_BLOCK = 512
_NAME, _PREFIX = 100, 155
_FLAGS = {Type.FILE: b"0", Type.HARDLINK: b"1", Type.SYMLINK: b"2", Type.DIRECTORY: b"5"}
_EXTENDED = Item("PaxHeaders/next", Type.FILE, 0o644)
"""Stands for the header before an entry whose link target does not fit into its own."""


def archive(items: list[Item], time: int) -> bytes:
    """Return a tar of `items` in their order, all modified at `time` (seconds, UTC)."""
    out = bytearray()
    for item in items:
        target = item.target.encode("utf-8")
        if len(target) > _NAME:
            out += _entry(_EXTENDED, _record(b"linkpath", target), time)
        out += _entry(item, item.data if item.type is Type.FILE else b"", time)
    return bytes(out + b"\0" * 2 * _BLOCK)


def _record(key: bytes, value: bytes) -> bytes:
    """Return one record of an extended header: its own length, key and value."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + len(str(len(rest)))
    return b"%d%s" % (len(rest) + len(str(length)), rest)


def _entry(item: Item, data: bytes, time: int) -> bytes:
    return _header(item, len(data), time) + data + b"\0" * (-len(data) % _BLOCK)


def _header(item: Item, size: int, time: int) -> bytes:
    path = item.path + "/" if item.type is Type.DIRECTORY else item.path
    prefix, name = _split(path.encode("utf-8"))
    fields = [
        _text(name, _NAME),
        b"%07o\0" % item.mode,
        b"%07o\0" % 0,
        b"%07o\0" % 0,
        b"%011o\0" % size,
        b"%011o\0" % time,
        b" " * 8,
        b"x" if item is _EXTENDED else _FLAGS[item.type],
        item.target.encode("utf-8")[:_NAME].ljust(_NAME, b"\0"),
        b"ustar\x0000",
        _text(b"root", 32),
        _text(b"root", 32),
        b"%07o\0" % 0,
        b"%07o\0" % 0,
        _text(prefix, _PREFIX),
    ]
    block = b"".join(fields).ljust(_BLOCK, b"\0")
    checksum = b"%06o\0 " % sum(block)
    return block[:148] + checksum + block[156:]


def _split(path: bytes) -> tuple[bytes, bytes]:
    """Return a path as ustar prefix and name."""
    if len(path) <= _NAME:
        return b"", path
    cut = path.rfind(b"/", 0, _PREFIX)
    return path[:cut], path[cut + 1 :]


def _text(value: bytes, size: int) -> bytes:
    if len(value) > size:
        raise ValueError(f"{value!r} does not fit into a tar header")
    return value.ljust(size, b"\0")
