"""Opening single images and containers of an engine: their files and their inspections.

Owns which request opens which node, and the trees made of the answers. Files come as a stream
that is scanned once to list them and once more for the content of a file; nothing is unpacked to
a disk. Connections are the reader's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from treering.adapters.engines.saved import Counted, SavedLayer, layer_content, read_image
from treering.adapters.engines.trouble import NoSuchObject
from treering.core import ids
from treering.core.errors import Damaged, NotRecognised
from treering.core.ids import Digest, Kind, NodeId, digest_of
from treering.core.overlay import Overlay
from treering.core.ports import Document, ReadContext
from treering.core.scanning import Check, content_where, first, scan
from treering.core.text import Safe, safe
from treering.core.trees import Entry, MemoryTree

if TYPE_CHECKING:
    from treering.adapters.engines.client import EngineClient

MAX_STREAM = 16 * 1024 * 1024 * 1024
"""Most bytes of one image or container read as a stream."""

T = TypeVar("T")
_CONTAINER = re.compile("[0-9a-f]{64}")
_JSON = safe("application/json")


class Browser:
    """Opens nodes of one engine.

    `ask` calls a function with a connected client, in a thread that may be given up, and passes
    it the check to call between chunks.
    """

    def __init__(
        self,
        source: Safe,
        ask: Callable[[ReadContext, Callable[[EngineClient, Check], object]], object],
    ) -> None:
        self._source = source
        self._ask = ask

    def open_tree(self, node: NodeId, context: ReadContext) -> MemoryTree:
        """Open the files of an image, flattened, or of a container as it is now."""
        kind = ids.kind_of(node)
        if kind is Kind.IMAGE:
            return self._image(Digest(ids.content_of(node)), context)
        if kind is Kind.CONTAINER:
            return self._container(self._container_of(node), context)
        raise NotRecognised(f"{self._source} opens the files of images and containers, not {node}")

    def documents(self, node: NodeId, context: ReadContext) -> tuple[Document, ...]:
        """Return what the engine says of an image, an index or a container."""
        kind = ids.kind_of(node)
        try:
            if kind in {Kind.IMAGE, Kind.INDEX}:
                image = Digest(ids.content_of(node))
                data = self._call(context, lambda client, _check: client.image_text(image))
            elif kind is Kind.CONTAINER:
                name = self._container_of(node)
                data = self._call(context, lambda client, _check: client.container_text(name))
            else:
                return ()
        except NoSuchObject:
            return ()
        return (Document(safe("inspect"), _JSON, data),)

    def _container_of(self, node: NodeId) -> str:
        source, _, name = ids.content_of(node).rpartition("/")
        if source != self._source or not _CONTAINER.fullmatch(name):
            raise NoSuchObject(f"{node} is no container of {self._source}")
        return name

    def _call(self, context: ReadContext, call: Callable[[EngineClient, Check], T]) -> T:
        return self._ask(context, call)  # type: ignore[return-value]  # what `call` returned

    # -- images --------------------------------------------------------------------------

    def _image(self, image: Digest, context: ReadContext) -> MemoryTree:
        what = f"image {image} as {self._source} saves it"

        def read(client: EngineClient, check: Check) -> list[SavedLayer]:
            with client.image_stream(image) as parts:
                return read_image(self._counted(parts, what, context), image, what, check)

        layers = self._call(context, read)
        overlay = Overlay(note=context.note)
        for number, layer in enumerate(layers):
            if layer.scanned is None:
                context.note(
                    f"layer {number + 1} of {len(layers)}, {layer.diff_id}, is left out by the "
                    "engine: what it holds is missing"
                )
                continue
            for text in layer.scanned.notes:
                context.note(text)
            overlay.apply(layer.scanned.changes, number)
        names = [layer.name for layer in layers]
        return MemoryTree(overlay.entries(), self._image_content(image, names, what))

    def _image_content(
        self, image: Digest, names: list[str], what: str
    ) -> Callable[[Entry, int], bytes]:
        def read(entry: Entry, limit: int) -> bytes:
            if entry.held is None:
                raise NotRecognised(f"{safe(entry.path, 200)} links to what no layer holds")
            number, offset = entry.held

            def ask(client: EngineClient, check: Check) -> bytes:
                with client.image_stream(image) as parts:
                    file = self._counted(parts, what, ReadContext())
                    return first(layer_content(file, names[number], offset, what, check), limit)

            return _checked(entry, self._call(ReadContext(), ask))

        return read

    # -- containers ----------------------------------------------------------------------

    def _container(self, name: str, context: ReadContext) -> MemoryTree:
        what = f"container {name[:12]} as {self._source} exports it"

        def read(client: EngineClient, check: Check) -> list[Entry]:
            with client.container_stream(name) as parts:
                file = self._counted(parts, what, context)
                found = scan(file, what, cap=MAX_STREAM, check=check, whiteouts=False)
            if found.failure is not None:
                raise found.failure
            for text in found.notes:
                context.note(text)
            overlay = Overlay(note=context.note, check=check)
            overlay.apply(found.changes, 0)
            return [_without_layer(entry) for entry in overlay.entries()]

        return MemoryTree(self._call(context, read), self._container_content(name, what))

    def _container_content(self, name: str, what: str) -> Callable[[Entry, int], bytes]:
        """Read by path: a running container may have changed, and is then shown as it is now."""

        def read(entry: Entry, limit: int) -> bytes:
            if entry.held is None:
                raise NotRecognised(f"{safe(entry.path, 200)} links to what is not there")
            path = (entry.same_as or entry.path).lstrip(b"/")

            def ask(client: EngineClient, check: Check) -> bytes:
                with client.container_stream(name) as parts:
                    file = self._counted(parts, what, ReadContext())
                    chunks = content_where(
                        file,
                        what,
                        lambda member: member.name.removeprefix(b"./").strip(b"/") == path,
                        cap=MAX_STREAM,
                        check=check,
                    )
                    return first(chunks, limit)

            return self._call(ReadContext(), ask)

        return read

    @staticmethod
    def _counted(parts: Iterator[bytes], what: str, context: ReadContext) -> Counted:
        return Counted(parts, MAX_STREAM, what, lambda done: context.progress(done, None, "bytes"))


def _checked(entry: Entry, data: bytes) -> bytes:
    if entry.digest and len(data) == entry.size and digest_of(data) != entry.digest:
        raise Damaged(f"the content of {safe(entry.path, 200)} is not what it was")
    return data


def _without_layer(entry: Entry) -> Entry:
    """Return an entry of a container, whose files are not told apart by layers."""
    return replace(entry, layer=None)
