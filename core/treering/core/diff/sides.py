"""Which two things a comparison of two nodes is between.

Owns the way from what a person names (tags, refs, indexes, containers, deployments) to the two
versions whose files, layers and settings are compared: of one platform and of one kind where
there is a choice. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from treering.core.errors import UsageError
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId, kind_of
from treering.core.opening import MAX_STEPS, Candidate, candidates
from treering.core.text import Safe, safe

_RUNS = frozenset({EdgeKind.RUNS})
_LISTS = frozenset({EdgeKind.LISTS})
_POINTS = frozenset({EdgeKind.POINTS_AT})
_HOLDS = frozenset({EdgeKind.ENCAPSULATES})
_IMAGES = frozenset({Kind.IMAGE, Kind.CONTAINER})


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    `asked` is the node that was named, `files` what has the files, None for what has none (a git
    commit). `version` is the image, commit or git commit that layers, settings and source are
    known of: of a container the image it runs. `within` is the commit an image is the wrapping of.
    """

    asked: NodeId
    files: Candidate | None
    version: NodeId
    label: Safe
    within: NodeId | None = None

    @property
    def kind(self) -> Kind:
        """The kind of the version."""
        return kind_of(self.version)


@dataclass(frozen=True, slots=True)
class Sides:
    """The two sides, and what was chosen among several."""

    a: Side
    b: Side
    notes: tuple[Safe, ...] = ()


def sides(graph: Graph, a: NodeId, b: NodeId) -> Sides:
    """Return the two things that a comparison of `a` and `b` is between.

    Raises `KeyError` for a node the graph does not hold and `UsageError` for one that stands for
    nothing that could be compared.
    """
    a, b = graph.canonical(a), graph.canonical(b)
    if kind_of(a) is kind_of(b) is Kind.SOURCE:
        return Sides(_source(graph, a), _source(graph, b))
    ours, theirs = _openable(graph, a), _openable(graph, b)
    one, other = min(
        product(enumerate(ours), enumerate(theirs)),
        key=lambda pair: _cost(graph, *pair),
    )
    notes = [*_choice(graph, ours, one[1]), *_choice(graph, theirs, other[1])]
    return Sides(_side(graph, a, one[1]), _side(graph, b, other[1]), tuple(dict.fromkeys(notes)))


def platforms(graph: Graph, node: NodeId) -> dict[Safe, NodeId]:
    """Return the images of an index, or of a name that points at one, by platform.

    Empty for everything else. Of several images of one platform the first by id counts.
    """
    at = graph.canonical(node)
    for _ in range(MAX_STEPS):
        if kind_of(at) is Kind.INDEX:
            listed = [edge.end for edge in graph.edges_from(at, _LISTS) if not edge.gone]
            images = sorted((n for n in listed if kind_of(n) is Kind.IMAGE), reverse=True)
            return {graph.node(image).platform: image for image in images}
        following = [edge.end for edge in graph.edges_from(at, _POINTS) if not edge.gone]
        if len(following) != 1:
            break
        (at,) = following
    return {}


def side_of(graph: Graph, node: NodeId) -> Side:
    """Return what one node stands for. Raises as `sides` does."""
    return sides(graph, node, node).a


def _openable(graph: Graph, node: NodeId) -> Sequence[Candidate]:
    found = candidates(graph, node)
    if not found:
        known = graph.node(node)
        raise UsageError(
            f"{known.kind.value} {known.label} stands for nothing that could be compared",
            "compare images, commits, layers, or what points at them or runs them",
        )
    return found


def _cost(
    graph: Graph, ours: tuple[int, Candidate], theirs: tuple[int, Candidate]
) -> tuple[bool, bool, int]:
    """Order pairs: one platform before two, one kind before two, the likeliest first."""
    (at, a), (place, b) = ours, theirs
    platforms = {graph.node(c.node).platform for c in (a, b)} - {""}
    return len(platforms) > 1, not _alike(kind_of(a.node), kind_of(b.node)), at + place


def _alike(a: Kind, b: Kind) -> bool:
    return a is b or {a, b} <= _IMAGES


def _choice(graph: Graph, among: Sequence[Candidate], chosen: Candidate) -> Sequence[Safe]:
    """Say which platform was chosen where there were several."""
    platforms = [graph.node(c.node).platform for c in among if kind_of(c.node) is Kind.IMAGE]
    known = sorted({p for p in platforms if p})
    if len(known) < 2:  # noqa: PLR2004 -- several
        return ()
    here = graph.node(chosen.node).platform
    others = ", ".join(p for p in known if p != here)
    return (safe(f"compared for {here or 'no platform'}; there is also {others}"),)


def _side(graph: Graph, asked: NodeId, chosen: Candidate) -> Side:
    version = chosen.node
    if kind_of(version) is Kind.CONTAINER:
        runs = [edge.end for edge in graph.edges_from(version, _RUNS) if not edge.gone]
        version = runs[0] if len(runs) == 1 else version
    held = [edge.end for edge in graph.edges_from(version, _HOLDS) if not edge.gone]
    within = held[0] if len(held) == 1 else None
    return Side(asked, chosen, version, graph.node(asked).label, within)


def _source(graph: Graph, node: NodeId) -> Side:
    return Side(node, None, node, graph.node(node).label)
