"""The tree that layers make, as the overlay holds it, and what two of them share.

Owns `core.ports.Tree` over an overlay, without a second copy of it. Two trees that were grown
from one overlay hold the same objects wherever no layer of their own touched anything: there
they are equal, and a comparison never goes (`core.diff.ports.Telling`). Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from treering.core.diff.ports import Pair
from treering.core.errors import Damaged
from treering.core.ids import Digest
from treering.core.overlay import Overlay
from treering.core.ports import Tree
from treering.core.trees import ROOT, Entry, EntryType


class LayeredTree:
    """The tree of an overlay as it is now; later layers change nothing in it.

    `content` returns at most so many bytes of a file's content.
    """

    def __init__(self, overlay: Overlay, content: Callable[[Entry, int], bytes]) -> None:
        self.overlay = overlay.fork()
        self._content = content

    def entry(self, path: bytes) -> Entry:
        """Return what stands at `path`. Raises `KeyError`."""
        found = self.overlay.find(path)
        if found is None:
            raise KeyError(path)
        return self.overlay.placed(path, found.entry)

    def children(self, path: bytes) -> Sequence[Entry]:
        """Return what stands directly in a directory, in byte order. Raises `KeyError`."""
        found = self.overlay.find(path)
        if found is None:
            raise KeyError(path)
        start = _start(path)
        below = found.below or {}
        return [self.overlay.placed(start + name, below[name].entry) for name in sorted(below)]

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, a directory before what stands in it, siblings in byte order."""
        return self.overlay.entries()

    def subtree(self, path: bytes) -> Digest | None:  # noqa: ARG002 -- the port's shape
        """Return None: what is equal is told by `differing`."""
        return None

    def differing(self, path: bytes, other: Tree) -> Sequence[Pair] | None:
        """Return what in a directory is not one object in both; as `Telling` says."""
        if not isinstance(other, LayeredTree):
            return None
        mine, theirs = self.overlay.find(path), other.overlay.find(path)
        if mine is None or theirs is None:
            return None
        if mine is theirs:
            return ()
        ours, others = mine.below or {}, theirs.below or {}
        start = _start(path)
        found: list[Pair] = []
        for name in ours.keys() | others.keys():
            one, two = ours.get(name), others.get(name)
            if one is not two:
                at = start + name
                a = None if one is None else self.overlay.placed(at, one.entry)
                b = None if two is None else other.overlay.placed(at, two.entry)
                found.append((a, b))
        return found

    def same_content(self, path: bytes, other: Tree) -> bool | None:  # noqa: ARG002 -- likewise
        """Return None: entries of layers have digests."""
        return None

    def read(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` bytes of a file. Raises `KeyError`, `Damaged`, `SourceError`."""
        entry = self.entry(path)
        if entry.type is not EntryType.FILE:
            raise Damaged(f"{path!r} is a {entry.type}, not a file")
        return self._content(entry, limit)

    def close(self) -> None:
        """Nothing is held open."""


def _start(path: bytes) -> bytes:
    return b"/" if path == ROOT else path + b"/"
