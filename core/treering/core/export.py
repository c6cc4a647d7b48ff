"""The graph as documents: JSON of the contract, Graphviz dot, Mermaid.

Owns those shapes. Everything in them is safe text already; what remains is each format's own
quoting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from treering.core import ids
from treering.core.graph import Edge, Graph, Node
from treering.core.ids import Kind, NodeId
from treering.core.reading import DONE, SourceStatus, State


def node_json(node: Node) -> dict[str, Any]:
    """Return a node as ``nodes[]`` holds it."""
    shape: dict[str, Any] = {
        "id": node.id,
        "kind": node.kind.value,
        "label": node.label,
        "attrs": dict(node.attrs),
        "sources": list(node.sources),
    }
    if node.same or node.names:
        shape["aliases"] = sorted({*node.same, *node.names})
    if node.gone:
        shape["gone"] = True
    return shape


def edge_json(edge: Edge) -> dict[str, Any]:
    """Return an edge as ``edges[]`` holds it."""
    shape: dict[str, Any] = {
        "from": edge.start,
        "to": edge.end,
        "kind": edge.kind.value,
        "evidence": edge.level.value,
        "why": edge.why,
    }
    if edge.position is not None:
        shape["position"] = edge.position
    if edge.gone:
        shape["gone"] = True
    return shape


def source_json(status: SourceStatus) -> dict[str, Any]:
    """Return a source as ``sources[]`` holds it."""
    return {
        "name": status.name,
        "kind": status.kind,
        "location": status.location,
        "state": (status.state if status.state in DONE else State.PARTIAL).value,
        "error": status.summary or None,
        "problems": [{"subject": p.subject, "why": p.why} for p in status.problems],
        "notes": list(status.notes),
        "nodes": status.nodes,
        "edges": status.edges,
        "seconds": round(status.seconds, 3),
    }


def graph_json(
    graph: Graph, sources: Iterable[SourceStatus], schema: str = "treering.graph/1"
) -> dict[str, Any]:
    """Return the whole graph as one document."""
    return {
        "schema": schema,
        "nodes": [node_json(n) for n in graph.nodes()],
        "edges": [edge_json(e) for e in graph.edges()],
        "sources": [source_json(s) for s in sources],
    }


_SHAPES = {
    "tag": "cds",
    "ref": "cds",
    "layer": "box3d",
    "index": "folder",
    "source": "note",
    "host": "house",
    "container": "component",
    "attestation": "octagon",
}
_STYLES = {"exact": "solid", "attested": "bold", "declared": "dashed", "inferred": "dotted"}


def dot(graph: Graph) -> Iterator[str]:
    """Yield the lines of a Graphviz document; evidence shows as the style of the line."""
    yield "digraph treering {"
    yield '  rankdir=LR; node [shape=box, fontname="monospace"];'
    for node in graph.nodes():
        text = f'"{node.kind.value}\\n{_quoted(_caption(node))[1:]}'
        shape = _SHAPES.get(node.kind.value, "box")
        yield f"  {_quoted(node.id)} [label={text}, shape={shape}];"
    for edge in graph.edges():
        style = _STYLES[edge.level.value]
        ends = f"{_quoted(edge.start)} -> {_quoted(edge.end)}"
        yield f'  {ends} [label="{edge.kind.value}", style={style}, tooltip={_quoted(edge.why)}];'
    yield "}"


def _quoted(text: str) -> str:
    """Return text as a dot string in which nothing is an escape."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def mermaid(graph: Graph) -> Iterator[str]:
    """Yield the lines of a Mermaid flowchart; evidence stands on the arrow."""
    yield "flowchart LR"
    numbers: dict[NodeId, int] = {}
    for node in graph.nodes():
        number = numbers.setdefault(node.id, len(numbers))
        yield f'  n{number}["{node.kind.value}<br/>{_entities(_caption(node))}"]'
    for edge in graph.edges():
        arrow = "-->" if edge.level.value in {"exact", "attested"} else "-.->"
        label = f"{edge.kind.value} ({edge.level.value})"
        yield f'  n{numbers[edge.start]} {arrow}|"{label}"| n{numbers[edge.end]}'


def _caption(node: Node) -> str:
    """Return what a box is called; of a tag also whose, as several sources name alike."""
    if node.kind is Kind.TAG:
        return ids.content_of(node.id)
    return node.label or ids.short(ids.content_of(node.id))


def _entities(text: str) -> str:
    """Return text with everything Mermaid or HTML could read as markup as numeric entities."""
    return "".join(c if c.isalnum() or c in " ._-/:@+" else f"#{ord(c)};" for c in text)
