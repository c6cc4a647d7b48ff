"""Opening single images and layers: their files, and the documents behind a node.

Owns finding, for one node, the stored layers and documents it has here (`core.ports.Opener`).
Reads the source for itself, so that it may be asked at any time and from any thread; what it
found is kept while the list of images does not change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from treering.adapters.oci.blobs import Blobs, blob_name
from treering.adapters.oci.catalog import Catalog, Draft
from treering.adapters.oci.documents import Documents
from treering.adapters.oci.papers import Papers
from treering.adapters.oci.stacks import Stacks
from treering.adapters.oci.trees import Open, Shelf, Shelved, content, in_order
from treering.adapters.oci.verify import Job, Stored
from treering.core import ids
from treering.core.errors import Damaged, NotRecognised, SourceError, Unreachable
from treering.core.ids import Digest, Kind, NodeId
from treering.core.layered import LayeredTree
from treering.core.layerindex import LayerIndex
from treering.core.overlay import Overlay
from treering.core.ports import Document, ReadContext, Tree
from treering.core.scanning import Check
from treering.core.text import Safe
from treering.core.trees import Entry, EntryType, MemoryTree

Gather = Callable[[Documents, Catalog, Check], None]

_LISTS = ("index.json", "manifest.json", "repositories", "oci-layout")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the documents say, and when the list of images was last written."""

    stamp: tuple[object, ...]
    catalog: Catalog
    documents: Documents


class Browser:
    """Opens nodes of one source. `open_blobs` and `gather` are the reader's.

    `index` remembers layers on disk.
    """

    def __init__(
        self,
        source: Safe,
        open_blobs: Open,
        gather: Gather,
        alive: Check,
        index: LayerIndex | None = None,
    ) -> None:
        self._source = source
        self._open = open_blobs
        self._gather = gather
        self._alive = alive
        self._shelf = Shelf(index=index)
        self._stacks = Stacks()
        self._lock = threading.Lock()
        self._known: _Known | None = None

    def open_tree(self, node: NodeId, context: ReadContext) -> Tree:
        """Return the files of an image, flattened, or of a layer; as `core.ports.Opener` says."""
        check = self._checker(context)
        check()
        with self._open(check) as blobs:
            catalog = self._read(blobs, context, check).catalog
            kind = ids.kind_of(node)
            if kind is Kind.IMAGE and node in catalog.nodes:
                return self._image(blobs, catalog, node, context, check)
            diff_id = Digest(ids.content_of(node))
            if kind is Kind.LAYER and diff_id in catalog.layers:
                scanned = self._scan(blobs, catalog, diff_id, check)
                if scanned is None:
                    raise Unreachable(f"{node} is not stored in {self._source}", _FOREIGN)
                return self._layer(scanned, context)
        raise NotRecognised(f"{self._source} holds no files of {node}")

    def documents(self, node: NodeId, context: ReadContext) -> Sequence[Document]:
        """Return the documents behind a node; as `core.ports.Opener` says."""
        check = self._checker(context)
        check()
        with self._open(check) as blobs:
            known = self._read(blobs, context, check)
            return Papers(blobs, known.catalog, known.documents.loaded).of(node)

    def _checker(self, context: ReadContext) -> Check:
        def check() -> None:
            self._alive()
            context.check()

        return check

    def _read(self, blobs: Blobs, context: ReadContext, check: Check) -> _Known:
        """Return what the documents say. Trouble with them was told when the source was read."""
        stamp = tuple(blobs.stamp(name) for name in _LISTS)
        with self._lock:
            if self._known is not None and self._known.stamp == stamp:
                return self._known
        aside = ReadContext(clock=context.clock, cancelled=context.cancelled)
        found = Documents(blobs, aside, check)
        catalog = Catalog(self._source, context.clock.now())
        self._gather(found, catalog, check)
        known = _Known(stamp, catalog, found)
        if not aside.problems:
            with self._lock:
                self._known = known
        return known

    # -- trees ---------------------------------------------------------------------------

    def _image(
        self, blobs: Blobs, catalog: Catalog, node: NodeId, context: ReadContext, check: Check
    ) -> LayeredTree:
        diff_ids = self._diff_ids(node, catalog.nodes[node])
        stack = self._stacks.begin(note=context.note, check=check)
        layers: dict[int, Shelved] = {}
        found = in_order(
            lambda diff_id, go_on: self._scan(blobs, catalog, diff_id, go_on), diff_ids, check
        )
        for at, (diff_id, scanned) in enumerate(zip(diff_ids, found, strict=True)):
            check()
            context.progress(at, len(diff_ids), "layers")
            if scanned is None:
                context.note(
                    f"layer {at + 1} of {len(diff_ids)}, {diff_id}, is not stored here on "
                    "purpose: what it holds is missing"
                )
            else:
                for text in scanned.notes:
                    context.note(text)
                layers[at] = scanned
            stack.lay(diff_id, scanned.changes if scanned else None)
        if diff_ids and not layers:
            raise Unreachable(f"none of the layers of {node} is stored in {self._source}", _FOREIGN)
        context.progress(len(diff_ids), len(diff_ids), "layers")
        return LayeredTree(stack.finish(), self._content(layers))

    @staticmethod
    def _diff_ids(node: NodeId, draft: Draft) -> list[Digest]:
        if "damaged" in draft.attrs:
            raise Damaged(f"{node}: {draft.attrs['damaged']}")
        if "artifact_type" in draft.attrs and "layers" not in draft.attrs:
            raise NotRecognised(
                f"{node} holds no files: it is an artifact, {draft.attrs['artifact_type']}"
            )
        return list(draft.attrs.get("layers", ()))

    def _layer(self, scanned: Shelved, context: ReadContext) -> MemoryTree:
        for text in scanned.notes:
            context.note(text)
        overlay = Overlay()
        overlay.apply(scanned.changes, 0)
        return MemoryTree(_with_markers(overlay, scanned), self._content({0: scanned}))

    def _content(self, layers: dict[int, Shelved]) -> Callable[[Entry, int], bytes]:
        def read(entry: Entry, limit: int) -> bytes:
            return content(self._open, self._shelf, layers, entry, limit, check=self._alive)

        return read

    def _scan(
        self, blobs: Blobs, catalog: Catalog, diff_id: Digest, check: Check
    ) -> Shelved | None:
        """Return the first good copy of a layer, or None where it is elsewhere on purpose."""
        stored = list(catalog.layers[diff_id].stored.values())
        failure: SourceError | None = None
        for copy in stored:
            try:
                _present(copy, diff_id)
                if not copy.absent:
                    return self._shelf.layer(blobs, Job(copy, diff_id), check)
            except SourceError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        if not stored:
            raise Unreachable(f"layer {diff_id} is not stored in {self._source}")
        return None


_FOREIGN = "its manifest says where it is to be fetched from"


def _present(stored: Stored, diff_id: Digest) -> None:
    """Raise what is known to be wrong with a stored layer before it is read."""
    if stored.fault:
        raise Damaged(f"layer {diff_id}, {stored.name}: {stored.fault}")
    if "+encrypted" in stored.media_type:
        raise NotRecognised(f"layer {diff_id}, {blob_name(diff_id)}, is encrypted")


def _with_markers(overlay: Overlay, scanned: Shelved) -> Iterator[Entry]:
    """Yield the entries of a layer, and its whiteouts under the names they are stored by."""
    yield from overlay.entries()
    for change in scanned.changes:
        if change.type in {EntryType.WHITEOUT, EntryType.OPAQUE}:
            yield change
