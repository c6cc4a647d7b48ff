"""An OCI image layout, document by document.

Owns the shapes of descriptors, configs, manifests and indexes (image-spec: descriptor.md,
config.md, manifest.md, image-index.md, image-layout.md). Documents are JSON with sorted keys, so
that their digests depend on what they say alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from treering.adapters.demo import stored
from treering.adapters.demo.items import Item, with_parents
from treering.adapters.demo.store import Store
from treering.adapters.demo.tar import archive
from treering.adapters.demo.times import text_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
REF_NAME = "org.opencontainers.image.ref.name"

Descriptor = dict[str, Any]

_WRAP: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (f"{LAYER}+gzip", stored.gzip),
    "zstd": (f"{LAYER}+zstd", stored.zstd),
    "plain": (LAYER, bytes),
}


def digest_of(data: bytes) -> str:
    """Return the sha256 digest of `data`."""
    return "sha256:" + sha256(data).hexdigest()


def document(value: Any) -> bytes:
    """Return a JSON document in the one form this world writes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: its tar, how it is stored, and the command that made it."""

    tar: bytes
    command: str
    time: int
    how: str = "gzip"
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def diff_id(self) -> str:
        """The digest of the tar."""
        return digest_of(self.tar)


def layer(items: Sequence[Item], command: str, time: int, how: str = "gzip") -> Layer:
    """Return a layer of `items`, missing directories added."""
    return Layer(archive(with_parents(list(items)), time), command, time, how)


@dataclass(frozen=True, slots=True)
class Image:
    """An image for one platform: layers bottom first, steps without a layer, configuration.

    `settings` are history commands that made no layer; they follow the last layer of their
    image. `base` is the image it was built on, whose layers and history come first.
    """

    layers: tuple[Layer, ...]
    time: int
    settings: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    architecture: str = "amd64"
    base: Image | None = None

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """The layers of the bases and its own, bottom first."""
        return (self.base.all_layers if self.base else ()) + self.layers

    @property
    def all_labels(self) -> dict[str, str]:
        """Its labels; builders copy those of the base."""
        return {**(self.base.all_labels if self.base else {}), **self.labels}

    def history(self) -> list[dict[str, Any]]:
        """Return the steps that made it, oldest first."""
        steps = self.base.history() if self.base else []
        for made in self.layers:
            steps.append(_step(made.command, made.time))
        return steps + [
            _step(command, self.time) | {"empty_layer": True} for command in self.settings
        ]

    def document(self) -> bytes:
        """Return the image's config document."""
        inherited = self.base.config if self.base else {}
        config = {**inherited, **self.config}
        if self.all_labels:
            config["Labels"] = self.all_labels
        return document(
            {
                "architecture": self.architecture,
                "config": config,
                "created": text_of(self.time),
                "history": self.history(),
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": [m.diff_id for m in self.all_layers]},
            }
        )


def _step(command: str, time: int) -> dict[str, Any]:
    return {"created": text_of(time), "created_by": command, "comment": "buildkit.dockerfile.v0"}


class Layout:
    """An OCI image layout being written."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._entries: list[Descriptor] = []

    def blob(self, data: bytes, media_type: str) -> Descriptor:
        """Write a blob and return its descriptor."""
        digest = digest_of(data)
        self.store.put(f"blobs/sha256/{digest.removeprefix('sha256:')}", data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def image(self, image: Image) -> Descriptor:
        """Write an image with its layers and return its manifest's descriptor."""
        layers = []
        for made in image.all_layers:
            media_type, wrap = _WRAP[made.how]
            descriptor = self.blob(wrap(made.tar), media_type)
            if made.annotations:
                descriptor["annotations"] = dict(made.annotations)
            layers.append(descriptor)
        return self.manifest(self.blob(image.document(), CONFIG), layers, image.annotations)

    def manifest(
        self,
        config: Descriptor,
        layers: Sequence[Descriptor],
        annotations: Mapping[str, str],
        **more: Any,
    ) -> Descriptor:
        """Write a manifest and return its descriptor; `more` are further fields of it."""
        value = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        if annotations:
            value["annotations"] = dict(annotations)
        return self.blob(document({**value, **more}), MANIFEST)

    def index(self, manifests: Sequence[Descriptor]) -> Descriptor:
        """Write an index of `manifests` and return its descriptor."""
        value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(manifests)}
        return self.blob(document(value), INDEX)

    def tag(self, name: str, descriptor: Descriptor) -> None:
        """List `descriptor` under a name in the layout's own index."""
        self._entries.append({**descriptor, "annotations": {REF_NAME: name}})

    def list(self, descriptor: Descriptor) -> None:
        """List `descriptor` without a name, as referrers are."""
        self._entries.append(descriptor)

    def finish(self) -> None:
        """Write the layout's index and its version file."""
        value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self._entries}
        self.store.put("index.json", document(value))
        self.store.put("oci-layout", document({"imageLayoutVersion": "1.0.0"}))
