"""Identities: digests and node ids.

Owns how every kind of thing is named. An id is content-addressed wherever the thing is
(contract, section 1). Ids are made by the functions here and nowhere else, so that each is safe
to print and obeys its kind's grammar.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NewType, cast

from treering.core.errors import Damaged
from treering.core.text import safe

Digest = NewType("Digest", str)
"""``sha256:`` and 64 hex digits, or ``sha512:`` and 128 (image-spec, descriptor.md, Digests)."""

NodeId = NewType("NodeId", str)
"""``<kind>:<rest>``, the name of one node of the graph."""


class Kind(StrEnum):
    """Kinds of nodes (contract, section 1)."""

    LAYER = "layer"
    IMAGE = "image"
    INDEX = "index"
    TAG = "tag"
    ATTESTATION = "attestation"
    SOURCE = "source"
    BUILD = "build"
    COMMIT = "commit"
    REF = "ref"
    HOST = "host"
    DEPLOYMENT = "deployment"
    CONTAINER = "container"
    WORKLOAD = "workload"
    REVISION = "revision"
    STAGE = "stage"
    ACI = "aci"
    LXC = "lxc"


_PREFIXES = {kind: "git" if kind is Kind.SOURCE else kind.value for kind in Kind}
_BY_PREFIX = {prefix: kind for kind, prefix in _PREFIXES.items()}
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_SHA512 = re.compile(r"sha512:[0-9a-f]{128}")
_CHECKSUM = 64
_GIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def digest(text: str) -> Digest:
    """Return `text` as a digest.

    Raises `Damaged` unless it is a sha256 or sha512 digest in lower case.
    """
    if _SHA256.fullmatch(text) or _SHA512.fullmatch(text):
        return Digest(text)
    raise Damaged(f"not a digest: {text[:100]!r}", "expected sha256: and 64 hex digits")


def is_digest(text: str) -> bool:
    """Tell whether `text` is a digest."""
    return _SHA256.fullmatch(text) is not None or _SHA512.fullmatch(text) is not None


def digest_of(data: bytes) -> Digest:
    """Return the sha256 digest of `data`."""
    return Digest("sha256:" + sha256(data).hexdigest())


def chain_id(diff_ids: list[Digest] | tuple[Digest, ...]) -> Digest:
    """Return the chain id of layers given bottom to top (image-spec, config.md, Layer ChainID).

    Raises `Damaged` when there is no layer.
    """
    if not diff_ids:
        raise Damaged("an image without layers has no chain id")
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = Digest("sha256:" + sha256(f"{chain} {diff_id}".encode()).hexdigest())
    return chain


def kind_of(node: NodeId | str) -> Kind:
    """Return the kind of a node id. Raises `Damaged` for text that is no node id."""
    kind = _BY_PREFIX.get(node.partition(":")[0])
    if kind is None:
        raise Damaged(f"not a node id: {node[:100]!r}")
    return kind


def prefix_of(kind: Kind) -> str:
    """Return what stands before the colon in ids of a kind."""
    return _PREFIXES[kind]


def is_node_id(text: str) -> bool:
    """Tell whether `text` begins like a node id of a known kind and has something after it."""
    prefix, colon, rest = text.partition(":")
    return bool(colon and rest) and prefix in _BY_PREFIX


def layer(diff_id: Digest) -> NodeId:
    """Return the id of a layer, by its uncompressed digest."""
    return NodeId(f"layer:{diff_id}")


def image(config: Digest) -> NodeId:
    """Return the id of one platform's image, by its config digest."""
    return NodeId(f"image:{config}")


def index(manifest: Digest) -> NodeId:
    """Return the id of a multi-platform list, by its digest."""
    return NodeId(f"index:{manifest}")


def attestation(manifest: Digest) -> NodeId:
    """Return the id of a signature, SBOM, provenance or other referrer, by its manifest digest."""
    return NodeId(f"attestation:{manifest}")


def tag(source: str, repository: str, name: str) -> NodeId:
    """Return the id of a movable name; an empty `repository` is the source itself."""
    place = f"{source}/{repository}" if repository else source
    return _named(f"tag:{place}:{name}")


def _named(text: str) -> NodeId:
    """Return the id of a named thing; of a name beyond all reason, its beginning and length."""
    return NodeId(safe(text, _MAX_NAMED))


_MAX_NAMED = 2048


def git(commit: str) -> NodeId:
    """Return the id of a git commit. Raises `Damaged` unless it is 40 or 64 hex digits."""
    if not _GIT.fullmatch(commit):
        raise Damaged(f"not a git commit: {commit[:100]!r}", "expected 40 or 64 hex digits")
    return NodeId(f"git:{commit}")


def build(source: str, name: str) -> NodeId:
    """Return the id of a run that made an artifact."""
    return _named(f"build:{source}/{name}")


def commit(checksum: str) -> NodeId:
    """Return the id of an OSTree commit. Raises `Damaged` unless it is 64 hex digits."""
    if not is_checksum(checksum):
        raise Damaged(f"not an OSTree checksum: {checksum[:100]!r}", "expected 64 hex digits")
    return NodeId(f"commit:{checksum}")


def commits(checksums: Sequence[str]) -> list[NodeId]:
    """Return the ids of many OSTree commits. Raises `Damaged` as `commit` does."""
    together = "".join(checksums)
    if set(map(len, checksums)) == {_CHECKSUM} and _is_hex(together):
        return cast("list[NodeId]", ["commit:" + checksum for checksum in checksums])
    return [commit(checksum) for checksum in checksums]


def is_checksum(text: str) -> bool:
    """Tell whether `text` is 64 lower-case hex digits."""
    return len(text) == _CHECKSUM and _is_hex(text)


def _is_hex(text: str) -> bool:
    """Tell whether `text` is lower-case hex digits, an even number of them.

    Only those come back as they were. A regular expression takes more than twice as long.
    """
    try:
        return bytes.fromhex(text).hex() == text
    except ValueError:
        return False


def ref(source: str, name: str) -> NodeId:
    """Return the id of an OSTree ref."""
    return _named(f"ref:{source}/{name}")


def host(name: str) -> NodeId:
    """Return the id of a machine."""
    return _named(f"host:{name}")


def deployment(host_name: str, stateroot: str, checksum: str, serial: int) -> NodeId:
    """Return the id of one bootable tree on a host."""
    return _named(f"deployment:{host_name}/{stateroot}/{checksum}.{serial}")


def container(source: str, name: str) -> NodeId:
    """Return the id of a container in an engine, by the engine's full container id."""
    return _named(f"container:{source}/{name}")


def parse(text: str) -> NodeId:
    """Return `text` as a node id, checked against its kind's grammar. Raises `Damaged`."""
    kind = kind_of(text)
    rest = text.partition(":")[2]
    if kind in {Kind.LAYER, Kind.IMAGE, Kind.INDEX, Kind.ATTESTATION}:
        digest(rest)
    elif kind is Kind.COMMIT:
        commit(rest)
    elif kind is Kind.SOURCE:
        git(rest)
    elif not rest:
        raise Damaged(f"not a node id: {text[:100]!r}")
    return NodeId(safe(text))


def content_of(node: NodeId) -> str:
    """Return what follows the kind: a digest, a checksum or a name."""
    return node.partition(":")[2]


def short(node: NodeId | str) -> str:
    """Return a node id with its digest cut to 12 hex digits, as people quote it."""
    return _LONG_HEX.sub(lambda m: m.group(0)[:12], node)


_LONG_HEX = re.compile(r"(?<![0-9a-f])[0-9a-f]{40,128}(?![0-9a-f])")
