"""Where something came from, and what came of it.

Owns walking the graph. *Up* follows edges to what a thing came from or rests on; *down* goes
the other way and ends at hosts, containers and workloads: the blast radius. Two kinds of edges
belong to the thing that runs rather than to its past (a deployment is ``on`` a host, a revision
is ``of`` a workload), so walking down follows them forwards. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from treering.core.facts import EdgeKind
from treering.core.graph import Edge, Graph
from treering.core.ids import NodeId

FORWARD = frozenset({EdgeKind.ON, EdgeKind.OF})
"""Edges whose end is the consumer: walking down follows them from start to end."""

_PAST = frozenset(EdgeKind) - FORWARD

CHAINS = frozenset({EdgeKind.PARENT, EdgeKind.SUPERSEDES})
"""Edges that order versions of one thing, drawn as one column rather than ever deeper."""


INVERSE = {
    EdgeKind.CONTAINS: "layer of",
    EdgeKind.LISTS: "listed by",
    EdgeKind.BASED_ON: "base of",
    EdgeKind.POINTS_AT: "named by",
    EdgeKind.BUILT_FROM: "source of",
    EdgeKind.BUILT_BY: "built",
    EdgeKind.PARENT: "followed by",
    EdgeKind.LAYERED_ON: "base of",
    EdgeKind.IMPORTED_FROM: "imported as",
    EdgeKind.ENCAPSULATES: "held by",
    EdgeKind.SAME_TREE: "same-tree",
    EdgeKind.RUNS: "run by",
    EdgeKind.ON: "has",
    EdgeKind.OF: "has",
    EdgeKind.SUPERSEDES: "superseded by",
    EdgeKind.PROMOTED_FROM: "promoted to",
    EdgeKind.ATTESTS: "attested by",
    EdgeKind.SERVES: "served by",
    EdgeKind.DEPENDS_ON: "needed by",
    EdgeKind.CLONE_OF: "cloned as",
}
"""What an edge is called from its other end."""


class Direction(Enum):
    """Which way to walk."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a lineage tree.

    `depth` counts edges from the root. `parent` is the row this one hangs on (None for the
    root); `last` tells whether it is the last of its siblings, `repeated` whether the node was
    shown before, so that nothing follows below it, and `cut` how many neighbours the depth
    limit kept back.
    """

    node: NodeId
    depth: int
    parent: int | None
    via: Edge | None
    last: bool = True
    repeated: bool = False
    cut: int = 0

    @property
    def word(self) -> str:
        """What the row above is to this one: the edge's kind, or its inverse walked backwards."""
        if self.via is None:
            return ""
        return self.via.kind.value if self.via.start != self.node else INVERSE[self.via.kind]


def steps(graph: Graph, node: NodeId, direction: Direction) -> list[tuple[NodeId, Edge]]:
    """Return the neighbours one step away with the edge that leads there, in drawing order."""
    if direction is Direction.UP:
        found = [(e.end, e) for e in graph.edges_from(node, _PAST)]
        found += [(e.start, e) for e in graph.edges_to(node, FORWARD)]
    else:
        found = [(e.start, e) for e in graph.edges_to(node, _PAST)]
        found += [(e.end, e) for e in graph.edges_from(node, FORWARD)]
    return [(other, edge) for other, edge in found if not edge.gone]


def _roots(graph: Graph, node: NodeId, direction: Direction) -> list[tuple[NodeId, Edge]]:
    """Return where walking down from a name begins: at what it names, not at the name alone."""
    if direction is Direction.UP or not node.startswith(_NAMES):
        return []
    return [(edge.end, edge) for edge in graph.edges_from(node, _POINTS) if not edge.gone]


_NAMES = ("tag:", "ref:")
_POINTS = frozenset({EdgeKind.POINTS_AT})


def reach(
    graph: Graph, node: NodeId, direction: Direction, depth: int | None = None
) -> dict[NodeId, int]:
    """Return every node reached from `node`, itself included, with its distance in edges.

    Down from a tag or ref is down from what it points at.
    """
    start = graph.canonical(node)
    seen = {start: 0}
    frontier = [start]
    neighbours = _neighbours(graph, direction)
    roots = [other for other, _ in _roots(graph, start, direction)]
    while frontier and (depth is None or seen[frontier[0]] < depth):
        following: list[NodeId] = []
        for at in frontier:
            distance = seen[at] + 1
            for other in chain(neighbours(at), roots if at == start else ()):
                if other not in seen:
                    seen[other] = distance
                    following.append(other)
        frontier = following
    return seen


def _neighbours(graph: Graph, direction: Direction) -> Callable[[NodeId], Iterator[NodeId]]:
    up = direction is Direction.UP

    def neighbours(node: NodeId) -> Iterator[NodeId]:
        for other, kinds in graph.neighbours(node, out=up):
            if any(kind not in FORWARD for kind in kinds):
                yield other
        for other, kinds in graph.neighbours(node, out=not up):
            if any(kind in FORWARD for kind in kinds):
                yield other

    return neighbours


def tree(
    graph: Graph,
    node: NodeId,
    direction: Direction,
    depth: int | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Return the lineage of `node` as rows in drawing order, the root first.

    A node reached on several ways is drawn below the first and marked repeated at the others.
    Down from a tag or ref is down from what it points at. `depth` limits the edges from the
    root, `limit` the number of rows. Raises `KeyError` when the graph does not hold `node`.
    """
    root = graph.canonical(node)
    if root not in graph:
        raise KeyError(root)
    rows: list[Row] = []
    seen: set[NodeId] = set()
    stack: list[tuple[NodeId, int, int | None, Edge | None, bool]] = [(root, 0, None, None, True)]
    while stack and (limit is None or len(rows) < limit):
        at, level, parent, via, last = stack.pop()
        repeated = at in seen
        below = [] if repeated else steps(graph, at, direction)
        if level == 0:
            below = [*_roots(graph, at, direction), *below]
        cut = len(below) if depth is not None and level >= depth else 0
        rows.append(Row(at, level, parent, via, last, repeated=repeated and bool(below), cut=cut))
        if repeated:
            rows[-1] = Row(at, level, parent, via, last, repeated=True)
            continue
        here = len(rows) - 1
        if not cut:
            # What the limit cut here may be drawn in full where it is nearer.
            seen.add(at)
            for place, (other, edge) in enumerate(reversed(below)):
                stack.append((other, level + 1, here, edge, place == 0))
    return rows
