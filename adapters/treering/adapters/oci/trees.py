"""The files of layers: one index for each, verified, and the content of single files.

Owns the memory of what was scanned, the threads it is scanned on, the refusal of layers that are
not what they should be, and finding one file's content again. Nothing is unpacked to a disk. What
layers mean together is in `core.overlay`; which layers an image has is for `browsing`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from treering.adapters.oci.blobs import Blobs, algorithm_of
from treering.adapters.oci.verify import Job, judge
from treering.core.changeset import MAX_ENTRIES
from treering.core.errors import Cancelled, Damaged, LimitExceeded, NotRecognised
from treering.core.files import from_os_error
from treering.core.ids import Digest, digest_of
from treering.core.layerindex import LayerIndex
from treering.core.layers import cap_for
from treering.core.scanning import Check, Scanned, content_where, first, scan
from treering.core.text import safe
from treering.core.trees import Entry

MAX_REMEMBERED = 200_000
"""Most entries of layers kept in memory for the next tree."""

THREADS = 2
"""Layers read at a time: unpacking and hashing leave the interpreter to others meanwhile."""

T = TypeVar("T")
Open = Callable[[Check], AbstractContextManager[Blobs]]


@dataclass(frozen=True, slots=True)
class Shelved:
    """A layer that was read whole and found right: its changes, and where its file stood.

    `recalled` is true where the file that stands there now was not read: the layer's changes are
    known by its diff id from an earlier time.
    """

    job: Job
    stamp: tuple[object, ...]
    changes: tuple[Entry, ...]
    notes: tuple[str, ...]
    recalled: bool = False


class Shelf:
    """Scanned layers, the least recently used forgotten beyond `MAX_REMEMBERED` entries.

    What is not in memory is looked for in `index`, and what is read is put there.
    """

    def __init__(self, limit: int = MAX_REMEMBERED, index: LayerIndex | None = None) -> None:
        self._limit = limit
        self._index = index
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], Shelved] = OrderedDict()
        self._count = 0

    def layer(self, blobs: Blobs, job: Job, check: Check) -> Shelved:
        """Return a layer's changes, from memory while its file did not change, or the index.

        Raises `Damaged`, `LimitExceeded`, `NotRecognised`, naming the layer.
        """
        stamp = blobs.stamp(job.stored.name)
        key = (job, *stamp)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        found = self._recall(job, stamp) or self._scan(blobs, job, stamp, check)
        return self._keep(key, found)

    def verified(self, blobs: Blobs, layer: Shelved, check: Check) -> Shelved:
        """Return a layer whose file was read, this one if it was. Raises as `layer` does."""
        if not layer.recalled:
            return layer
        key = (layer.job, *layer.stamp)
        with self._lock:
            found = self._kept.get(key)
        if found is None or found.recalled:
            found = self._keep(key, _read(blobs, layer.job, layer.stamp, check), again=True)
        return found

    def _recall(self, job: Job, stamp: tuple[object, ...]) -> Shelved | None:
        known = self._index.get(job.diff_id) if self._index and job.diff_id else None
        return Shelved(job, stamp, known.changes, known.notes, recalled=True) if known else None

    def _scan(self, blobs: Blobs, job: Job, stamp: tuple[object, ...], check: Check) -> Shelved:
        found = _read(blobs, job, stamp, check)
        if self._index and job.diff_id:
            self._index.put(job.diff_id, found.changes, found.notes)
        return found

    def _keep(self, key: tuple[object, ...], found: Shelved, *, again: bool = False) -> Shelved:
        with self._lock:
            if again and key in self._kept:
                self._count -= len(self._kept.pop(key).changes)
            if key not in self._kept:
                self._kept[key] = found
                self._count += len(found.changes)
            while self._count > self._limit:
                _, dropped = self._kept.popitem(last=False)
                self._count -= len(dropped.changes)
        return found


def in_order(
    read: Callable[[Digest, Check], T], diff_ids: Sequence[Digest], check: Check
) -> Iterator[T]:
    """Yield what `read` gives for each layer, in order, while the next ones are read besides.

    Each layer is read once, on one of `THREADS` threads; no more than these are ahead. What
    `read` raises is raised for its layer; the check it is given stops it once nobody waits.
    """
    stop = threading.Event()

    def go_on() -> None:
        if stop.is_set():
            raise Cancelled("opening was given up")
        check()

    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="layer")
    begun: dict[Digest, Future[T]] = {}
    try:
        for at, diff_id in enumerate(diff_ids):
            for ahead in diff_ids[at : at + THREADS]:
                if ahead not in begun:
                    begun[ahead] = pool.submit(read, ahead, go_on)
            yield begun[diff_id].result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


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
                ahead=True,
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


def content(  # noqa: PLR0913 -- what is read, where, and the hooks
    open_blobs: Open,
    shelf: Shelf,
    layers: Mapping[int, Shelved],
    entry: Entry,
    limit: int,
    *,
    check: Check,
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
            shelf.verified(blobs, layer, check)
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
