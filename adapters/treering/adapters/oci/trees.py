"""The files of layers: one index for each, verified, and the content of single files.

Owns the memory of what was scanned, the refusal of layers that are not what they should be, and
finding one file's content again. Nothing is unpacked to a disk. What layers mean together is in
`core.overlay`; which layers an image has is for `browsing`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from treering.adapters.oci.blobs import Blobs, algorithm_of
from treering.adapters.oci.verify import Job, judge
from treering.core.changeset import MAX_ENTRIES
from treering.core.errors import Damaged, LimitExceeded, NotRecognised
from treering.core.files import from_os_error
from treering.core.ids import digest_of
from treering.core.layers import cap_for
from treering.core.scanning import Check, Scanned, content_where, first, scan
from treering.core.text import safe
from treering.core.trees import Entry

MAX_REMEMBERED = 200_000
"""Most entries of layers kept in memory for the next tree."""

Open = Callable[[Check], AbstractContextManager[Blobs]]


@dataclass(frozen=True, slots=True)
class Shelved:
    """A layer that was read whole and found right: its changes, and where its file stood."""

    job: Job
    stamp: tuple[object, ...]
    changes: tuple[Entry, ...]
    notes: tuple[str, ...]


class Shelf:
    """Scanned layers, the least recently used forgotten beyond `MAX_REMEMBERED` entries."""

    def __init__(self, limit: int = MAX_REMEMBERED) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], Shelved] = OrderedDict()
        self._count = 0

    def layer(self, blobs: Blobs, job: Job, check: Check) -> Shelved:
        """Return a layer's changes, from memory while its file did not change.

        Raises `Damaged`, `LimitExceeded`, `NotRecognised`, naming the layer.
        """
        stamp = blobs.stamp(job.stored.name)
        key = (job, *stamp)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        found = _read(blobs, job, stamp, check)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = found
                self._count += len(found.changes)
            while self._count > self._limit:
                _, dropped = self._kept.popitem(last=False)
                self._count -= len(dropped.changes)
        return found


def _read(blobs: Blobs, job: Job, stamp: tuple[object, ...], check: Check) -> Shelved:
    name = job.stored.name
    try:
        with blobs.open(name) as file:
            scanned = scan(
                file,
                name,
                cap=cap_for(blobs.size(name) or 0),
                check=check,
                algorithm=algorithm_of(name),
                max_entries=MAX_ENTRIES,
            )
    except OSError as error:
        raise from_os_error(error, name) from error
    if blobs.stamp(name) != stamp:
        raise Damaged(f"{name} changed while it was read", "open it again")
    _refuse(job, scanned)
    return Shelved(job, stamp, scanned.changes, scanned.notes)


def _refuse(job: Job, scanned: Scanned) -> None:
    """Raise what is wrong with a layer; that its bytes are others than promised counts first."""
    name = job.stored.name
    outcome = judge(job, scanned.hashed)
    if "mismatch" in outcome.fault:
        raise Damaged(f"{name}: {outcome.fault}")
    if scanned.failure is not None:
        raise scanned.failure
    if outcome.fault:
        raise Damaged(f"{name}: {outcome.fault}")
    if outcome.doubt:
        raise LimitExceeded(f"{name}: {outcome.doubt}")


def content(
    open_blobs: Open, layers: Mapping[int, Shelved], entry: Entry, limit: int, check: Check
) -> bytes:
    """Return at most `limit` bytes of a file of a tree whose layers are those given.

    Raises `Damaged` when the layer's file is no longer what was verified, or the content is not
    what it was then.
    """
    if entry.held is None:
        raise NotRecognised(
            f"{safe(entry.path, 200)} is a hard link to {safe(entry.same_as, 200)}, "
            "which no layer read here holds"
        )
    number, offset = entry.held
    layer = layers[number]
    name = layer.job.stored.name
    try:
        with open_blobs(check) as blobs:
            if blobs.stamp(name) != layer.stamp:
                raise Damaged(f"{name} changed since it was verified", "open it again")
            with blobs.open(name) as file:
                cap = cap_for(blobs.size(name) or 0)
                chunks = content_where(
                    file, name, lambda member: member.offset == offset, cap=cap, check=check
                )
                data = first(chunks, limit)
    except OSError as error:
        raise from_os_error(error, name) from error
    if entry.digest and len(data) == entry.size and digest_of(data) != entry.digest:
        raise Damaged(f"{name}: the content of {safe(entry.path, 200)} is not what it was")
    return data
