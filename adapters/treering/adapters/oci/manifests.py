"""Manifests and indexes: models, and the checks each document passes before it is believed.

Owns the shape of OCI and Docker schema 2 documents (image-spec, descriptor.md, manifest.md,
image-index.md) and the refusal of those that could be read as two things (CVE-2021-41190). Pure:
bytes come in, models go out. Configs are `configs`, provenance is `statements`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import new as new_hash
from typing import Any

import msgspec

from treering.core.documents import parse_json
from treering.core.errors import Damaged, SourceError
from treering.core.ids import Digest, is_digest
from treering.core.lenient import labels_of, text_of
from treering.core.text import safe

INDEX_TYPES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json"
MANIFEST_TYPES = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        ARTIFACT_MANIFEST,
    }
)
SCHEMA_1_TYPES = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)
CONFIG_TYPES = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
        "application/octet-stream",
        "",
    }
)
"""Configs of images that can run; any other makes the manifest an artifact's."""
EMPTY = "application/vnd.oci.empty.v1+json"


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    size: int
    media_type: str | None = None
    artifact_type: str | None = None
    annotations: Any = None
    platform: Any = None
    urls: Any = None


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A pointer to a blob: what it is, its digest and its size in bytes.

    `platform` is ``linux/arm64/v8``, ``unknown/unknown`` for what cannot run, or "" when the
    descriptor says nothing. `elsewhere` is true for a blob that may be absent on purpose.
    """

    digest: Digest
    size: int
    media_type: str = ""
    artifact_type: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    platform: str = ""
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """A list of manifests. `bad` says why entries were left out."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    bad: tuple[str, ...]
    annotations: dict[str, str]
    subject: Descriptor | None
    artifact_type: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image or artifact. An OCI artifact manifest has no config."""

    media_type: str
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str]
    subject: Descriptor | None
    artifact_type: str

    @property
    def runnable(self) -> bool:
        """Whether this is an image with a config and layers of files, and no artifact."""
        return (
            self.config is not None
            and self.config.media_type in CONFIG_TYPES
            and (not self.layers or any(is_files(layer.media_type) for layer in self.layers))
        )


def is_files(media_type: str) -> bool:
    """Tell whether a layer's media type says that it holds a file system change set."""
    return not media_type or ".layer." in media_type or ".rootfs." in media_type


def check_bytes(data: bytes, descriptor: Descriptor) -> None:
    """Raise `Damaged` unless `data` has the size and the digest that `descriptor` promises."""
    if len(data) != descriptor.size:
        raise Damaged(f"has {len(data)} bytes, not {descriptor.size}")
    algorithm, _, number = descriptor.digest.partition(":")
    found = new_hash(algorithm, data).hexdigest()
    if found != number:
        raise Damaged(f"digest mismatch, is {algorithm}:{found}")


def parse(data: bytes, what: str, expected: str = "") -> Index | Manifest:
    """Return the manifest or index in `data`.

    `expected` is the media type its descriptor gives. Raises `Damaged` for a document that is
    neither, both, of another type than expected, or in Docker's schema 1; `LimitExceeded` as
    `parse_json` does.
    """
    value = parse_json(data, what)
    if not isinstance(value, dict):
        raise Damaged(f"{what} is not an object")
    stated = text_of(value.get("mediaType"))
    if value.get("schemaVersion") == 1 or stated in SCHEMA_1_TYPES or "fsLayers" in value:
        raise Damaged(f"{what}: schema 1 is not supported", "push or save the image again")
    if value.get("schemaVersion", 2) != 2:  # noqa: PLR2004 -- the number in the specification
        raise Damaged(f"{what}: schema version {safe(str(value['schemaVersion']), 40)}")
    if expected and stated and stated != expected:
        raise Damaged(f"{what} says it is {safe(stated, 200)}, not {safe(expected, 200)}")
    return _parse(value, what, stated or expected)


def _parse(value: dict[str, Any], what: str, media_type: str) -> Index | Manifest:
    holds = any(value.get(key) is not None for key in ("config", "layers", "blobs"))
    lists = value.get("manifests") is not None or ("manifests" in value and not holds)
    if lists and holds:
        raise Damaged(f"{what} is a manifest and an index at once (CVE-2021-41190)")
    if (media_type in INDEX_TYPES and holds) or (media_type in MANIFEST_TYPES and lists):
        raise Damaged(f"{what} is not what its media type says, {safe(media_type, 200)}")
    if media_type and media_type not in INDEX_TYPES | MANIFEST_TYPES:
        raise Damaged(f"{what}: unknown media type {safe(media_type, 200)}")
    if lists or media_type in INDEX_TYPES:
        return _index(value, what, media_type)
    return _manifest(value, what, media_type)


def _index(value: dict[str, Any], what: str, media_type: str) -> Index:
    listed = _list(value, "manifests")
    if listed is None:
        raise Damaged(f"{what}: manifests is not a list")
    good, bad = [], []
    for at, entry in enumerate(listed):
        try:
            good.append(descriptor(entry, f"manifest {at}"))
        except SourceError as error:
            bad.append(str(error.message))
    return Index(
        media_type=media_type,
        manifests=tuple(good),
        bad=tuple(bad),
        annotations=labels_of(value.get("annotations")),
        subject=_subject(value),
        artifact_type=text_of(value.get("artifactType")),
    )


def _manifest(value: dict[str, Any], what: str, media_type: str) -> Manifest:
    artifact = media_type == ARTIFACT_MANIFEST
    layers = _list(value, "blobs" if artifact else "layers")
    if layers is None and not artifact:
        raise Damaged(f"{what}: layers is not a list")
    config = None
    if not artifact:
        config = descriptor(value.get("config"), f"{what}: config")
    return Manifest(
        media_type=media_type,
        config=config,
        layers=tuple(descriptor(d, f"{what}: layer {at}") for at, d in enumerate(layers or ())),
        annotations=labels_of(value.get("annotations")),
        subject=_subject(value),
        artifact_type=text_of(value.get("artifactType")),
    )


def _list(value: dict[str, Any], key: str) -> list[Any] | None:
    """Return the list under `key`, empty for null as Go writes it, or None for anything else."""
    found = value.get(key)
    if found is None:
        return [] if key in value else None
    return found if isinstance(found, list) else None


def _subject(value: dict[str, Any]) -> Descriptor | None:
    found = value.get("subject")
    return None if found is None else descriptor(found, "subject")


def descriptor(value: Any, what: str) -> Descriptor:
    """Return `value` as a descriptor. Raises `Damaged`, naming `what`."""
    try:
        found = msgspec.convert(value, _Descriptor)
    except msgspec.ValidationError as error:
        raise Damaged(f"{what}: {error}") from error
    if found.size < 0:
        raise Damaged(f"{what}: size is {found.size}")
    if not is_digest(found.digest):
        raise Damaged(f"{what}: not a digest: {safe(found.digest, 100)}")
    media_type = found.media_type or ""
    return Descriptor(
        digest=Digest(found.digest),
        size=found.size,
        media_type=media_type,
        artifact_type=found.artifact_type or "",
        annotations=labels_of(found.annotations),
        platform=platform(found.platform),
        elsewhere=bool(found.urls) or "nondistributable" in media_type or ".foreign." in media_type,
    )


def platform(value: Any) -> str:
    """Return ``os/architecture[/variant]`` of a platform object, or "" without one."""
    if not isinstance(value, dict):
        return ""
    parts = [text_of(value.get(key)) for key in ("os", "architecture", "variant")]
    return "/".join(part for part in parts if part)
