"""``graph``, ``find`` and ``lineage``: questions to the graph."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from treering.cli import drawing, sources
from treering.cli.output import Output
from treering.cli.wiring import Wiring
from treering.core import export, ids
from treering.core import lineage as walking
from treering.core.graph import Edge, Graph
from treering.core.ids import NodeId
from treering.core.lineage import Direction, Row
from treering.core.names import Names
from treering.core.reading import Reading
from treering.core.text import safe


def graph(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print the whole graph: as a document, or as counts."""
    output = Output()
    read, found = sources.read(arguments, wiring, output)
    form = arguments.format or ("json" if arguments.json else "")
    if form == "json":
        output.json(export.graph_json(read, found.status.values()))
    elif form == "dot":
        output.lines(export.dot(read))
    elif form == "mermaid":
        output.lines(export.mermaid(read))
    else:
        summary(read, found, output)
    return sources.exit_code(found)


def summary(read: Graph, found: Reading, output: Output) -> None:
    """Print counts: sources, nodes by kind, edges by kind and evidence."""
    rows = [("SOURCE", "KIND", "STATE", "NODES", "EDGES", "SECONDS")]
    for s in found.status.values():
        counts = (str(s.nodes), str(s.edges), f"{s.seconds:.2f}")
        rows.append((s.name, s.kind, s.state.value, *counts))
    output.table(rows, ("bold",))
    output.line()
    kinds = Counter(ids.kind_of(node).value for node in read.ids())
    output.table([("NODES", "COUNT"), *((k, str(n)) for k, n in sorted(kinds.items()))])
    output.line()
    edges = Counter((e.kind.value, e.level.value) for e in read.edges())
    rows3 = [("EDGES", "EVIDENCE", "COUNT")]
    rows3 += [(kind, level, str(count)) for (kind, level), count in sorted(edges.items())]
    output.table(rows3)


def find(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print the nodes that TEXT is part of."""
    output = Output()
    read, found = sources.read(arguments, wiring, output)
    nodes = [read.node(node) for node in Names(read).find(arguments.text)]
    if arguments.json:
        document = {
            "schema": "treering.find/1",
            "query": safe(arguments.text),
            "nodes": [export.node_json(node) for node in nodes],
            "sources": [export.source_json(s) for s in found.status.values()],
        }
        output.json(document)
    else:
        rows = [("KIND", "ID", "LABEL", "SOURCES")]
        for node in nodes:
            known = ", ".join(node.sources) or "only mentioned"
            short = ids.short(ids.content_of(node.id))
            label = "" if node.label == short else node.label
            rows.append((node.kind.value, short, drawing.cut(label, 48), known))
        if nodes:
            output.table(rows, ("", "cyan"))
        else:
            output.note(f"treering: nothing here contains {arguments.text}")
    return sources.exit_code(found)


def lineage(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print where NODE came from, what came of it, or both."""
    output = Output()
    read, found = sources.read(arguments, wiring, output)
    node = Names(read).resolve(arguments.node)
    ways = [way for way in Direction if getattr(arguments, way.value)] or list(Direction)
    trees = {way: walking.tree(read, node, way, arguments.depth) for way in ways}
    if arguments.json:
        output.json(_document(read, node, trees, found))
    else:
        for number, (way, rows) in enumerate(trees.items()):
            if number:
                output.line()
            output.line(output.style(_HEADS[way], "bold"))
            options = drawing.Options(why=arguments.why, fold=not arguments.all)
            output.lines(drawing.tree(read, rows, output, options))
    return sources.exit_code(found)


_HEADS = {
    Direction.UP: "came from (up)",
    Direction.DOWN: "what came of it (down)",
}


def _document(
    read: Graph, node: NodeId, trees: dict[Direction, list[Row]], found: Reading
) -> dict[str, Any]:
    rows = [row for tree in trees.values() for row in tree]
    nodes = sorted({row.node for row in rows})
    edges: dict[tuple[str, str, str], Edge] = {}
    for row in rows:
        if row.via is not None:
            edges[row.via.start, row.via.end, row.via.kind] = row.via
    shape: dict[str, Any] = {
        "schema": "treering.lineage/1",
        "node": node,
        "nodes": [export.node_json(read.node(n)) for n in nodes],
        "edges": [export.edge_json(edges[key]) for key in sorted(edges)],
    }
    for way, tree in trees.items():
        shape[way.value] = [_row(row) for row in tree]
    shape["sources"] = [export.source_json(s) for s in found.status.values()]
    return shape


def _row(row: Row) -> dict[str, Any]:
    return {
        "id": row.node,
        "depth": row.depth,
        "parent": row.parent,
        "via": row.via.kind.value if row.via else None,
        "evidence": row.via.level.value if row.via else None,
        "why": row.via.why if row.via else None,
        "repeated": row.repeated,
        "cut": row.cut,
    }
