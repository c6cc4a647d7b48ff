"""The documents behind a node, byte for byte: manifests, configs, indexes and statements.

Owns which blobs belong to an image, an index or an attestation, the most telling first. Each is
checked against its digest before it is returned; what they mean is for `layout` and `images`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence

from treering.adapters.oci.blobs import Blobs, blob_name
from treering.adapters.oci.catalog import Catalog
from treering.adapters.oci.documents import Loaded
from treering.adapters.oci.manifests import EMPTY, Descriptor, Manifest, check_bytes
from treering.core import ids
from treering.core.documents import MAX_DOCUMENT, parse_json
from treering.core.errors import Damaged, SourceError, Unreachable
from treering.core.ids import Digest, Kind, NodeId, digest_of
from treering.core.lenient import text_of
from treering.core.ports import Document
from treering.core.text import safe

MAX_BLOBS = 32
"""Most blobs of one artifact shown as documents."""
_OLD_ID = re.compile(r"[0-9a-f]{64}")
_JSON = "application/json"
_PREDICATES = ("in-toto.io/predicate-type", "predicateType")


class Papers:
    """Finds the documents of nodes in a source that was read."""

    def __init__(self, blobs: Blobs, catalog: Catalog, loaded: Mapping[Digest, Loaded]) -> None:
        self._blobs = blobs
        self._catalog = catalog
        self._loaded = loaded

    def of(self, node: NodeId) -> Sequence[Document]:
        """Return the documents of a node, none for kinds that have none. Raises `SourceError`."""
        if node not in self._catalog.nodes:
            return ()
        kind = ids.kind_of(node)
        if kind is Kind.IMAGE:
            return tuple(self._image(node))
        if kind in {Kind.INDEX, Kind.ATTESTATION}:
            return tuple(self._listed(Digest(ids.content_of(node))))
        return ()

    def _image(self, node: NodeId) -> Iterator[Document]:
        digest = Digest(ids.content_of(node))
        manifests = self._catalog.nodes[node].attrs.get("manifests", ())
        if digest in self._loaded:  # an artifact goes by its manifest
            yield from self._listed(digest)
            return
        configs: dict[Digest, Descriptor] = {}
        for name in manifests:
            found = self._loaded[name]
            yield self._document("manifest", found.descriptor)
            if isinstance(found.document, Manifest) and found.document.config:
                configs.setdefault(found.document.config.digest, found.document.config)
        for config in configs.values():
            yield self._document("config", config)
        if not manifests:
            yield self._docker_config(node, digest)
            if self._blobs.size("manifest.json") is not None:
                data = self._blobs.read("manifest.json", MAX_DOCUMENT)
                yield Document(safe("manifest.json"), safe(_JSON), data)

    def _listed(self, digest: Digest) -> Iterator[Document]:
        """Yield an index, or an artifact's manifest and its blobs."""
        found = self._loaded.get(digest)
        if found is None:
            raise Unreachable(f"{blob_name(digest)} is not here")
        document = found.document
        if not isinstance(document, Manifest):
            yield self._document("index", found.descriptor)
            return
        yield self._document("manifest", found.descriptor)
        blobs = list(document.layers)
        if document.config and document.config.media_type != EMPTY:
            blobs.insert(0, document.config)
        for blob in blobs[:MAX_BLOBS]:
            if blob.size <= MAX_DOCUMENT and self._blobs.size(blob_name(blob.digest)) is not None:
                yield from self._statement(blob)

    def _statement(self, blob: Descriptor) -> Iterator[Document]:
        """Yield a blob of an artifact, and before an envelope what is in it."""
        kind = next((blob.annotations[k] for k in _PREDICATES if k in blob.annotations), "")
        stored = self._document(kind or blob.media_type or "blob", blob)
        payload = _payload(stored.data)
        if payload is not None:
            yield Document(safe(f"statement in {stored.name}", 300), safe(_JSON), payload)
        yield stored

    def _document(self, name: str, descriptor: Descriptor) -> Document:
        where = blob_name(descriptor.digest)
        data = self._blobs.read(where, MAX_DOCUMENT)
        try:
            check_bytes(data, descriptor)
        except Damaged as error:
            raise Damaged(f"{where}: {error.message}") from error
        return Document(safe(name, 300), safe(descriptor.media_type or _JSON, 300), data)

    # -- Docker archives -----------------------------------------------------------------

    def _docker_config(self, node: NodeId, digest: Digest) -> Document:
        """Return the config of an image without a manifest, known by its digest alone."""
        for name in self._config_names(node, digest):
            if self._blobs.size(name) is None:
                continue
            data = self._blobs.read(name, MAX_DOCUMENT)
            if digest_of(data) == digest:
                return Document(safe("config"), safe(_JSON), data)
        raise Damaged(f"no config here has the digest {digest}")

    def _config_names(self, node: NodeId, digest: Digest) -> Iterator[str]:
        """Yield where the config may be, the likely names first."""
        number = digest.partition(":")[2]
        yield f"{number}.json"
        yield blob_name(digest)
        for name in self._catalog.nodes[node].names:
            if _OLD_ID.fullmatch(name):
                yield f"{name}/json"
        if self._blobs.size("manifest.json") is not None:
            listed = parse_json(self._blobs.read("manifest.json", MAX_DOCUMENT), "manifest.json")
            for entry in listed if isinstance(listed, list) else ():
                if isinstance(entry, dict) and isinstance(entry.get("Config"), str):
                    yield entry["Config"]


def _payload(data: bytes) -> bytes | None:
    """Return what a DSSE envelope or a bundle holds, or None for anything else."""
    try:
        value = parse_json(data, "the envelope")
    except SourceError:
        return None
    if not isinstance(value, dict):
        return None
    inner = value.get("dsseEnvelope")
    payload = text_of((inner if isinstance(inner, dict) else value).get("payload"))
    try:
        return base64.b64decode(payload, validate=True) or None
    except (binascii.Error, ValueError):
        return None
