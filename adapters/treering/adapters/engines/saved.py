"""An image as an engine saves it, read as a stream: layers scanned, documents kept, all verified.

Owns the archive of ``GET /images/{id}/get`` in its forms: Docker's with ``<id>/layer.tar`` and
links between them, Podman's with ``<digest>.tar``, and since Docker 25 an OCI layout beside the
same ``manifest.json``. Opens no connection and writes nothing.

Source: moby, image/spec/v1.2.md and image/tarexport; containers/image, docker/internal/tarfile.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from treering.core.changeset import MAX_ENTRIES
from treering.core.documents import MAX_DOCUMENT, parse_json
from treering.core.errors import Damaged, LimitExceeded, SourceError
from treering.core.ids import Digest, digest_of
from treering.core.layers import Chunks, Compression, cap_for, sniff
from treering.core.lenient import object_of, text_of, texts_of
from treering.core.scanning import Check, Scanned, content_where, scan
from treering.core.tar import BLOCK, Member, Readable, Scanner, Type, is_header

MAX_MEMBERS = 100_000
"""Most files of a saved image."""
MAX_KEPT = 64 * 1024 * 1024
"""Most bytes of documents kept of one."""
_MAX_LINKS = 8
_MAX_NESTED = 1000
_BLOBS = "blobs/sha256/"


@dataclass(frozen=True, slots=True)
class SavedLayer:
    """A layer of a saved image: its file in the archive, and what it was found to hold.

    `scanned` is None for a layer that the engine leaves out, as it does foreign ones.
    """

    name: str
    diff_id: Digest
    scanned: Scanned | None


@dataclass(slots=True)
class _Archive:
    """What one pass over the archive found; of a name that stands twice the last counts."""

    documents: dict[str, bytes] = field(default_factory=dict)
    layers: dict[str, Scanned] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    room: int = MAX_KEPT
    entries: int = MAX_ENTRIES

    def real(self, name: str) -> str:
        """Return the file that a name leads to through links inside the archive."""
        for _ in range(_MAX_LINKS):
            if name not in self.links:
                break
            name = self.links[name]
        return name


def read_image(file: Readable, image: Digest, what: str, check: Check) -> list[SavedLayer]:
    """Return the layers of `image` from the archive in `file`, bottom first, all verified.

    Raises `Damaged` when it is another image, or a layer is not what its config says, and
    `LimitExceeded`.
    """
    archive = _Archive()
    scanner = Scanner(file, what, seek=False, max_entries=MAX_MEMBERS, check=check)
    for member in scanner:
        _take(archive, scanner, member, check)
    names, diff_ids = _listed(archive, image, what)
    return [_layer(archive, name, d, what) for name, d in zip(names, diff_ids, strict=True)]


def layer_content(
    file: Readable, name: str, offset: int, what: str, check: Check
) -> Iterator[bytes]:
    """Yield the content at an offset of one layer unpacked, from a second pass over the archive."""
    scanner = Scanner(file, what, seek=False, max_entries=MAX_MEMBERS, check=check)
    for member in scanner:
        if _clean(member.name) == name and member.type is Type.FILE:
            yield from content_where(
                Chunks(scanner.chunks()),
                name,
                lambda found: found.offset == offset,
                cap=cap_for(member.size),
                check=check,
            )
            return
    raise Damaged(f"{what} no longer holds {name}")


def _clean(name: bytes) -> str:
    parts = name.decode("utf-8", "surrogateescape").split("/")
    return "/".join(part for part in parts if part not in {"", "."})


def _take(archive: _Archive, scanner: Scanner, member: Member, check: Check) -> None:
    """Note a link, keep a document, scan a layer, pass over anything else."""
    name = _clean(member.name)
    if member.type is Type.SYMLINK:
        target = _clean(member.linkname)
        archive.links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    elif member.type is Type.HARDLINK:
        archive.links[name] = _clean(member.linkname)
    elif member.type is Type.FILE and member.regions is None:
        chunks = scanner.chunks()
        first = next(chunks, b"")
        if first[:1] in {b"{", b"["} and member.size <= min(MAX_DOCUMENT, archive.room):
            archive.documents[name] = b"".join(chain([first], chunks))
            archive.room -= member.size
        elif _is_layer(first):
            rest = Chunks(chain([first], chunks))
            found = scan(
                rest, name, cap=cap_for(member.size), check=check, max_entries=archive.entries
            )
            archive.entries -= len(found.changes)
            archive.layers[name] = found


def _is_layer(first: bytes) -> bool:
    block = first[:BLOCK]
    empty = len(block) == BLOCK and not block.strip(b"\0")
    return empty or is_header(block) or sniff(first) is not Compression.NONE


def _listed(archive: _Archive, image: Digest, what: str) -> tuple[list[str], list[Digest]]:
    """Return the files and the diff ids of the image's layers."""
    data = archive.documents.get("manifest.json")
    if data is None:
        raise Damaged(f"{what} holds no manifest.json")
    value = parse_json(data, f"manifest.json of {what}")
    for entry in map(object_of, value if isinstance(value, list) else ()):
        config = archive.real(text_of(entry.get("Config")))
        stored = archive.documents.get(config)
        if stored is not None and _belongs(archive, image, digest_of(stored)):
            names = [archive.real(name) for name in texts_of(entry.get("Layers"))]
            diff_ids = _diff_ids(stored, config)
            if len(names) != len(diff_ids):
                raise Damaged(f"{what} lists {len(names)} layers, its config {len(diff_ids)}")
            return names, diff_ids
    raise Damaged(f"{what} holds no image with the digest {image}")


def _belongs(archive: _Archive, image: Digest, config: Digest) -> bool:
    """Tell whether `image` is this config, or a manifest or index that leads to it."""
    todo, seen = [str(image)], 0
    while todo and seen < _MAX_NESTED:
        digest = todo.pop()
        seen += 1
        if digest == config:
            return True
        data = archive.documents.get(_BLOBS + digest.removeprefix("sha256:"))
        if data is None or digest_of(data) != digest:
            continue
        try:
            value = object_of(parse_json(data, digest))
        except SourceError:
            continue
        children = value.get("manifests")
        found = [object_of(value.get("config"))]
        found += map(object_of, children if isinstance(children, list) else ())
        todo += [text_of(one.get("digest")) for one in found[:_MAX_NESTED]]
    return False


def _diff_ids(config: bytes, name: str) -> list[Digest]:
    rootfs: Any = object_of(parse_json(config, name)).get("rootfs")
    return [Digest(text) for text in texts_of(object_of(rootfs).get("diff_ids"))]


def _layer(archive: _Archive, name: str, diff_id: Digest, what: str) -> SavedLayer:
    """Return a layer, verified. Raises what is wrong with it."""
    found = archive.layers.get(name)
    if found is None:
        return SavedLayer(name, diff_id, None)
    if found.failure is not None:
        raise type(found.failure)(f"{what}: {found.failure.message}") from found.failure
    if found.hashed.capped:
        raise LimitExceeded(f"{what}: {name}: {found.hashed.fault}")
    if found.hashed.diff_id != diff_id:
        raise Damaged(
            f"{what}: {name}: diff id mismatch, unpacks to {found.hashed.diff_id}, not {diff_id}"
        )
    return SavedLayer(name, diff_id, found)


Progress = Callable[[int], None]


class Counted:
    """A stream of bytes that is counted, and ends with `LimitExceeded` above a limit."""

    def __init__(self, parts: Iterator[bytes], limit: int, what: str, tell: Progress) -> None:
        self._chunks = Chunks(self._count(parts, limit, what))
        self._tell = tell

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, b"" at the end."""
        return self._chunks.read(size)

    def _count(self, parts: Iterator[bytes], limit: int, what: str) -> Iterator[bytes]:
        done = told = 0
        for part in parts:
            done += len(part)
            if done > limit:
                raise LimitExceeded(f"{what} has more than {limit} bytes")
            if done - told >= _TELL_EVERY:
                told = done
                self._tell(done)
            yield part


_TELL_EVERY = 4 * 1024 * 1024
