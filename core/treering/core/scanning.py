"""Layers read whole, and single files of them read again.

Owns the one pass over a stored layer that gives both its changes and its digests, and the pass
that finds one member's content. Holds no more than the changes; writes nothing. Where a layer is
stored is for adapters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from treering.core.changeset import MAX_ENTRIES, changes
from treering.core.errors import Damaged, LimitExceeded, SourceError
from treering.core.layers import Chunks, Hashed, LayerStream, decompressed
from treering.core.tar import CHUNK, Member, Readable, Scanner
from treering.core.trees import Entry

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one pass over a layer gave.

    `failure` is why the changes are not all there, None when they are; `notes` say what was made
    of odd names. Nothing is verified yet: that is comparing `hashed` with what was promised.
    """

    changes: tuple[Entry, ...]
    hashed: Hashed
    notes: tuple[str, ...] = ()
    failure: SourceError | None = None


def scan(  # noqa: PLR0913 -- limits and hooks, all by name
    file: Readable,
    name: str,
    *,
    cap: int,
    check: Check = lambda: None,
    algorithm: str = "sha256",
    max_entries: int = MAX_ENTRIES,
    whiteouts: bool = True,
    ahead: bool = False,
) -> Scanned:
    """Read a layer to its end; `cap`, `check`, `algorithm` and `ahead` as for `LayerStream`.

    Without `whiteouts` it is no layer but a whole tree. Errors name it `name`. Raises nothing
    of its own: see `Scanned.failure`.
    """
    notes: list[str] = []
    failure: SourceError | None = None
    entries: tuple[Entry, ...] = ()
    stream = LayerStream(file, cap=cap, check=check, algorithm=algorithm, ahead=ahead)
    with closing(stream):
        try:
            found = changes(
                scanner_of(stream, name, check),
                whiteouts=whiteouts,
                max_entries=max_entries,
                note=notes.append,
            )
            entries = tuple(found)
        except (Damaged, LimitExceeded) as error:
            known = error.message.removeprefix(f"{name}: ")
            failure = type(error)(f"{name}: {known}", error.hint)
        return Scanned(entries, stream.finish(), tuple(notes), failure)


def scanner_of(file: Readable, name: str, check: Check) -> Scanner:
    """Return a scanner that reads a layer as the engines do, front to back."""
    return Scanner(file, name, seek=False, use_globals=False, check=check)


def content_where(
    file: Readable, name: str, wanted: Callable[[Member], bool], *, cap: int, check: Check
) -> Iterator[bytes]:
    """Yield the content of the first member that is `wanted` of a stored layer.

    Raises `Damaged` without one, and `LimitExceeded` above `cap` unpacked bytes.
    """

    def more() -> bytes:
        check()
        return file.read(CHUNK)

    chunks = decompressed(_start(more), more)
    scanner = scanner_of(Chunks(_capped(chunks, name, cap)), name, check)
    for member in scanner:
        if wanted(member):
            yield from scanner.content()
            return
    raise Damaged(f"{name}: the file is no longer in it")


def first(chunks: Iterable[bytes], limit: int) -> bytes:
    """Return at most `limit` bytes from the beginning of `chunks`."""
    pieces: list[bytes] = []
    for chunk in chain(chunks, (b"",)):
        pieces.append(chunk[: max(limit, 0)])
        limit -= len(chunk)
        if limit <= 0:
            break
    return b"".join(pieces)


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


_MAGIC = 4
