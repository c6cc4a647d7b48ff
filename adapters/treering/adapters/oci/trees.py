"""The files of layers: one index for each, verified, and the content of single files.

Owns scanning a stored layer into its changes while both its digests are checked, the memory of
what was scanned, and finding one file's content again. Nothing is unpacked to a disk. What layers
mean together is in `core.overlay`; which layers an image has is for `browsing`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain

from treering.adapters.oci.blobs import Blobs, algorithm_of
from treering.adapters.oci.layers import Chunks, LayerStream, cap_for, decompressed
from treering.adapters.oci.verify import Job, judge
from treering.core.changeset import changes
from treering.core.errors import Damaged, LimitExceeded, NotRecognised, SourceError
from treering.core.files import from_os_error
from treering.core.ids import digest_of
from treering.core.overlay import MAX_ENTRIES
from treering.core.tar import CHUNK, Readable, Scanner
from treering.core.text import safe
from treering.core.trees import Entry

MAX_REMEMBERED = 200_000
"""Most entries of layers kept in memory for the next tree."""

Check = Callable[[], None]
Open = Callable[[Check], AbstractContextManager[Blobs]]


@dataclass(frozen=True, slots=True)
class Scanned:
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
        self._kept: OrderedDict[tuple[object, ...], Scanned] = OrderedDict()
        self._count = 0

    def scan(self, blobs: Blobs, job: Job, check: Check) -> Scanned:
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
        found = _scan(blobs, job, stamp, check)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = found
                self._count += len(found.changes)
            while self._count > self._limit:
                _, dropped = self._kept.popitem(last=False)
                self._count -= len(dropped.changes)
        return found


def _scan(blobs: Blobs, job: Job, stamp: tuple[object, ...], check: Check) -> Scanned:
    name = job.stored.name
    notes: list[str] = []
    failure: SourceError | None = None
    entries: tuple[Entry, ...] = ()
    try:
        with blobs.open(name) as file:
            stream = LayerStream(
                file,
                cap=cap_for(blobs.size(name) or 0),
                check=check,
                algorithm=algorithm_of(name),
            )
            scanner = Scanner(
                stream, name, seek=False, max_entries=MAX_ENTRIES, use_globals=False, check=check
            )
            try:
                entries = tuple(changes(scanner, note=notes.append))
            except (Damaged, LimitExceeded) as error:
                failure = error
            outcome = judge(job, stream.finish())
    except OSError as error:
        raise from_os_error(error, name) from error
    if blobs.stamp(name) != stamp:
        raise Damaged(f"{name} changed while it was read", "open it again")
    _refuse(name, outcome.fault, outcome.doubt, failure)
    return Scanned(job, stamp, entries, tuple(notes))


def _refuse(name: str, fault: str, doubt: str, failure: SourceError | None) -> None:
    """Raise what is wrong with a layer; that its bytes are others than promised counts first."""
    if "mismatch" in fault:
        raise Damaged(f"{name}: {fault}")
    if failure is not None:
        known = failure.message.removeprefix(f"{name}: ")
        raise type(failure)(f"{name}: {known}", failure.hint) from failure
    if fault:
        raise Damaged(f"{name}: {fault}")
    if doubt:
        raise LimitExceeded(f"{name}: {doubt}")


def content(
    open_blobs: Open, layers: Mapping[int, Scanned], entry: Entry, limit: int, check: Check
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
                size = cap_for(blobs.size(name) or 0)
                data = _first(_content_at(file, name, offset, size, check), limit)
    except OSError as error:
        raise from_os_error(error, name) from error
    if entry.digest and len(data) == entry.size and digest_of(data) != entry.digest:
        raise Damaged(f"{name}: the content of {safe(entry.path, 200)} is not what it was")
    return data


def _content_at(file: Readable, name: str, offset: int, cap: int, check: Check) -> Iterator[bytes]:
    """Yield the content of the member at an offset of a layer unpacked."""

    def more() -> bytes:
        check()
        return file.read(CHUNK)

    chunks = decompressed(_start(more), more)
    scanner = Scanner(
        Chunks(_capped(chunks, name, cap)),
        name,
        seek=False,
        max_entries=MAX_ENTRIES,
        use_globals=False,
        check=check,
    )
    for member in scanner:
        if member.offset == offset:
            yield from scanner.content()
            return
    raise Damaged(f"{name}: nothing begins at byte {offset}")


def _start(more: Callable[[], bytes]) -> bytes:
    """Return enough bytes to tell the compression by."""
    start = data = more()
    while data and len(start) < _MAGIC:
        data = more()
        start += data
    return start


def _capped(chunks: Iterable[bytes], name: str, cap: int) -> Iterator[bytes]:
    for chunk in chunks:
        cap -= len(chunk)
        if cap < 0:
            raise LimitExceeded(f"{name} unpacks to more than it may")
        yield chunk


def _first(chunks: Iterator[bytes], limit: int) -> bytes:
    """Return at most `limit` bytes from the beginning of `chunks`."""
    pieces: list[bytes] = []
    for chunk in chain(chunks, (b"",)):
        pieces.append(chunk[:limit])
        limit -= len(pieces[-1])
        if limit <= 0:
            break
    return b"".join(pieces)


_MAGIC = 4
