"""Trees and documents opened through readers, and the trees kept open.

Owns which reader is asked for what, and that a tree is opened once and used by one thread at a
time. Everything here may wait for a system: never call it from a thread that must not.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from treering.core.errors import NotRecognised, SourceError
from treering.core.ids import NodeId
from treering.core.opening import Candidate
from treering.core.ports import Capability, Document, Opener, ReadContext, Reader, Tree

T = TypeVar("T")
KEPT = 4
"""How many trees are kept open."""


@dataclass(frozen=True, slots=True)
class Opened(Generic[T]):
    """What was made of a tree, and which candidate it belongs to."""

    candidate: Candidate
    value: T


@dataclass(slots=True)
class _Slot:
    """One tree, open or being opened."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    tree: Tree | None = None


class Shelf:
    """The openers among some readers, and the trees opened last."""

    def __init__(self, readers: Sequence[Reader], keep: int = KEPT) -> None:
        self._openers = [
            (reader.name, reader)
            for reader in readers
            if Capability.TREES in reader.capabilities and isinstance(reader, Opener)
        ]
        self._keep = keep
        self._slots: OrderedDict[NodeId, _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def use(
        self, wanted: Sequence[Candidate], context: ReadContext, make: Callable[[Tree], T]
    ) -> Opened[T]:
        """Open the first of `wanted` that can be opened and return what `make` makes of it.

        Raises `NotRecognised` when no source can open any, the `SourceError` of the first that
        failed otherwise, `KeyError` as `make` does, and `Cancelled`.
        """
        trouble: SourceError | None = None
        for candidate in wanted:
            slot = self._slot(candidate.node)
            with slot.lock:
                if slot.tree is None:
                    try:
                        slot.tree = self._open(candidate, context)
                    except SourceError as error:
                        if trouble is None or isinstance(trouble, NotRecognised):
                            trouble = error
                        continue
                return Opened(candidate, make(slot.tree))
        raise trouble or NotRecognised("there are no files to look at here")

    def documents(self, wanted: Sequence[Candidate], context: ReadContext) -> tuple[Document, ...]:
        """Return the documents of the first of `wanted` that has any, from the first source.

        Raises the `SourceError` of the first source that failed, if none has any.
        """
        trouble: SourceError | None = None
        for one, opener in ((c, opener) for c in wanted for opener in self._holding(c)):
            try:
                found = tuple(opener.documents(one.node, context))
            except NotRecognised:
                continue
            except SourceError as error:
                trouble = trouble or error
                continue
            if found:
                return found
        if trouble is not None:
            raise trouble
        return ()

    def close(self) -> None:
        """Close every tree that nobody is using."""
        with self._lock:
            slots, self._slots = list(self._slots.values()), OrderedDict()
        for slot in slots:
            _close(slot)

    def _holding(self, wanted: Candidate) -> Iterator[Opener]:
        return (opener for name, opener in self._openers if name in wanted.sources)

    def _open(self, wanted: Candidate, context: ReadContext) -> Tree:
        trouble: SourceError | None = None
        for opener in self._holding(wanted):
            try:
                return opener.open_tree(wanted.node, context)
            except SourceError as error:
                if trouble is None or isinstance(trouble, NotRecognised):
                    trouble = error
        raise trouble or NotRecognised(
            f"no source here can open the files of {wanted.label}",
            "files are read from layouts, archives, repositories and engines",
        )

    def _slot(self, node: NodeId) -> _Slot:
        with self._lock:
            slot = self._slots.pop(node, None) or _Slot()
            self._slots[node] = slot
            while len(self._slots) > self._keep:
                _, old = self._slots.popitem(last=False)
                _close(old)
            return slot


def _close(slot: _Slot) -> None:
    """Close a tree unless somebody is using it; then the last user's garbage takes it."""
    if slot.lock.acquire(blocking=False):
        try:
            if slot.tree is not None:
                slot.tree.close()
                slot.tree = None
        finally:
            slot.lock.release()
