"""Static deltas: how much a host would have to fetch to come from one commit to another.

Owns delta names and the superblock, read for its sizes. Parts are never opened and never run.

Source: docs/formats.md, Static deltas; ostree-repo-static-delta-private.h.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from treering.adapters.ostree.objects import MAX_METADATA, Checksum
from treering.adapters.ostree.refs import Tell
from treering.core.errors import Damaged, SourceError, Unreachable
from treering.core.files import list_directory, read_file
from treering.core.gvariant import Raw, decode_raw

MAX_DELTAS: Final = 10_000
_SUPERBLOCK: Final = "(a{sv}tayay(a{sv}aya(say)sstayay)aya(uayttay)a(yaytt))"
_SIGNED: Final = "(taya{sv})"
_SIGNED_MAGIC: Final = struct.pack(">Q", 0x4F535453474E4454)
_ENCODED: Final = 43


@dataclass(frozen=True, slots=True)
class Delta:
    """A static delta to commit `target`, from commit `start` or, when that is None, from nothing.

    `size` is what is fetched, `unpacked` what it becomes, in bytes; `parts` how many pieces;
    `fallbacks` how many objects are fetched whole, their bytes included.
    """

    start: Checksum | None
    target: Checksum
    size: int
    unpacked: int
    parts: int
    fallbacks: int

    def as_json(self) -> dict[str, Any]:
        """Return the delta as a commit's attribute ``deltas`` lists it."""
        return {
            "from": self.start,
            "size": self.size,
            "unpacked": self.unpacked,
            "parts": self.parts,
            "fallbacks": self.fallbacks,
        }


def read_deltas(root: Path, tell: Tell) -> Iterator[Delta]:
    """Yield the deltas of the repository at `root`; those that cannot be read go to `tell`."""
    left = MAX_DELTAS
    for first in _names(root / "deltas", tell):
        for second in _names(root / "deltas" / first, tell):
            path = root / "deltas" / first / second / "superblock"
            if not left:
                tell(str(root / "deltas"), f"there are more than {MAX_DELTAS} static deltas")
                return
            left -= 1
            try:
                yield parse_superblock(read_file(path, MAX_METADATA), *ends_of(first + second))
            except SourceError as error:
                tell(f"static delta {first}{second}", str(error))


def ends_of(name: str) -> tuple[Checksum | None, Checksum]:
    """Return start and target of a delta's name, modified base64. Raises `Damaged`."""
    start, _, target = name.rpartition("-")
    return (_checksum(start) if start else None), _checksum(target)


def parse_superblock(data: bytes, start: Checksum | None, target: Checksum) -> Delta:
    """Return what a superblock says of sizes. Raises `Damaged`, also for another delta's."""
    if data.startswith(_SIGNED_MAGIC):
        data = decode_raw(_SIGNED, data, limit=MAX_METADATA)[1]
    metadata, _time, begin, end, _commit, _needed, parts, fallbacks = decode_raw(
        _SUPERBLOCK, data, limit=MAX_METADATA
    )
    if end.hex() != target or begin.hex() != (start or ""):
        raise Damaged("its superblock is that of another delta")
    pairs = [(p[2], p[3]) for p in parts] + [(f[2], f[3]) for f in fallbacks]
    size, unpacked = _total(metadata, pairs)
    return Delta(start, target, size, unpacked, len(parts), len(fallbacks))


def _total(metadata: dict[str, Raw], pairs: list[tuple[int, int]]) -> tuple[int, int]:
    """Return the sums of sizes, which are in the writer's byte order.

    Old deltas do not name that order; then the one that makes the sums smaller is right.
    """
    as_is = (sum(p[0] for p in pairs), sum(p[1] for p in pairs))
    swapped = (sum(_swap(p[0]) for p in pairs), sum(_swap(p[1]) for p in pairs))
    order = metadata.get("ostree.endianness")
    if order is None or order.type != "y":
        return min(as_is, swapped, key=sum)
    return swapped if order.data == b"B" else as_is


def _swap(number: int) -> int:
    return int.from_bytes(number.to_bytes(8, "little"), "big")


def _checksum(name: str) -> Checksum:
    try:
        raw = base64.b64decode(name.replace("_", "/") + "=", validate=True)
    except (ValueError, binascii.Error) as error:
        raise Damaged(f"not the name of a static delta: {name[:100]!r}") from error
    if len(name) != _ENCODED or len(raw) != 32:  # noqa: PLR2004 -- a sha256
        raise Damaged(f"not the name of a static delta: {name[:100]!r}")
    return Checksum(raw.hex())


def _names(path: Path, tell: Tell) -> list[str]:
    """Return the directories in `path`, none when it is not there."""
    try:
        entries = list_directory(path, MAX_DELTAS)
    except Unreachable:
        return []
    except SourceError as error:
        tell(str(path), str(error))
        return []
    return [e.name for e in entries if e.is_dir(follow_symlinks=False)]
