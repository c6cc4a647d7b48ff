"""What a node rests on and what rests on it, in one line a relation.

Owns the words for relations in the summary, how much is listed, and what is said to be unknown.
"""

from __future__ import annotations

from collections import Counter

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Edge, Graph, Node
from treering.core.ids import Kind, NodeId
from treering.core.lineage import INVERSE, Direction, reach
from treering.present.detail.parts import FEW, Page, joined
from treering.present.places.known import count

_RUNNING = (
    Kind.HOST,
    Kind.DEPLOYMENT,
    Kind.CONTAINER,
    Kind.WORKLOAD,
    Kind.REVISION,
    Kind.STAGE,
)

_UP = {
    EdgeKind.RUNS: "runs",
    EdgeKind.ON: "on host",
    EdgeKind.OF: "part of",
    EdgeKind.SERVES: "serves",
    EdgeKind.BASED_ON: "built on",
    EdgeKind.BUILT_FROM: "source",
    EdgeKind.BUILT_BY: "built by",
    EdgeKind.PARENT: "parent",
    EdgeKind.LAYERED_ON: "layered on",
    EdgeKind.IMPORTED_FROM: "imported",
    EdgeKind.ENCAPSULATES: "holds",
    EdgeKind.SAME_TREE: "same tree",
    EdgeKind.SUPERSEDES: "supersedes",
    EdgeKind.PROMOTED_FROM: "promoted",
    EdgeKind.ATTESTS: "attests",
    EdgeKind.LISTS: "lists",
    EdgeKind.DEPENDS_ON: "depends on",
    EdgeKind.CLONE_OF: "clone of",
}
"""What an edge is called here; layers have a tab, names are told above."""

_DOWN = {
    EdgeKind.POINTS_AT: "named by",
    EdgeKind.LISTS: "listed by",
    EdgeKind.ATTESTS: "attested by",
    EdgeKind.RUNS: "run by",
    EdgeKind.ON: "has",
    EdgeKind.OF: "has",
    EdgeKind.BASED_ON: "base of",
    EdgeKind.CONTAINS: "layer of",
}


def _grouped(edges: list[Edge], *, out: bool) -> dict[EdgeKind, list[tuple[NodeId, str]]]:
    groups: dict[EdgeKind, list[tuple[NodeId, str]]] = {}
    for edge in edges:
        if not edge.gone:
            groups.setdefault(edge.kind, []).append((edge.end if out else edge.start, edge.why))
    return groups


def upwards(page: Page, graph: Graph, node: Node) -> None:
    """Tell what a node came from or rests on, and what of that nobody knows."""
    page.heading("came from")
    before = len(page)
    groups = _grouped(graph.edges_from(node.id), out=True)
    layers = groups.get(EdgeKind.CONTAINS, ())
    if layers:
        page.field("layers", str(len(layers)))
    if node.kind is Kind.LAYER:
        _made_by(page, graph, node)
    for kind, label in _UP.items():
        if kind in groups:
            page.nodes(label, groups[kind], graph)
    for kind, label, unknown in _UNKNOWN.get(node.kind, ()):
        if kind not in groups:
            page.field(label, unknown, "dim")
    if len(page) == before:
        page.field("", "nothing is known", "dim")


def _made_by(page: Page, graph: Graph, node: Node) -> None:
    """Tell which step made a layer, as the history of an image that has it says."""
    for edge in graph.edges_to(node.id, frozenset({EdgeKind.CONTAINS}))[:FEW]:
        _, colon, made = edge.why.partition(": ")
        if colon:
            page.field("made by", made, node=edge.start, why=edge.why)
            return
    page.field("made by", "unknown: no history names the step", "dim")


_UNKNOWN = {
    Kind.IMAGE: (
        (EdgeKind.BASED_ON, "built on", "unknown: no image that is read is its base"),
        (EdgeKind.BUILT_FROM, "source", "unknown: nothing names a git commit"),
    ),
    Kind.COMMIT: ((EdgeKind.BUILT_FROM, "source", "unknown: nothing names a git commit"),),
    Kind.CONTAINER: ((EdgeKind.RUNS, "runs", "unknown: the engine names no image"),),
    Kind.DEPLOYMENT: ((EdgeKind.RUNS, "runs", "unknown: its commit is not named"),),
}


def downwards(page: Page, graph: Graph, node: Node) -> None:
    """Tell what came of a node: what is next to it, then how much there is in all."""
    page.heading("what came of it")
    before = len(page)
    edges = graph.edges_to(node.id)
    groups = _grouped(edges, out=False)
    for kind, label in _DOWN.items():
        if kind in groups:
            page.nodes(label, groups.pop(kind), graph)
    for kind in sorted(groups):
        page.nodes(INVERSE[kind], groups[kind], graph)
    touched = Counter(ids.kind_of(n) for n in reach(graph, node.id, Direction.DOWN))
    touched[node.kind] -= 1
    _impact(page, touched)
    if len(page) == before:
        page.field("", "nothing is known", "dim")


def _impact(page: Page, touched: Counter[Kind]) -> None:
    """Tell how much rests on it, however far away: what breaks or restarts with it."""
    kinds = (Kind.INDEX, Kind.IMAGE, Kind.COMMIT, Kind.TAG, Kind.REF, *_RUNNING)
    told = [count(touched[k], k.value, _PLURAL.get(k, "")) for k in kinds if touched[k] > 0]
    if told:
        page.field("in all", joined(told))
        if not any(touched[kind] > 0 for kind in _RUNNING):
            page.field("run by", "nothing that is known runs it", "dim")


_PLURAL = {Kind.INDEX: "indexes"}
