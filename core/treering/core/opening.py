"""Which files a node stands for, and who can open them.

Owns the way from what a person points at (a tag, an index, a container, a deployment) to the
things whose files can be read. Pure; `core.shelf` opens them.
"""

from __future__ import annotations

from dataclasses import dataclass

from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId, kind_of
from treering.core.text import Safe, safe

_OWN = frozenset({Kind.IMAGE, Kind.LAYER, Kind.COMMIT, Kind.CONTAINER})
_LEADS = frozenset({EdgeKind.POINTS_AT, EdgeKind.RUNS, EdgeKind.LISTS})
_NAMES = frozenset({EdgeKind.POINTS_AT, EdgeKind.RUNS})
_USUAL = "linux/amd64"
MAX_STEPS = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that has files or documents, what it is called, and the sources that hold it."""

    node: NodeId
    label: Safe
    sources: tuple[Safe, ...]


def candidates(graph: Graph, node: NodeId) -> tuple[Candidate, ...]:
    """Return what can be opened for `node`, the likeliest first.

    That is the node itself, then what it points at, lists or runs; of an index the usual
    platform before others. Raises `KeyError` when the graph does not hold it.
    """
    found: list[NodeId] = []
    frontier = [graph.node(node).id]
    for _ in range(MAX_STEPS):
        following: list[NodeId] = []
        for at in frontier:
            if kind_of(at) in _OWN and at not in found:
                found.append(at)
            following += [e.end for e in graph.edges_from(at, _LEADS) if not e.gone]
        frontier = sorted(dict.fromkeys(following), key=lambda n: _rank(graph, n))
    return tuple(_candidate(graph, one) for one in found)


def holders(graph: Graph, node: NodeId) -> Candidate:
    """Return a node with the sources that describe it. Raises `KeyError`."""
    return _candidate(graph, node)


def documented(graph: Graph, node: NodeId) -> tuple[Candidate, ...]:
    """Return what may have documents for `node`: itself, then what it points at or runs.

    Raises `KeyError` when the graph does not hold it.
    """
    found = [graph.node(node).id]
    for at in found[:MAX_STEPS]:
        leads = [e.end for e in graph.edges_from(at, _NAMES) if not e.gone]
        found += [end for end in leads if end not in found]
    return tuple(_candidate(graph, one) for one in found)


def _candidate(graph: Graph, node: NodeId) -> Candidate:
    known = graph.node(node)
    label = f"{known.label} {known.platform}".strip()
    return Candidate(known.id, safe(label), known.sources)


def _rank(graph: Graph, node: NodeId) -> tuple[bool, NodeId]:
    known = graph.node(node)
    return (known.kind is Kind.IMAGE and known.platform != _USUAL, node)
