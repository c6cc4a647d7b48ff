"""The documents of a layout: loaded, verified and tied together before anything is concluded.

Owns following descriptors from ``index.json`` through nested indexes to manifests, with each
document hashed before it is parsed, and the caps on depth and number. A document that is wrong
is kept as such, with the reason; the rest is read. What the documents mean is for `layout`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from treering.adapters.oci.blobs import Blobs, blob_name
from treering.adapters.oci.manifests import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    SCHEMA_1_TYPES,
    Descriptor,
    Index,
    Manifest,
    check_bytes,
    parse,
)
from treering.core.documents import MAX_DOCUMENT
from treering.core.errors import LimitExceeded, SourceError, Unreachable
from treering.core.ids import Digest
from treering.core.ports import ReadContext
from treering.core.text import safe

MAX_DEPTH = 8
"""How deep indexes may stand in indexes."""
MAX_MANIFESTS = 10_000
"""Most manifests and indexes read from one source."""


MAX_TOTAL = 256 * 1024 * 1024
"""Most bytes of documents read from one source; ten thousand real images have a third of it."""
_SHOWN = 20


@dataclass(slots=True)
class Loaded:
    """A manifest or index that something points at.

    `document` is None when it could not be read; `why` then says why, and `absent` is true when
    it simply is not here. `annotations` are those of every descriptor that points at it, and
    `parents` the indexes with such a descriptor.
    """

    descriptor: Descriptor
    document: Index | Manifest | None = None
    why: str = ""
    absent: bool = False
    annotations: dict[str, str] = field(default_factory=dict)
    parents: list[Digest] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The file that holds it."""
        return blob_name(self.descriptor.digest)


def without(name: str, message: str) -> str:
    """Return an error's message without the file's name at its start, which stands beside it."""
    return message.removeprefix(f"{name}: ").removeprefix(f"{name} ")


class Documents:
    """Reads documents of one source and remembers them by digest."""

    def __init__(self, blobs: Blobs, context: ReadContext, check: Callable[[], None]) -> None:
        self.blobs = blobs
        self.loaded: dict[Digest, Loaded] = {}
        self._context = context
        self._check = check
        self._left_out = 0
        self._room = MAX_TOTAL

    def problem(self, subject: str, why: str) -> None:
        """Record something that could not be read."""
        self._context.problem(subject, why)

    def walk(self, root: Index) -> None:
        """Load everything the root index leads to."""
        for descriptor in root.manifests:
            self._visit(descriptor, None, 1)
        if self._left_out:
            why = f"{self._left_out} manifests beyond {MAX_MANIFESTS} were not read"
            self.problem("index.json", why)
        roots = dict.fromkeys(d.digest for d in root.manifests if d.digest in self.loaded)
        absent = [self.loaded[digest] for digest in roots if self.loaded[digest].absent]
        for found in absent[:_SHOWN]:
            self.problem(found.name, "index.json lists it, and it is not here")
        if absent[_SHOWN:]:
            self.problem("index.json", f"{len(absent) - _SHOWN} more manifests are not here")

    def _visit(self, descriptor: Descriptor, parent: Digest | None, depth: int) -> None:
        self._check()
        found = self.loaded.get(descriptor.digest)
        if found is None:
            if len(self.loaded) >= MAX_MANIFESTS:
                self._left_out += 1
                return
            found = self.loaded[descriptor.digest] = Loaded(descriptor)
            self._load(found)
            self._context.progress(len(self.loaded), None, "manifests")
            if isinstance(found.document, Index):
                self._children(found, found.document, depth)
        else:
            self._compare(found, descriptor)
        for key, value in descriptor.annotations.items():
            found.annotations.setdefault(key, value)
        if parent is not None and parent not in found.parents:
            found.parents.append(parent)

    def _children(self, found: Loaded, index: Index, depth: int) -> None:
        if depth >= MAX_DEPTH and index.manifests:
            found.why = f"indexes nested deeper than {MAX_DEPTH}; what it lists was not read"
            self.problem(found.name, found.why)
            return
        for child in index.manifests:
            self._visit(child, found.descriptor.digest, depth + 1)
        self._note_absent(found, index)
        for why in index.bad:
            self.problem(found.name, why)

    def _note_absent(self, found: Loaded, index: Index) -> None:
        """Report once which entries of an index are not here; partial copies are common."""
        absent = [
            child
            for child in index.manifests
            if child.digest in self.loaded and self.loaded[child.digest].absent
        ]
        if absent:
            named = ", ".join(c.platform or c.digest for c in absent[:4])
            more = ", …" if len(absent) > 4 else ""  # noqa: PLR2004 -- a line full
            why = f"{len(absent)} of {len(index.manifests)} manifests are not here: {named}{more}"
            self.problem(found.name, why)

    def _load(self, found: Loaded) -> None:
        descriptor = found.descriptor
        media_type = descriptor.media_type
        if media_type in SCHEMA_1_TYPES:
            self._fail(found, "schema 1 is not supported")
            return
        if media_type and media_type not in INDEX_TYPES | MANIFEST_TYPES:
            self._fail(found, f"unknown media type {safe(media_type, 200)}")
            return
        try:
            data = self.fetch(descriptor)
            found.document = parse(data, found.name, media_type)
        except Unreachable:
            found.absent = True
            found.why = "it is not here"
        except SourceError as error:
            self._fail(found, str(error.message))

    def _fail(self, found: Loaded, why: str) -> None:
        found.why = without(found.name, why)
        self.problem(found.name, found.why)

    def _compare(self, found: Loaded, descriptor: Descriptor) -> None:
        """Report a second descriptor of one document that promises something else."""
        first = found.descriptor
        if descriptor.size != first.size:
            why = f"is listed with {first.size} and with {descriptor.size} bytes"
            self.problem(found.name, why)
        if descriptor.media_type and first.media_type not in {"", descriptor.media_type}:
            kinds = f"{safe(first.media_type, 200)} and {safe(descriptor.media_type, 200)}"
            self.problem(found.name, f"is listed as {kinds}")

    def fetch(self, descriptor: Descriptor) -> bytes:
        """Return a small blob whose size and digest are right.

        Raises `Unreachable` when it is not here, `Damaged`, `LimitExceeded`, `NotPermitted`.
        """
        if descriptor.size > MAX_DOCUMENT:
            raise LimitExceeded(f"has {descriptor.size} bytes, more than {MAX_DOCUMENT}")
        if descriptor.size > self._room:
            raise LimitExceeded(f"is beyond the first {MAX_TOTAL} bytes of documents")
        name = blob_name(descriptor.digest)
        try:
            data = self.blobs.read(name, MAX_DOCUMENT)
        except LimitExceeded:
            size = self.blobs.size(name) or 0
            raise LimitExceeded(f"has {size} bytes, not {descriptor.size}") from None
        self._room -= len(data)
        check_bytes(data, descriptor)
        return data
