"""Compressed formats without compression: gzip, zlib, raw deflate and zstd around plain bytes.

Owns containers whose bytes depend on their content alone. A compressor's output changes with its
version, and the digests of the demo world must not. Sources: RFC 1950, 1951 (stored blocks),
1952; RFC 8878 (raw blocks).
"""

from __future__ import annotations

import struct
import zlib

_DEFLATE_BLOCK = 0xFFFF
_ZSTD_BLOCK = 128 * 1024
_ZSTD_MAGIC = 0xFD2FB528
_SINGLE_SEGMENT_SIZE_8 = 0b1110_0000


def deflate(data: bytes) -> bytes:
    """Return `data` as raw deflate."""
    blocks = _blocks(data, _DEFLATE_BLOCK)
    return b"".join(
        struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block for last, block in blocks
    )


def zlib_stream(data: bytes) -> bytes:
    """Return `data` as a zlib stream."""
    return b"\x78\x01" + deflate(data) + struct.pack(">I", zlib.adler32(data))


def gzip(data: bytes) -> bytes:
    """Return `data` as a gzip file without name or time."""
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return head + deflate(data) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def zstd(data: bytes) -> bytes:
    """Return `data` as one zstd frame."""
    head = struct.pack("<IBQ", _ZSTD_MAGIC, _SINGLE_SEGMENT_SIZE_8, len(data))
    blocks = (
        (last | len(block) << 3).to_bytes(3, "little") + block
        for last, block in _blocks(data, _ZSTD_BLOCK)
    )
    return head + b"".join(blocks)


def _blocks(data: bytes, size: int) -> list[tuple[bool, bytes]]:
    """Return `data` in blocks of `size`, each with whether it is the last; at least one."""
    starts = range(0, len(data), size) or [0]
    return [(start + size >= len(data), data[start : start + size]) for start in starts]
