"""Layers laid over one another, once for all images that begin with the same.

Owns the memory of the last image opened: what stood after each of its layers. The next image
goes on from the last layer both have, so that a common base is laid out once, and is the same
object in both trees.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from treering.core.ids import Digest
from treering.core.overlay import Overlay
from treering.core.scanning import Check
from treering.core.trees import Entry

MAX_KEPT = 200_000
"""Most entries of an image that is remembered."""

Note = Callable[[str], None]
Layer = tuple[Digest, bool]
"""A diff id, and whether the layer is here."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What stands after a layer, and what was noted while it was laid."""

    layer: Layer
    overlay: Overlay
    notes: tuple[str, ...]


class Stacks:
    """The layers of the last image opened. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[_Step, ...] = ()

    def begin(self, *, note: Note, check: Check) -> Stack:
        """Return an empty stack; `note` and `check` as for `Overlay`."""
        with self._lock:
            return Stack(self, self._last, note, check)

    def fork(
        self, overlay: Overlay, note: Callable[[str], None], check: Callable[[], None]
    ) -> Overlay:
        """Fork an overlay that others may fork too."""
        with self._lock:
            return overlay.fork(note=note, check=check)

    def keep(self, steps: Sequence[_Step]) -> None:
        """Remember an image."""
        with self._lock:
            self._last = tuple(steps)


class Stack:
    """The layers of one image, laid one after the other."""

    def __init__(
        self,
        stacks: Stacks,
        known: Sequence[_Step],
        note: Note,
        check: Check,
    ) -> None:
        self._stacks = stacks
        self._known = known
        self._note = note
        self._check = check
        self._steps: list[_Step] = []
        self._overlay: Overlay | None = None
        self._entries = 0

    def lay(self, diff_id: Digest, changes: Sequence[Entry] | None) -> None:
        """Lay the next layer, None for one that is not here. Raises as `Overlay.apply` does."""
        layer = (diff_id, changes is not None)
        self._entries += len(changes or ())
        at = len(self._steps)
        if self._overlay is None and at < len(self._known) and self._known[at].layer == layer:
            self._steps.append(self._known[at])
            for text in self._known[at].notes:
                self._note(text)
            return
        notes: list[str] = []
        overlay = self._current(notes.append)
        if changes is not None:
            overlay.apply(changes, at)
        for text in notes:
            self._note(text)
        self._steps.append(_Step(layer, self._stacks.fork(overlay, _silent, _never), tuple(notes)))

    def finish(self) -> Overlay:
        """Return what stands now, and remember it for the next image."""
        if self._entries <= MAX_KEPT:
            self._stacks.keep(self._steps)
        return self._current(self._note)

    def _current(self, note: Callable[[str], None]) -> Overlay:
        """Return the overlay that grows, from what stood after the layers that were known."""
        if self._overlay is None and not self._steps:
            self._overlay = Overlay(note=note, check=self._check)
        else:
            before = self._overlay or self._steps[-1].overlay
            self._overlay = self._stacks.fork(before, note, self._check)
        return self._overlay


def _silent(_text: str) -> None:
    """Note nothing: nothing is laid on what is only remembered."""


def _never() -> None:
    """Never stop."""
