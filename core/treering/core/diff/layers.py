"""Which layers two images share, and how many bytes are new.

Owns the list of both, and that a layer is one by its uncompressed digest: how it is compressed
and in which repository it stands says nothing. Pure, from the graph alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from treering.core import ids
from treering.core.graph import Graph
from treering.core.ids import Digest, NodeId
from treering.core.joins.evidence import layers_of as listed_by


class Where(StrEnum):
    """Which of two images has a layer."""

    A = "a"
    B = "b"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer of one image or of both; `size` is that of a stored blob in bytes, None if unknown.

    `position` counts from 0 at the bottom, in `b` where that has it.
    """

    digest: Digest
    where: Where
    size: int | None
    position: int

    @property
    def node(self) -> NodeId:
        """The layer in the graph."""
        return ids.layer(self.digest)

    def as_json(self) -> dict[str, Any]:
        """Return the layer as ``treering.diff/1`` has it."""
        return {"digest": self.digest, "in": self.where.value, "size": self.size}


@dataclass(frozen=True, slots=True)
class Pull:
    """What has to be fetched to go from `a` to `b`.

    `unknown` counts the layers whose size nobody knows; they are not in `size`.
    """

    layers: int
    size: int
    unknown: int


def layers_of(graph: Graph, image: NodeId) -> tuple[Digest, ...]:
    """Return the diff ids of an image, bottom first; none where no source lists them well."""
    found = listed_by(graph, image)
    return tuple(map(Digest, found)) if all(map(ids.is_digest, found)) else ()


def diff_layers(graph: Graph, a: NodeId, b: NodeId) -> tuple[LayerRow, ...]:
    """Return each layer of both images once: those of `b` bottom first, then those only `a` has."""
    old, new = (dict.fromkeys(layers_of(graph, image)) for image in (a, b))
    rows = [
        LayerRow(digest, Where.BOTH if digest in old else Where.B, _size(graph, digest), position)
        for position, digest in enumerate(new)
    ]
    rows += [
        LayerRow(digest, Where.A, _size(graph, digest), position)
        for position, digest in enumerate(old)
        if digest not in new
    ]
    return tuple(rows)


def pull(rows: Sequence[LayerRow]) -> Pull:
    """Return what whoever has `a` must fetch to have `b`."""
    new = [row for row in rows if row.where is Where.B]
    known = [row.size for row in new if row.size is not None]
    return Pull(len(new), sum(known), len(new) - len(known))


def _size(graph: Graph, digest: Digest) -> int | None:
    node = ids.layer(digest)
    size = graph.attrs(node).get("size") if node in graph else None
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
