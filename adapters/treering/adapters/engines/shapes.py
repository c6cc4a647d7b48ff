"""What engines answer, as typed records.

Owns reading the JSON of images and containers: every field may be missing, null or of another
type, and a digest may be none. What cannot be used is left out, and said in `complaints` where
that loses something. Pure.

Source: Docker Engine API 1.24 to 1.52 (ImageSummary, ImageInspect, ImageManifestSummary,
ContainerSummary); Podman's Docker-compatible API answers in the same shapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from treering.core.errors import Damaged
from treering.core.ids import Digest, digest, is_digest
from treering.core.lenient import labels_of, object_of, text_of, texts_of

_HEX64 = re.compile(r"[0-9a-f]{64}")
_INDEX_TYPES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
_MAX_TIME = 253_402_300_799  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class Child:
    """One entry of the index behind an image (ImageManifestSummary)."""

    digest: Digest
    kind: str
    media_type: str
    platform: tuple[str, str, str]
    available: bool
    subject: Digest | None


@dataclass(frozen=True, slots=True)
class Target:
    """What an image name points at in a containerd store: a manifest or an index (Descriptor)."""

    digest: Digest
    media_type: str

    @property
    def is_index(self) -> bool:
        """Whether this is a multi-platform list."""
        return self.media_type in _INDEX_TYPES


@dataclass(frozen=True, slots=True)
class Listed:
    """One image of the list: what about it may change."""

    id: Digest
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()

    def joined(self, other: Listed) -> Listed:
        """Return the image with the names of both, for one that stands twice in the list."""
        tags = tuple(dict.fromkeys((*self.tags, *other.tags)))
        return Listed(self.id, tags, tuple(dict.fromkeys((*self.digests, *other.digests))))

    def without(self, tags: Sequence[str]) -> Listed:
        """Return the image after `tags` moved away from it."""
        return replace(self, tags=tuple(t for t in self.tags if t not in tags))


@dataclass(frozen=True, slots=True)
class Details:
    """One image as inspected: what about it never changes."""

    attrs: Mapping[str, Any]
    layers: tuple[Digest, ...] = ()
    platform: tuple[str, str, str] = ("", "", "")
    target: Target | None = None
    children: tuple[Child, ...] = ()
    complaints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Container:
    """One container, running or not. `image` is what it runs; `manifest` tells that apart."""

    id: str
    name: str
    attrs: Mapping[str, Any]
    image: Digest | None
    manifest: Digest | None = None


def image_id(value: Any) -> Digest:
    """Return an image id with its algorithm; Podman writes some without. Raises `Damaged`."""
    text = value if isinstance(value, str) else ""
    return digest(f"sha256:{text}" if _HEX64.fullmatch(text) else text)


def listed(entry: Any) -> Listed:
    """Return an entry of the image list, or the same fields of an inspected image.

    Raises `Damaged` when its id is no digest.
    """
    value = object_of(entry)
    return Listed(
        id=image_id(value.get("Id")),
        tags=tuple(t for t in texts_of(value.get("RepoTags")) if _is_tag(t)),
        digests=tuple(d for d in texts_of(value.get("RepoDigests")) if _is_repo_digest(d)),
    )


def details(answer: Mapping[str, Any]) -> Details:
    """Return what the inspection of an image says."""
    complaints: list[str] = []
    layers = _layers(answer, complaints)
    platform = _platform(answer, "Os", "Architecture", "Variant")
    return Details(
        attrs=_attrs(answer, platform),
        layers=layers,
        platform=platform,
        target=_target(answer.get("Descriptor")),
        children=_children(answer.get("Manifests"), complaints),
        complaints=tuple(complaints),
    )


def container(entry: Any) -> Container:
    """Return an entry of the container list. Raises `Damaged` when its id is none."""
    value = object_of(entry)
    name = value.get("Id")
    if not isinstance(name, str) or not _HEX64.fullmatch(name):
        raise Damaged(f"not the id of a container: {str(name)[:100]!r}")
    names = texts_of(value.get("Names"))
    manifest = object_of(value.get("ImageManifestDescriptor")).get("digest")
    image = value.get("ImageID")
    command = value.get("Command")
    given = names[0].removeprefix("/") if names else ""
    attrs = {
        "name": given,
        "state": text_of(value.get("State")),
        "image_ref": text_of(value.get("Image")),
        "created": _time(value.get("Created")),
        "labels": labels_of(value.get("Labels")),
        "command": command if isinstance(command, str) else " ".join(texts_of(command)),
    }
    return Container(
        id=name,
        name=given or name[:12],
        attrs={k: v for k, v in attrs.items() if v},
        image=_maybe_id(image),
        manifest=Digest(manifest) if isinstance(manifest, str) and is_digest(manifest) else None,
    )


def is_about(answer: Mapping[str, Any], image: Digest) -> bool:
    """Tell whether an inspection is of this image and no other."""
    return _maybe_id(answer.get("Id")) == image


def bare_id(value: Any) -> str:
    """Return a full container or image id without its algorithm; empty when it is none."""
    text = value.removeprefix("sha256:") if isinstance(value, str) else ""
    return text if _HEX64.fullmatch(text) else ""


def _attrs(answer: Mapping[str, Any], platform: tuple[str, str, str]) -> dict[str, Any]:
    """Return the attributes of an image that its inspection gives."""
    config = object_of(answer.get("Config"))
    size = answer.get("Size")
    created = text_of(answer.get("Created"))
    attrs = {
        **dict(zip(("os", "architecture", "variant"), platform, strict=True)),
        "created": "" if created.startswith("0001-01-01") else created,
        "author": text_of(answer.get("Author")),
        "labels": labels_of(config.get("Labels")),
        "env": texts_of(config.get("Env")),
        "cmd": texts_of(config.get("Cmd")),
        "entrypoint": texts_of(config.get("Entrypoint")),
        "user": text_of(config.get("User")),
        "workdir": text_of(config.get("WorkingDir")),
        "virtual_size": size if isinstance(size, int) and size > 0 else 0,
    }
    return {key: value for key, value in attrs.items() if value}


def _layers(answer: Mapping[str, Any], complaints: list[str]) -> tuple[Digest, ...]:
    """Return the diff ids bottom to top; all or none, for a chain with a gap proves nothing."""
    layers = object_of(answer.get("RootFS")).get("Layers")
    if not isinstance(layers, list):
        return ()
    for number, layer in enumerate(layers, 1):
        if not isinstance(layer, str) or not is_digest(layer):
            complaints.append(f"layer {number} of RootFS is no digest: {str(layer)[:100]!r}")
            return ()
    return tuple(map(Digest, layers))


def _target(value: Any) -> Target | None:
    descriptor = object_of(value)
    name = descriptor.get("digest")
    if not isinstance(name, str) or not is_digest(name):
        return None
    return Target(Digest(name), text_of(descriptor.get("mediaType")))


def _children(value: Any, complaints: list[str]) -> tuple[Child, ...]:
    """Return the entries of an index; those without a digest are complained about."""
    found = []
    for number, entry in enumerate(value if isinstance(value, list) else (), 1):
        child = object_of(entry)
        target = _target(child.get("Descriptor"))
        if target is None:
            complaints.append(f"entry {number} of its manifests has no digest")
            continue
        subject = object_of(child.get("AttestationData")).get("For")
        found.append(
            Child(
                digest=target.digest,
                kind=text_of(child.get("Kind")),
                media_type=target.media_type,
                platform=_child_platform(child),
                available=child.get("Available") is True,
                subject=Digest(subject)
                if isinstance(subject, str) and is_digest(subject)
                else None,
            )
        )
    return tuple(found)


def _child_platform(child: Mapping[str, Any]) -> tuple[str, str, str]:
    data = object_of(object_of(child.get("ImageData")).get("Platform"))
    described = object_of(object_of(child.get("Descriptor")).get("platform"))
    return _platform(data or described, "os", "architecture", "variant")


def _platform(value: Mapping[str, Any], *keys: str) -> tuple[str, str, str]:
    os_name, architecture, variant = (text_of(value.get(key)) for key in keys)
    return os_name, architecture, variant


def _maybe_id(value: Any) -> Digest | None:
    try:
        return image_id(value)
    except Damaged:
        return None


def _is_tag(text: str) -> bool:
    """Tell whether a repository tag names something; engines write ``<none>:<none>``."""
    repository, colon, tag = text.rpartition(":")
    return bool(colon and repository and tag) and "<none>" not in text and "/" not in tag


def _is_repo_digest(text: str) -> bool:
    return is_digest(text.rpartition("@")[2])


def _time(value: Any) -> str:
    """Return seconds since the epoch as RFC 3339 in UTC; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MAX_TIME:
        return ""
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
