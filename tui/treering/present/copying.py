"""What can be copied of a node: names, digests, commands, links, JSON.

Owns which texts there are and what they are called. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from treering.core import export, ids
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.present.links import View, link


@dataclass(frozen=True, slots=True)
class Copyable:
    """A text and what it is called; `key` is the letter that chooses it."""

    key: str
    name: str
    text: str


def name_of(graph: Graph, node: NodeId) -> str:
    """Return how a node is named on a command line. Raises `KeyError`."""
    known = graph.node(node)
    if known.kind in {Kind.TAG, Kind.REF}:
        return ids.content_of(known.id)
    if known.kind is Kind.CONTAINER and known.label:
        return f"{ids.content_of(known.id).partition('/')[0]}/{known.label}"
    return known.id


def texts(graph: Graph, view: View, node: NodeId, base: NodeId | None) -> tuple[Copyable, ...]:
    """Return what can be copied of a node. Raises `KeyError` when the graph does not hold it."""
    return tuple(_texts(graph, view, node, base))


def _texts(graph: Graph, view: View, node: NodeId, base: NodeId | None) -> Iterator[Copyable]:
    known = graph.node(node)
    name = name_of(graph, node)
    content = ids.content_of(known.id)
    yield Copyable("n", "name", name)
    if known.kind is Kind.TAG:
        digest = _digest(graph, node)
        if digest:
            place = content.rpartition(":")[0].partition("/")[2] or content.rpartition(":")[0]
            yield Copyable("r", "reference by digest", f"{place}@{digest}")
            yield Copyable("d", "digest", digest)
    elif known.kind is Kind.REF:
        for edge in graph.edges_from(node, frozenset({EdgeKind.POINTS_AT})):
            yield Copyable("d", "checksum", ids.content_of(edge.end))
    else:
        yield Copyable("d", "digest", content)
        yield Copyable("s", "short digest", ids.short(content).rpartition(":")[2])
        for number, digest in enumerate(known.same[:5]):
            yield Copyable("" if number else "m", "manifest digest", digest)
    yield Copyable("i", "id", known.id)
    yield Copyable("c", "command", f"treering lineage {_quoted(name)}")
    yield Copyable("l", "link to this view", link(view.on(node), base))
    yield Copyable("j", "JSON", msgspec.json.encode(export.node_json(known)).decode())


def _digest(graph: Graph, tag: NodeId) -> str:
    """Return the manifest digest a tag points at; the config digest where no other is known."""
    for edge in graph.edges_from(tag, frozenset({EdgeKind.POINTS_AT})):
        known = graph.node(edge.end)
        return known.same[0] if known.same else ids.content_of(known.id)
    return ""


def _quoted(name: str) -> str:
    """Return a name as a shell takes it."""
    plain = all(c.isalnum() or c in "/:._@-+" for c in name)
    return name if plain and not name.startswith("-") else "'" + name.replace("'", "'\\''") + "'"
