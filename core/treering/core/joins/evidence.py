"""What the joins share: how a derived edge is made, and attributes read with care.

Owns no rule of its own. Attributes come from foreign documents: any of them may be missing or
of another type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treering.core.facts import EdgeFact, EdgeKind, Level
from treering.core.graph import Graph
from treering.core.ids import Digest, NodeId, content_of, is_digest
from treering.core.text import Safe, safe

DERIVED = Safe("treering/joins")
"""The source of every edge that joins compute. No source may be called so: names hold no slash."""


def edge(start: NodeId, kind: EdgeKind, end: NodeId, level: Level, why: str) -> EdgeFact:
    """Return a derived edge. Its time is 0: it holds as long as the facts it rests on."""
    return EdgeFact(
        start=start, end=end, kind=kind, level=level, source=DERIVED, seen=0.0, why=safe(why)
    )


def text_of(attrs: Mapping[str, Any], group: str, key: str) -> str:
    """Return the text under `key` in the object `group`, or "" when it is not there."""
    inside = attrs.get(group)
    value = inside.get(key) if isinstance(inside, Mapping) else None
    return value if isinstance(value, str) else ""


def live(graph: Graph, node: NodeId, kind: EdgeKind) -> list[NodeId]:
    """Return where the edges of one kind lead of which a source says that they hold."""
    # Derived edges are still those of the joins before: what follows must not rest on them.
    return [
        edge.end
        for edge in graph.edges_from(node, frozenset({kind}))
        if any(fact.present and fact.source != DERIVED for fact in edge.all)
    ]


def layers_of(graph: Graph, image: NodeId) -> tuple[str, ...]:
    """Return the diff ids of an image, bottom first."""
    listed = graph.attrs(image).get("layers")
    if isinstance(listed, list) and all(isinstance(d, str) for d in listed):
        return tuple(listed)
    contains = [e for e in graph.edges_from(image) if e.kind is EdgeKind.CONTAINS]
    contains.sort(key=lambda e: -1 if e.position is None else e.position)
    return tuple(content_of(e.end) for e in contains)


def digest_in(text: str) -> Digest | None:
    """Return `text` as a digest, or None when it is not one."""
    return Digest(text) if is_digest(text) else None
