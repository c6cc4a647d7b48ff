"""What uses a node, and what it came from, as lists to choose from.

Owns the order of such a list and its heading: what runs before what only rests on it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId, kind_of
from treering.core.lineage import Direction, reach, steps
from treering.core.text import Safe, safe
from treering.present import nodes
from treering.present.lines import Row, span

MAX_LISTED = 2000
_FIRST = (
    Kind.HOST,
    Kind.DEPLOYMENT,
    Kind.WORKLOAD,
    Kind.REVISION,
    Kind.CONTAINER,
    Kind.STAGE,
    Kind.TAG,
    Kind.REF,
    Kind.INDEX,
    Kind.IMAGE,
    Kind.COMMIT,
)
_RANK = {kind: number for number, kind in enumerate(_FIRST)}


@dataclass(frozen=True, slots=True)
class Reach:
    """A list of nodes and its heading."""

    title: Safe
    rows: tuple[Row, ...]


def users(graph: Graph, node: NodeId) -> Reach:
    """Return everything that uses a node: its blast radius. Raises `KeyError`."""
    known = graph.node(node)
    found = {n: far for n, far in reach(graph, node, Direction.DOWN).items() if n != known.id}
    counts = Counter(kind_of(n) for n in found)
    kinds = sorted(counts, key=lambda k: _RANK.get(k, len(_RANK)))
    said = ", ".join(f"{counts[k]} {_plural(k, counts[k])}" for k in kinds)
    title = f"{said or 'nothing'} {'use' if len(found) != 1 else 'uses'} {known.label}"
    ordered = sorted(found, key=lambda n: (_RANK.get(kind_of(n), len(_RANK)), found[n], n))
    return Reach(safe(title), tuple(_row(graph, n) for n in ordered[:MAX_LISTED]))


def origins(graph: Graph, node: NodeId) -> Reach:
    """Return what a node came from or rests on, one step away. Raises `KeyError`."""
    known = graph.node(node)
    rows = []
    for other, edge in steps(graph, node, Direction.UP):
        relation = (span(f"{edge.kind.value} ", "dim"), *nodes.node_spans(graph.node(other)))
        level = span(f" {edge.level.value}", nodes.level_style(edge.level))
        rows.append(Row(other, (*relation, level), other, edge.why))
    # Layers last: they are what it is made of rather than where it came from.
    rows.sort(key=lambda row: row.node is not None and kind_of(row.node) is Kind.LAYER)
    return Reach(safe(f"{known.label} came from"), tuple(rows[:MAX_LISTED]))


def _row(graph: Graph, node: NodeId) -> Row:
    return Row(node, tuple(nodes.node_spans(graph.node(node))), node)


def _plural(kind: Kind, count: int) -> str:
    if count == 1:
        return kind.value
    return "indexes" if kind is Kind.INDEX else f"{kind.value}s"
