"""Layers laid one over the other: what a stack of change sets is as one tree.

Owns the semantics of applying layers (image-spec, layer.md, "Applying Changesets"), the way the
overlay file systems of the engines do it: every layer becomes a tree of its own first, and that
tree is laid over what lies below. So a whiteout or an opaque marker hides lower layers only, and
wherever it stands in its archive; a directory over a directory keeps what is in it and replaces
its attributes, or keeps them where the layer only has something in it; anything else replaces
what was there with all below it. A hard link is bound to what its name leads to when its layer
is applied: what later layers do to that name is nothing to it. Time is linear in the entries.
Pure: entries come in, entries go out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count

from msgspec.structs import replace

from treering.core.changeset import AUFS, MAX_ENTRIES, parts_of
from treering.core.errors import LimitExceeded
from treering.core.text import safe
from treering.core.trees import ROOT, Entry, EntryType

MAX_DEPTH = 512
"""Most names on the way to an entry."""
MAX_NAMES = 256 * 1024 * 1024
"""Most bytes of paths of all layers together."""
_MAX_LINKS = 40
_CHECK_EVERY = 4096
_EPOCHS = count(1)
"""Of forks: a node may be changed by the overlay whose epoch it has, by no other."""


class _Node:
    """A path of a tree under construction; `below` is None where nothing can stand."""

    __slots__ = ("below", "entry", "epoch", "implied", "pending")

    def __init__(self, entry: Entry, *, implied: bool = False) -> None:
        self.entry = entry
        self.implied = implied
        self.pending = False
        self.epoch = 0
        directory = entry.type is EntryType.DIRECTORY
        self.below: dict[bytes, _Node] | None = {} if directory else None


class Overlay:
    """A tree that grows by one layer after the other, bottom first.

    `note` is told of links that lead nowhere and the like; `check` is called now and then and
    may raise to stop. `apply` raises `LimitExceeded` beyond the caps.
    """

    def __init__(
        self,
        *,
        note: Callable[[str], None] = lambda _text: None,
        check: Callable[[], None] = lambda: None,
        max_entries: int = MAX_ENTRIES,
        max_depth: int = MAX_DEPTH,
        max_names: int = MAX_NAMES,
    ) -> None:
        self._note = note
        self._check = check
        self._max_depth = max_depth
        self._max_entries, self._entries_left = max_entries, max_entries
        self._max_names, self._names_left = max_names, max_names
        self._root = _Node(_implied(ROOT, None), implied=True)
        self._epoch = 0

    def fork(
        self,
        *,
        note: Callable[[str], None] = lambda _text: None,
        check: Callable[[], None] = lambda: None,
    ) -> Overlay:
        """Return an overlay of its own that stands where this one does; at once.

        Both share what neither changes: a path that is the same object in two of them is the
        same with all below it (`core.layered`).
        """
        twin = Overlay(note=note, check=check)
        twin._root = self._root
        for name in ("_max_depth", "_max_entries", "_entries_left", "_max_names", "_names_left"):
            setattr(twin, name, getattr(self, name))
        self._epoch, twin._epoch = next(_EPOCHS), next(_EPOCHS)
        return twin

    def apply(self, changes: Iterable[Entry], layer: int) -> None:
        """Lay a layer over the tree; `layer` is the number its entries get."""
        upper = _Layer(self, layer)
        for change in changes:
            upper.add(change)
        self._bind(upper)
        _inherit(self._root, upper.root)
        for hidden in upper.whiteouts:
            self._remove(parts_of(hidden))
        for emptied in upper.opaques:
            self._empty(parts_of(emptied))
        for name in [n for n in upper.root.below or () if n.startswith(AUFS)]:
            del (upper.root.below or {})[name]
        self._merge(upper.root)

    def find(self, path: bytes) -> _Node | None:
        """Return what stands at a path, following nothing."""
        return _find(self._root, parts_of(path)) if path.startswith(ROOT) else None

    def entries(self) -> Iterator[Entry]:
        """Yield the tree, a directory before what stands in it, siblings in byte order."""
        stack = [(ROOT, self._root)]
        while stack:
            path, node = stack.pop()
            yield self.placed(path, node.entry)
            if node.below:
                start = b"" if path == ROOT else path
                names = sorted(node.below, reverse=True)
                stack.extend((start + b"/" + name, node.below[name]) for name in names)

    def placed(self, path: bytes, entry: Entry) -> Entry:
        """Return an entry as it stands at `path` now; a link only of what is still the same."""
        if entry.path != path:
            entry = replace(entry, path=path)
        if entry.same_as and entry.held is not None:
            first = _find(self._root, parts_of(entry.same_as))
            if first is None or first.entry.held != entry.held or entry.same_as == path:
                entry = replace(entry, same_as=b"")
        return entry

    def _bind(self, upper: _Layer) -> None:
        """Bind links to what lower layers hold, before this layer hides any of it."""
        for node, target in upper.links:
            found = _find(self._root, parts_of(target)) or upper.find(target)
            if found is None or found.below is not None or found.pending:
                self._note(
                    f"{safe(node.entry.path, 200)} is a hard link to {safe(target, 200)}, "
                    "which is no file there"
                )
                continue
            node.entry = _linked(node.entry, found.entry)
            node.pending = False

    def _remove(self, parts: list[bytes]) -> None:
        """Remove what a whiteout hides; where nothing stands it hides nothing."""
        if parts:
            above = _find(self._root, parts[:-1])
            if above is not None and above.below and parts[-1] in above.below:
                (self._own(parts[:-1]).below or {}).pop(parts[-1])

    def _empty(self, parts: list[bytes]) -> None:
        """Remove what an opaque marker hides: all that is in a directory, and not itself."""
        found = _find(self._root, parts)
        if found is not None and found.below:
            self._own(parts).below = {}

    def _own(self, parts: list[bytes]) -> _Node:
        """Return a directory that stands there, no longer shared, nor what it stands in."""
        node = self._root = self._mine(self._root)
        for name in parts:
            below = node.below or {}
            node = below[name] = self._mine(below[name])
        return node

    def _mine(self, node: _Node) -> _Node:
        """Return a node that may be changed: itself, or a copy where others may hold it."""
        if node.epoch == self._epoch:
            return node
        copy = _Node(node.entry, implied=node.implied)
        copy.pending, copy.epoch = node.pending, self._epoch
        copy.below = None if node.below is None else dict(node.below)
        return copy

    def _merge(self, top: _Node) -> None:
        """Lay a tree over this one."""
        self._root = self._mine(self._root)
        stack = [(self._root, top)]
        while stack:
            lower, upper = stack.pop()
            if not upper.implied:
                lower.entry, lower.implied = upper.entry, False
            if lower.below is None:
                continue
            for name, node in (upper.below or {}).items():
                known = lower.below.get(name)
                if known and known.below is not None and node.below is not None:
                    known = lower.below[name] = self._mine(known)
                    stack.append((known, node))
                else:
                    lower.below[name] = node

    def spend(self, entries: int, names: int) -> None:
        """Count against the caps. Raises `LimitExceeded`."""
        self._entries_left -= entries
        self._names_left -= names
        if self._entries_left < 0:
            raise LimitExceeded(f"more than {self._max_entries} entries in all layers")
        if self._names_left < 0:
            raise LimitExceeded(f"more than {self._max_names} bytes of paths in all layers")
        if self._entries_left % _CHECK_EVERY == 0:
            self._check()

    def deep(self, path: bytes) -> None:
        """Raise `LimitExceeded` for a path with too many names."""
        if path.count(b"/") > self._max_depth:
            raise LimitExceeded(f"{safe(path, 60)} is deeper than {self._max_depth} directories")


class _Layer:
    """One layer as a tree of its own, as if it were unpacked into an empty directory."""

    def __init__(self, overlay: Overlay, number: int) -> None:
        self.root = _Node(_implied(ROOT, number), implied=True)
        self.whiteouts: list[bytes] = []
        self.opaques: list[bytes] = []
        self.links: list[tuple[_Node, bytes]] = []
        """Hard links to what this layer did not hold when they came."""
        self._overlay = overlay
        self._number = number
        self._at: tuple[bytes, _Node] = (b"", self.root)

    def add(self, change: Entry) -> None:
        """Add the next entry of the archive; of several with one path the last counts."""
        self._overlay.spend(1, len(change.path))
        self._overlay.deep(change.path)
        if change.type is EntryType.WHITEOUT:
            self.whiteouts.append(change.target)
        elif change.type is EntryType.OPAQUE:
            self.opaques.append(change.target)
        elif change.path == ROOT:
            self._describe(self.root, change)
        else:
            self._place(change)

    def find(self, path: bytes) -> _Node | None:
        """Return what stands at a path, through links of this layer on the way."""
        above, _, name = path.rpartition(b"/")
        directory = self._walk(parts_of(above or ROOT), create=False)
        return directory.below.get(name) if directory and directory.below else None

    def _place(self, change: Entry) -> None:
        above, _, name = change.path.rpartition(b"/")
        directory = self._directory(above or ROOT)
        below = directory.below
        if below is None:  # `_directory` returns directories only
            return
        known = below.get(name)
        if change.type is EntryType.DIRECTORY and known and known.below is not None:
            self._describe(known, change)
            return
        node = self._link(change, known) if change.same_as else _Node(self._numbered(change))
        if node is not None:
            below[name] = node
            if known is not None:
                self._at = (b"", self.root)

    def _link(self, change: Entry, known: _Node | None) -> _Node | None:
        """Return the node of a hard link, or None where it changes nothing."""
        target = self.find(change.same_as)
        if target is not None and target is known:
            return None
        if target is None or target.below is not None:
            node = _Node(replace(change, layer=self._number))
        else:
            node = _Node(_linked(replace(change, layer=self._number), target.entry))
        if target is None or target.below is not None or target.pending:
            node.pending = True
            first = target.entry.same_as if target and target.pending else change.same_as
            self.links.append((node, first))
        return node

    def _describe(self, node: _Node, change: Entry) -> None:
        node.entry = self._numbered(change)
        node.implied = False

    def _numbered(self, change: Entry) -> Entry:
        held = None if change.held is None else (self._number, change.held[1])
        return replace(change, layer=self._number, held=held)

    def _directory(self, path: bytes) -> _Node:
        """Return the directory at a path, made where it was not listed."""
        if self._at[0] == path:
            return self._at[1]
        node = self._walk(parts_of(path), create=True) or self.root
        self._at = (path, node)
        return node

    def _walk(self, parts: list[bytes], *, create: bool, follow: bool = True) -> _Node | None:
        """Go down to a directory, following links of this layer without leaving the root.

        Where links go round in a circle they are not followed at all.
        """
        stack, todo, hops = [self.root], parts[::-1], 0
        while todo:
            name = todo.pop()
            below = stack[-1].below
            if name in {b"", b".", b".."}:
                if name == b".." and len(stack) > 1:
                    stack.pop()
                continue
            node = below.get(name) if below is not None else None
            if node and node.entry.type is EntryType.LINK and follow:
                hops += 1
                if hops > _MAX_LINKS:
                    return self._walk(parts, create=create, follow=False)
                target = node.entry.target
                more = target.split(b"/")[::-1]
                self._overlay.spend(len(more), 0)
                stack = [self.root] if target.startswith(b"/") else stack
                todo += more
                continue
            if node is None or node.below is None:
                if not create or below is None:
                    return None
                node = below[name] = self._make(len(stack), name)
            stack.append(node)
        return stack[-1]

    def _make(self, depth: int, name: bytes) -> _Node:
        """Make a directory that nobody listed; its path is known once the tree is read."""
        self._overlay.spend(1, len(name) + depth)
        self._overlay.deep(b"/" * depth)
        return _Node(_implied(name, self._number), implied=True)


def _implied(path: bytes, layer: int | None) -> Entry:
    return Entry(path=path, type=EntryType.DIRECTORY, mode=0o755, layer=layer)


def _linked(link: Entry, target: Entry) -> Entry:
    """Return a link's entry once it is known what it links to: that file under another path."""
    same = target.same_as if target.same_as and target.held is None else link.same_as
    return replace(target, path=link.path, layer=link.layer, same_as=same)


def _find(root: _Node, parts: list[bytes]) -> _Node | None:
    """Return what stands at a path, following nothing."""
    node = root
    for name in parts:
        found = node.below.get(name) if node.below else None
        if found is None:
            return None
        node = found
    return node


def _inherit(root: _Node, top: _Node) -> None:
    """Give directories that a layer did not list the attributes they have below it.

    They keep them even where the layer then hides what was in them, as with umoci and containerd.
    """
    stack = [(root, top)]
    while stack:
        lower, upper = stack.pop()
        for name, node in (upper.below or {}).items():
            known = lower.below.get(name) if lower.below else None
            if known and known.below is not None and node.below is not None:
                if node.implied:
                    node.entry = known.entry
                stack.append((known, node))


def flatten(layers: Iterable[Iterable[Entry]], overlay: Overlay | None = None) -> Iterator[Entry]:
    """Yield the tree that layers make, bottom first; `overlay` brings limits of its own."""
    overlay = overlay or Overlay()
    for number, changes in enumerate(layers):
        overlay.apply(changes, number)
    yield from overlay.entries()
