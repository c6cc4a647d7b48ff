"""Joins: the edges no single source can see.

Owns what follows from facts of several sources put side by side: base images, git commits that
labels name, host images and their OSTree commits, equal trees, containers whose engine reports
some other digest. Each join is a pure function of the graph and says on every edge how it knows.
Joins look at facts only, never at each other's edges, so the order they run in does not matter.
"""

from __future__ import annotations

import msgspec

from treering.core.facts import EdgeFact
from treering.core.graph import Graph
from treering.core.joins import bases, commits, running, sources
from treering.core.joins.changes import matters
from treering.core.joins.sources import wanted
from treering.core.text import safe

__all__ = ["derive", "wanted"]


def derive(graph: Graph) -> None:
    """Compute every derived edge of `graph` anew and put them in place of the old ones.

    Costs next to nothing when no fact that the joins read changed since the last time.
    """
    if graph.changes is not None and not any(matters(graph, c) for c in graph.changes):
        graph.changes.clear()
        return
    below = bases.find(graph)
    edges: list[EdgeFact] = list(bases.edges(below))
    edges += bases.declared(graph, below)
    edges += sources.edges(graph, below)
    edges += commits.edges(graph)
    edges += running.edges(graph)
    graph.set_derived(_best(edges))


def _best(edges: list[EdgeFact]) -> list[EdgeFact]:
    """Keep one derived edge for each pair and kind: the best known, with the other's reason."""
    kept: dict[tuple[str, str, str], EdgeFact] = {}
    for edge in sorted(edges, key=lambda e: (-e.level.rank, e.start, e.end, e.kind, e.why)):
        key = (edge.start, edge.end, edge.kind)
        first = kept.get(key)
        if first is None:
            kept[key] = edge
        elif edge.why not in first.why:
            why = safe(f"{first.why}; {edge.level}: {edge.why}")
            kept[key] = msgspec.structs.replace(first, why=why)
    return list(kept.values())
