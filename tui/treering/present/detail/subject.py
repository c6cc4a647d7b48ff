"""What a tab is about when it is asked about a name: the thing behind it.

Owns following names and running things to the images and commits they stand for.
"""

from __future__ import annotations

from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import NodeId

_FOLLOWED = frozenset({EdgeKind.POINTS_AT, EdgeKind.RUNS, EdgeKind.SERVES})
_LISTS = frozenset({EdgeKind.LISTS})
_MANY = 100


def subjects(graph: Graph, node: NodeId) -> list[NodeId]:
    """Return the images and commits a node stands for; of one that is such, itself.

    A tag stands for what it points at, a container or deployment for what it runs, an index for
    the images it lists.
    """
    found: dict[NodeId, None] = {}
    seen = {graph.canonical(node)}
    waiting = [graph.canonical(node)]
    while waiting and len(seen) <= _MANY:
        at = waiting.pop(0)
        if at.startswith(("image:", "commit:")):
            found[at] = None
            continue
        kinds = _LISTS if at.startswith("index:") else _FOLLOWED
        for edge in graph.edges_from(at, kinds):
            if not edge.gone and edge.end not in seen:
                seen.add(edge.end)
                waiting.append(edge.end)
    return list(found)
