"""What commit metadata says: versions, packages, sizes, images, layers.

Owns the meaning of metadata keys of libostree, rpm-ostree, bootc and coreos-assembler, and the
short JSON form a commit's attributes show. Any key may be missing or of another type; then it
says nothing.

Source: ostree-core.h (OSTREE_COMMIT_META_KEY_*), rpm-ostree's rpmostree-core.cxx and
rpmostree-importer.cxx, ostree-ext's store.rs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from treering.adapters.ostree.objects import Commit
from treering.core.documents import parse_json
from treering.core.errors import Damaged, SourceError
from treering.core.gvariant import Raw, Variant, decode

MAX_KEYS: Final = 200
MAX_TEXT: Final = 4096
MAX_ITEMS: Final = 100
MAX_SHOWN_BYTES: Final = 64
MAX_DECODED: Final = 16_384
"""Bytes of a metadata value that are still decoded for showing; of larger ones the size is."""

PACKAGES: Final = "rpmostree.rpmdb.pkglist"
MANIFEST_DIGEST: Final = "ostree.manifest-digest"
_PACKAGES_TYPE: Final = "a(sssss)"
_SIZES: Final = "ostree.sizes"
_CONFIG: Final = "ostree.container.image-config"
_REPOSITORIES: Final = "rpmostree.rpmmd-repos"
_ELSEWHERE: Final = frozenset({"version", PACKAGES, _SIZES, _CONFIG, "ostree.manifest"})
_LAYERED: Final = frozenset({"rpmostree.clientlayer", "rpmostree.spec", MANIFEST_DIGEST})
_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800
_MAX_DEPTH: Final = 8
_CHECKSUM: Final = 32


class Package(NamedTuple):
    """An installed package; `epoch` is "0" where it has none."""

    name: str
    epoch: str
    version: str
    release: str
    arch: str


def text(commit: Commit, key: str) -> str:
    """Return a metadata text, or "" without one."""
    value = commit.value(key, "s")
    return value if isinstance(value, str) else ""


def is_layered(commit: Commit) -> bool:
    """Tell whether the parent of `commit` is its base rather than the commit before it.

    So it is for client-side layering, old (``rpmostree.spec``) and new, and for the merge
    commits of container images.
    """
    if _LAYERED.isdisjoint(commit.metadata):
        return False
    return (
        commit.value("rpmostree.clientlayer", "b") is True
        or "rpmostree.spec" in commit.metadata
        or MANIFEST_DIGEST in commit.metadata
    )


def packages(commit: Commit) -> tuple[Package, ...]:
    """Return the package list of a composed commit, empty without one. Raises `Damaged`."""
    value = commit.value(PACKAGES, _PACKAGES_TYPE)
    return tuple(Package(*p) for p in value) if isinstance(value, list) else ()


def sizes(commit: Commit) -> dict[str, int]:
    """Return the bytes of all objects of `commit`, stored and unpacked, where it lists them.

    Raises `Damaged`.
    """
    listed = commit.value(_SIZES, "aay")
    if not isinstance(listed, list):
        return {}
    archived = unpacked = 0
    for entry in listed:
        stored, at = _varint(entry, _CHECKSUM)
        whole, _at = _varint(entry, at)
        archived, unpacked = archived + stored, unpacked + whole
    return {"archived": archived, "unpacked": unpacked}


def labels(commit: Commit) -> dict[str, str]:
    """Return the labels in the image config a container import embedded. Raises `SourceError`."""
    document = text(commit, _CONFIG)
    if not document:
        return {}
    value = parse_json(document.encode(), f"metadata {_CONFIG}")
    config = value.get("config") if isinstance(value, dict) else None
    found = config.get("Labels") if isinstance(config, dict) else None
    entries = found.items() if isinstance(found, dict) else ()
    return {k: v for k, v in entries if isinstance(v, str)}


def attributes(commit: Commit) -> tuple[dict[str, Any], list[str]]:
    """Return the attributes a commit's metadata gives it, and what of it could not be read."""
    attrs: dict[str, Any] = {}
    wrong: list[str] = []
    metadata = commit.metadata
    for name, (key, function) in () if _READ.isdisjoint(metadata) else _READERS.items():
        if key in metadata:
            try:
                value = function(commit)
            except SourceError as error:
                wrong.append(f"metadata {key}: {error}")
                continue
            if value:
                attrs[name] = value
    shown = {
        key: _shown(key, raw)
        for key, raw in sorted(metadata.items())[:MAX_KEYS]
        if key not in _ELSEWHERE
    }
    if shown:
        attrs["metadata"] = shown
    return attrs, wrong


_READERS: Final[dict[str, tuple[str, Callable[[Commit], Any]]]] = {
    "version": ("version", lambda c: text(c, "version")),
    "packages": (PACKAGES, lambda c: c.length(PACKAGES, _PACKAGES_TYPE)),
    "manifest_digest": (MANIFEST_DIGEST, lambda c: text(c, MANIFEST_DIGEST)),
    "sizes": (_SIZES, sizes),
    "labels": (_CONFIG, labels),
}


_READ: Final = frozenset(key for key, _ in _READERS.values())


def _shown(key: str, raw: Raw) -> Any:
    """Return a metadata value as JSON, short."""
    if len(raw.data) <= MAX_DECODED:
        return _shown_short(key, raw)
    if raw.type == "s":
        return f"{raw.data[:MAX_TEXT].decode('utf-8', 'replace')}…"
    return f"{len(raw.data)} bytes of type {raw.type}"


@lru_cache(maxsize=512)
def _shown_short(key: str, raw: Raw) -> Any:
    """Decode a value; the commits of a branch have most values in common."""
    try:
        value = decode(raw.type, raw.data)
    except SourceError as error:
        return f"damaged: {error}"
    if key == _REPOSITORIES and isinstance(value, list):
        value = [_with_time(entry) for entry in value]
    return as_json(value)


def as_json(value: Any, depth: int = 0) -> Any:
    """Return a decoded value as JSON: texts cut, bytes in hex, what is long by its size."""
    if isinstance(value, Variant):
        return as_json(value.value, depth)
    if isinstance(value, (list, tuple, dict)):
        if len(value) > MAX_ITEMS or depth >= _MAX_DEPTH:
            return f"{len(value)} items"
        if isinstance(value, dict):
            return {str(k): as_json(v, depth + 1) for k, v in value.items()}
        return [as_json(v, depth + 1) for v in value]
    return _leaf(value)


def _leaf(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{value[:MAX_TEXT]}…"
    if isinstance(value, bytes):
        return value.hex() if len(value) <= MAX_SHOWN_BYTES else f"{len(value)} bytes"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _with_time(entry: Any) -> Any:
    """Return a repository entry with its time in this machine's order.

    Base commits hold it big-endian, layered ones in the writer's order (rpm-ostree #1734).
    """
    stamp = entry.get("timestamp") if isinstance(entry, dict) else None
    if not isinstance(stamp, Variant) or stamp.type != "t":
        return entry
    return {**entry, "timestamp": plausible_time(stamp.value)}


def plausible_time(seconds: int) -> int:
    """Return a 64-bit time, byte-swapped when only that lies between the years 2000 and 2100."""
    swapped = int.from_bytes(seconds.to_bytes(8, "little"), "big")
    likely = not _YEAR_2000 <= seconds <= _YEAR_2100 and _YEAR_2000 <= swapped <= _YEAR_2100
    return swapped if likely else seconds


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the LEB128 number at `at` and the position after it."""
    number = shift = 0
    while at < len(data) and shift < 64:  # noqa: PLR2004 -- 64 bits
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return number, at
    raise Damaged("a size is cut off")
