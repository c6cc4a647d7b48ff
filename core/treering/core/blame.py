"""Which layer or commit brought a path, and which changed it last.

Owns what counts as touching a path: standing in a layer, being hidden by it, or differing from the
parent commit. Asks systems through the shelf only; never call it from a thread that must not wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from treering.core import ids, opening, steps
from treering.core.diff.layers import layers_of
from treering.core.diff.sides import Side, side_of
from treering.core.errors import NotRecognised, SourceError, UsageError
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.lenient import object_of, text_of
from treering.core.ports import ReadContext, Tree
from treering.core.shelf import Shelf
from treering.core.text import Safe, safe
from treering.core.trees import ROOT, Entry, EntryType, parent_of

MAX_COMMITS = 10_000
"""Most commits looked at."""
_NONE = Safe("")


class Touch(StrEnum):
    """What a layer or commit did to a path."""

    BROUGHT = "brought"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Touched:
    """A layer or commit that touched a path.

    `position` counts layers from 0 at the bottom. `step` is the history entry that made the layer,
    or the subject of the commit; `source` the git commit a commit was built from.
    """

    by: NodeId
    what: Touch
    position: int | None = None
    step: Safe = _NONE
    created: Safe = _NONE
    source: NodeId | None = None


@dataclass(frozen=True, slots=True)
class Blame:
    """Who touched a path, the last first; `exists` tells whether it is there now.

    `whole` is false where only the last touch is known.
    """

    path: bytes
    version: NodeId
    exists: bool
    touched: tuple[Touched, ...]
    whole: bool = True
    notes: tuple[Safe, ...] = ()


def normal_path(text: str) -> bytes:
    """Return a path as trees have it. Raises `UsageError` for one that is not absolute."""
    parts = [part for part in text.encode("utf-8", "surrogateescape").split(b"/") if part]
    if not text.startswith("/") or b".." in parts:
        raise UsageError(f"{safe(text, 200)} is not an absolute path")
    return b"/" + b"/".join(part for part in parts if part != b".")


def blame(graph: Graph, shelf: Shelf, path: bytes, node: NodeId, context: ReadContext) -> Blame:
    """Return who touched `path` in the version a node stands for.

    Raises `UsageError` for a path nobody touched, `KeyError` for a node the graph does not hold,
    `SourceError` and `Cancelled`.
    """
    side = side_of(graph, node)
    if side.kind is Kind.COMMIT:
        found = _of_commit(graph, shelf, path, side.version, context)
    elif side.kind is Kind.IMAGE:
        found = _of_image(graph, shelf, path, side, context)
    else:
        raise UsageError(
            f"a {side.kind.value} has no history to blame", "name an image or a commit"
        )
    if not found.touched and not found.exists:
        raise UsageError(f"{safe(path, 200)} is not in {side.label} and never was")
    return found


def _entry(tree: Tree, path: bytes) -> Entry | None:
    try:
        return tree.entry(path)
    except KeyError:
        return None


# -- images ----------------------------------------------------------------------------------


def _of_image(graph: Graph, shelf: Shelf, path: bytes, side: Side, context: ReadContext) -> Blame:
    image = side.version
    wanted = opening.candidates(graph, image)[:1]
    now = shelf.use(wanted, context, lambda tree: _entry(tree, path)).value
    made = _steps(graph, image)
    notes: tuple[Safe, ...] = ()
    try:
        touches = list(_through_layers(graph, shelf, path, image, context))
        whole = True
    except SourceError as error:
        # Engines open images and not single layers; the flattened tree tells the last one.
        why = error.message if not isinstance(error, NotRecognised) else "no layer can be opened"
        touches = [(now.layer, Touch.CHANGED)] if now and now.layer is not None else []
        whole, notes = False, (safe(f"only the last layer is known: {why}"),)
    layers = layers_of(graph, image)
    touched = tuple(
        Touched(ids.layer(layers[at]), what, at, *made.get(at, (_NONE, _NONE)))
        for at, what in reversed(touches)
        if at < len(layers)
    )
    return Blame(path, image, now is not None, touched, whole, notes)


def _through_layers(
    graph: Graph, shelf: Shelf, path: bytes, image: NodeId, context: ReadContext
) -> Iterator[tuple[int, Touch]]:
    """Yield which layers touched a path, the lowest first. Raises `SourceError`."""
    there = False
    for position, diff_id in enumerate(layers_of(graph, image)):
        context.check()
        layer = ids.layer(diff_id)
        if layer not in graph:
            raise NotRecognised(f"no source here holds layer {position + 1}")
        wanted = opening.candidates(graph, layer)[:1]
        what = shelf.use(wanted, context, lambda tree: _in_layer(tree, path)).value
        if what is EntryType.WHITEOUT:
            if there:
                yield position, Touch.REMOVED
            there = False
        elif what is not None:
            yield position, Touch.CHANGED if there else Touch.BROUGHT
            there = True


def _in_layer(tree: Tree, path: bytes) -> EntryType | None:
    """Return what a layer has at a path; a whiteout where it hides that or what it stands in."""
    own = _entry(tree, path)
    if own is not None:
        return own.type
    return EntryType.WHITEOUT if any(_hides(tree, at) for at in _upwards(path)) else None


def _upwards(path: bytes) -> Iterator[bytes]:
    """Yield a path and the directories it stands in, the root left out."""
    while path != ROOT:
        yield path
        path = parent_of(path)


def _hides(tree: Tree, path: bytes) -> bool:
    """Tell whether a layer hides what lower ones have at a path, by a marker beside it."""
    parent = _entry(tree, parent_of(path))
    if parent is None:
        return False
    if parent.type is not EntryType.DIRECTORY:
        return True
    return any(
        child.type is EntryType.OPAQUE
        or (child.type is EntryType.WHITEOUT and child.target == path)
        for child in tree.children(parent.path)
    )


def _steps(graph: Graph, image: NodeId) -> dict[int, tuple[Safe, Safe]]:
    """Return what made each layer of an image, and when."""
    history = graph.attrs(image).get("history")
    found: dict[int, tuple[Safe, Safe]] = {}
    for entry in map(object_of, history if isinstance(history, list) else ()):
        position = entry.get("layer")
        if isinstance(position, int):
            said = steps.words(text_of(entry.get("created_by")))
            created = safe(text_of(entry.get("created")), 64)
            found[position] = (said or safe(text_of(entry.get("comment")), 500), created)
    return found


# -- commits ---------------------------------------------------------------------------------


def _of_commit(
    graph: Graph, shelf: Shelf, path: bytes, start: NodeId, context: ReadContext
) -> Blame:
    at, whole = start, True
    notes: tuple[Safe, ...] = ()
    now = entry = _in_commit(graph, shelf, path, start, context)
    for _ in range(MAX_COMMITS):
        context.check()
        parent = _parent(graph, at)
        if parent is None:
            break
        try:
            before = _in_commit(graph, shelf, path, parent, context)
        except SourceError as error:
            notes = (safe(f"the history ends at {ids.short(at)}: {error.message}"),)
            whole = False
            break
        if before is None and entry is None:
            at = parent
            continue
        if before is None or entry is None or before != entry:
            what = Touch.BROUGHT if before is None else Touch.CHANGED
            what = Touch.REMOVED if entry is None else what
            return Blame(path, start, now is not None, (_commit(graph, at, what),), whole, notes)
        at = parent
    touched = (_commit(graph, at, Touch.BROUGHT),) if entry is not None else ()
    if touched and whole:
        notes = (safe(f"{ids.short(at)} is the oldest commit known here, and has it"),)
    return Blame(path, start, now is not None, touched, whole, notes)


_Seen = tuple[object, ...]


def _in_commit(
    graph: Graph, shelf: Shelf, path: bytes, commit: NodeId, context: ReadContext
) -> _Seen | None:
    """Return what stands at a path in a commit, so that equal things are equal."""
    wanted = opening.candidates(graph, commit)[:1]
    return shelf.use(wanted, context, lambda tree: _seen(tree, path)).value


def _seen(tree: Tree, path: bytes) -> _Seen | None:
    entry = _entry(tree, path)
    if entry is None:
        return None
    below = tree.subtree(path) if entry.type is EntryType.DIRECTORY else None
    return (
        entry.type, entry.mode, entry.uid, entry.gid, entry.size, entry.target,
        entry.device, entry.xattrs, entry.digest, below,
    )  # fmt: skip


def _parent(graph: Graph, commit: NodeId) -> NodeId | None:
    parents = [e.end for e in graph.edges_from(commit, frozenset({EdgeKind.PARENT})) if not e.gone]
    return parents[0] if parents and graph.knows(parents[0]) else None


def _commit(graph: Graph, commit: NodeId, what: Touch) -> Touched:
    attrs = graph.attrs(commit)
    sources = graph.edges_from(commit, frozenset({EdgeKind.BUILT_FROM}))
    when = attrs.get("timestamp")
    return Touched(
        commit,
        what,
        None,
        safe(text_of(attrs.get("subject")) or text_of(attrs.get("version")), 500),
        safe(str(when)) if isinstance(when, int) else _NONE,
        sources[0].end if len(sources) == 1 else None,
    )
