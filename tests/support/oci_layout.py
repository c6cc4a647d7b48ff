"""A writer of OCI layouts and Docker archives for tests: pure Python, the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
REF_NAME = "org.opencontainers.image.ref.name"

Json = dict[str, Any]


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blob_path(name: str) -> str:
    return "blobs/" + name.replace(":", "/")


def dump(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def tar_of(files: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    """A tar archive of files by name, all with the same time and owner."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files.items():
            info = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(name)
            body = data if isinstance(data, bytes) else b""
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def packed(data: bytes, how: str) -> bytes:
    """`data` stored plain, with gzip or with zstd."""
    if how == "gzip":
        return gzip.compress(data, 6, mtime=0)
    return zstd.compress(data) if how == "zstd" else data


def config_of(layers: Iterable[bytes], **fields: Any) -> Json:
    """An image config over layers given as tars."""
    diff_ids = [digest(layer) for layer in layers]
    run = fields.pop("config", {"Env": ["PATH=/bin"], "Cmd": ["sh"]})
    steps = [{"created_by": f"/bin/sh -c step {at}"} for at in range(len(diff_ids))]
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2024-01-02T03:04:05Z",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": steps,
    } | fields


@dataclass
class Layout:
    """A layout under construction: blobs by digest, and the descriptors of its index."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    roots: list[Json] = field(default_factory=list)

    def add(self, data: bytes, media_type: str, **fields: Any) -> Json:
        """Store a blob and return its descriptor."""
        name = digest(data)
        self.blobs[name] = data
        return {"mediaType": media_type, "digest": name, "size": len(data)} | fields

    def layer(self, tar: bytes, how: str = "gzip") -> Json:
        suffix = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}[how]
        return self.add(packed(tar, how), OCI_LAYER + suffix)

    def manifest(self, config: Json, layers: list[Json], /, **fields: Any) -> Json:
        extra = fields.pop("descriptor", {})
        value = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config,
            "layers": layers,
        } | fields
        return self.add(dump(value), value["mediaType"], **extra)

    def image(
        self,
        tars: list[bytes],
        how: str = "gzip",
        *,
        config: Json | None = None,
        **fields: Any,
    ) -> Json:
        """Store an image over layers given as tars; return its manifest's descriptor."""
        value = config_of(tars) if config is None else config
        stored = self.add(dump(value), OCI_CONFIG)
        return self.manifest(stored, [self.layer(tar, how) for tar in tars], **fields)

    def artifact(self, kind: str, blobs: list[Json], **fields: Any) -> Json:
        """Store an artifact with an empty config."""
        config = self.add(b"{}", OCI_EMPTY)
        return self.manifest(config, blobs, artifactType=kind, **fields)

    def index(self, manifests: list[Json], /, **fields: Any) -> Json:
        value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests} | fields
        return self.add(dump(value), OCI_INDEX)

    def tag(self, descriptor: Json, name: str = "", **annotations: str) -> Json:
        """List a manifest or index in index.json, by a name or without."""
        notes = ({REF_NAME: name} if name else {}) | annotations
        entry = descriptor | ({"annotations": notes} if notes else {})
        self.roots.append(entry)
        return entry

    def files(self) -> dict[str, bytes]:
        """Every file of the layout by name."""
        index = {"schemaVersion": 2, "manifests": self.roots}
        named = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": dump(index)}
        return named | {blob_path(name): data for name, data in self.blobs.items()}

    def write(self, path: Path) -> Path:
        """Write the layout as a directory."""
        return write_files(path, self.files())

    def write_archive(self, path: Path, how: str = "none", **more: bytes) -> Path:
        """Write the layout as a tar archive, compressed or not."""
        path.write_bytes(packed(tar_of(self.files() | more), how))
        return path


def write_files(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return path


def docker_files(
    tars: list[bytes], tags: list[str] | None, config: Json | None = None
) -> dict[str, Any]:
    """The files of ``docker save``, as Docker 10 to 24 wrote them: a repeated layer is a link."""
    data = dump(config_of(tars) if config is None else config)
    name = digest(data).removeprefix("sha256:") + ".json"
    files: dict[str, Any] = {}
    names, first = [], {}
    for at, tar in enumerate(tars):
        layer = f"{hashlib.sha256(bytes([at]) + tar).hexdigest()}/layer.tar"
        same = first.setdefault(tar, layer)
        files[layer] = tar if same == layer else link(layer, f"../{same}")
        names.append(layer)
    files[name] = data
    files["manifest.json"] = dump([{"Config": name, "RepoTags": tags, "Layers": names}])
    return files


def old_docker_files(tars: list[bytes], repository: str, tag: str, **top: Any) -> dict[str, bytes]:
    """The files of ``docker save`` before ``manifest.json``."""
    files: dict[str, bytes] = {}
    parent = ""
    for at, tar in enumerate(tars):
        name = hashlib.sha256(parent.encode() + tar).hexdigest()
        value: Json = {
            "id": name,
            "created": "2015-01-02T03:04:05Z",
            "container_config": {"Cmd": ["/bin/sh", "-c", f"step {at}"]},
        }
        if parent:
            value["parent"] = parent
        if at == len(tars) - 1:
            value |= {"os": "linux", "architecture": "amd64"} | top
        files |= {f"{name}/VERSION": b"1.0", f"{name}/json": dump(value), f"{name}/layer.tar": tar}
        parent = name
    files["repositories"] = dump({repository: {tag: parent}})
    return files
