"""Summary files: what a repository tells those who pull from it.

Owns their format. A summary is as old as the last `ostree summary -u`, so what it lists is a
claim; the refs themselves are in `refs.py`.

Source: docs/repo.md, The summary file; ostree-repo.c (OSTREE_SUMMARY_*).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from treering.adapters.ostree.objects import METADATA_TYPE, Checksum
from treering.adapters.ostree.refs import MAX_REFS, RefName, is_ref_name
from treering.core.errors import Damaged, LimitExceeded
from treering.core.gvariant import Raw, count, decode, decode_raw

MAX_SUMMARY: Final = 32 << 20
_REFS: Final = "a(s(taya{sv}))"
_TYPE: Final = f"({_REFS}{METADATA_TYPE})"
_MAP: Final = f"a{{s{_REFS}}}"
_CHECKSUM: Final = 32


@dataclass(frozen=True, slots=True)
class SummaryRef:
    """A ref as the summary lists it; `size` is that of the commit object in bytes.

    `name` is a local ref of the repository the summary is of, or one of a mirrored collection.
    """

    name: RefName
    checksum: Checksum
    size: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summary says. Times are seconds UTC, 0 where it gives none."""

    refs: tuple[SummaryRef, ...]
    refused: tuple[str, ...]
    last_modified: int
    expires: int
    collection: str
    mode: str
    metadata: Mapping[str, Raw]


def parse_summary(data: bytes) -> Summary:
    """Return the summary in `data`.

    Names that are no refs are left out and listed in `refused`. Raises `Damaged`, and
    `LimitExceeded` beyond 32 MiB or 100,000 refs.
    """
    own, metadata = decode_raw(_TYPE, data, limit=MAX_SUMMARY)
    refs = list(_refs(own, ""))
    for collection, listed in _collections(metadata):
        refs.extend(_refs(listed, collection))
        if len(refs) > MAX_REFS:
            break
    if len(refs) > MAX_REFS:
        raise LimitExceeded(f"the summary lists more than {MAX_REFS} refs")
    good = [r for r in refs if _is_good(r.name)]
    return Summary(
        tuple(good),
        tuple(r.name.refspec for r in refs if not _is_good(r.name)),
        _time(metadata, "ostree.summary.last-modified"),
        _time(metadata, "ostree.summary.expires"),
        _text(metadata, "ostree.summary.collection-id"),
        _text(metadata, "ostree.summary.mode"),
        metadata,
    )


def _collections(metadata: Mapping[str, Raw]) -> Iterator[tuple[str, Any]]:
    raw = metadata.get("ostree.summary.collection-map")
    if raw is None or raw.type != _MAP:
        return
    if count(_MAP, raw.data) > MAX_REFS:
        raise LimitExceeded(f"the summary lists more than {MAX_REFS} collections")
    yield from decode_raw(_MAP, raw.data).items()


def _refs(listed: list[Any], collection: str) -> Iterator[SummaryRef]:
    for name, (size, checksum, _metadata) in listed:
        if len(checksum) != _CHECKSUM:
            raise Damaged(f"the checksum of {name[:100]!r} has not 32 bytes")
        yield SummaryRef(RefName(name, mirror=collection), Checksum(checksum.hex()), size)


def _is_good(name: RefName) -> bool:
    mirrored = not name.mirror or ("/" not in name.mirror and is_ref_name(name.mirror))
    return mirrored and is_ref_name(name.name)


def _time(metadata: Mapping[str, Raw], key: str) -> int:
    """Return a time; these are big-endian, unlike all other numbers of a summary."""
    raw = metadata.get(key)
    return decode("t", raw.data, order="big") if raw and raw.type == "t" else 0


def _text(metadata: Mapping[str, Raw], key: str) -> str:
    raw = metadata.get(key)
    return decode("s", raw.data) if raw and raw.type == "s" else ""
