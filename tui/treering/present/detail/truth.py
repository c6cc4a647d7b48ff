"""Digest truth of one node: what a name has now, had before, and has elsewhere.

Owns the words for it, in the summary.
"""

from __future__ import annotations

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Graph, Node
from treering.core.ids import Kind, NodeId
from treering.present.detail.parts import Page, shown
from treering.present.detail.subject import subjects
from treering.present.lines import span
from treering.present.places.following import Following, followed
from treering.present.places.images import differing, meant, name_of
from treering.present.places.known import digits, live


def truth(page: Page, graph: Graph, node: Node) -> Node | None:
    """Tell where a name points now, pointed before, and where its like points elsewhere.

    Return what it names, if it names one thing.
    """
    if node.kind not in {Kind.TAG, Kind.REF}:
        return None
    edges = graph.edges_from(node.id, frozenset({EdgeKind.POINTS_AT}))
    page.heading("points at")
    now = [edge for edge in edges if not edge.gone]
    for edge in now:
        target(page, graph, "now", edge.end, edge.why)
    if not now:
        page.field("now", "nothing that is known", "bad")
    for edge in edges:
        if edge.gone:
            target(page, graph, "before", edge.end, edge.why)
    if node.kind is Kind.TAG:
        _elsewhere(page, graph, node)
    behind = subjects(graph, node.id)
    if len(behind) == 1 or len(now) != 1:
        return graph.node(behind[0]) if len(behind) == 1 else None
    return graph.node(now[0].end)


def moved_on(page: Page, graph: Graph, node: Node) -> None:
    """Tell whether the name a deployment follows still has what it runs."""
    name, runs = followed(node.attrs), live(graph, node.id, EdgeKind.RUNS)
    differs = Following(graph).differs(name, runs[0]) if name and runs else None
    if differs is None:
        page.field("follows", f"{name}: what it has now is unknown" if name else "no name", "dim")
    elif differs:
        page.field("follows", f"{name}, which has another digest now", "warn")
    else:
        page.field("follows", f"{name}, which has this digest now")


def target(page: Page, graph: Graph, label: str, node: NodeId, why: str) -> None:
    """Add a node that a name or a deployment leads to."""
    page.node(label, node, shown(graph.node(node)), why)


def _elsewhere(page: Page, graph: Graph, node: Node) -> None:
    """Tell of the same tag in other sources whether it names the same."""
    own = name_of(graph, node.id)
    repository = own.repository.rpartition("/")[2]
    suffix = f"{repository or own.repository}:{own.tag}"
    alike = [name_of(graph, n) for n in graph.of_kind(Kind.TAG) if n.endswith(suffix)]
    apart = {name.node for name in differing(graph, [own, *alike]).get(node.id, [])}
    for name in alike:
        near = name.repository.rpartition("/")[2] == repository
        if name.node == node.id or name.source == own.source or not near:
            continue
        same = bool(meant(graph, name.ends) & meant(graph, own.ends))
        if same or name.node in apart:
            word = ("same in", "") if same else ("differs in", "warn")
            number = digits(name.ends[0]) if name.ends else ""
            line = (span(ids.content_of(name.node)), span(f" {number}", word[1] or "dim"))
            page.node(word[0], name.node, line, style=word[1] or "dim")
