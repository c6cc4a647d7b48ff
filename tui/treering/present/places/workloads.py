"""The place `workloads`: what runs, by where it runs, and the image it runs.

Owns that grouping: containers by engine, workloads by cluster and namespace with their revisions
and containers below them.
"""

from __future__ import annotations

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.text import Safe, safe
from treering.present.places.images import DIFFERS, meant
from treering.present.places.items import MANY, Item, branch
from treering.present.places.known import Known, coming, count, known, live, natural

_RUNNABLE = (Kind.WORKLOAD, Kind.REVISION, Kind.CONTAINER, Kind.LXC)
_RUNS = (EdgeKind.RUNS, EdgeKind.CLONE_OF)
_ODD = frozenset({DIFFERS, "damaged", "dead", "Failed", "CrashLoopBackOff", "restarting"})


def items(graph: Graph) -> list[Item]:
    """Return everything that runs, each with the image it runs."""
    groups: dict[Safe, list[NodeId]] = {}
    for kind in _RUNNABLE:
        for node in graph.of_kind(kind):
            if kind in {Kind.WORKLOAD, Kind.LXC} or not live(graph, node, EdgeKind.OF):
                groups.setdefault(_place(graph, node), []).append(node)
    drawn: list[Item] = []
    for title in sorted(groups, key=natural):
        above = f"\n{title}"
        entries = [_entry(graph, node, 1, above) for node in groups[title]]
        entries.sort(key=lambda e: (not e[0].odd, natural(e[0].name)))
        below = [item for entry in entries for item in entry]
        odd = any(item.odd for item in below)
        group = Item(
            name=title,
            count=safe(str(len(entries))),
            words=(count(sum(entry[0].odd for entry in entries), "odd", "odd"),) if odd else (),
            odd=odd,
            closed=len(below) > MANY,
        )
        drawn += branch(group, below)
    return drawn


def _place(graph: Graph, node: NodeId) -> Safe:
    """Return where something runs: an engine, or a cluster and namespace."""
    parts = ids.content_of(node).split("/")
    if node.startswith(("workload:", "revision:")):
        return safe("/".join(parts[:-2]) or parts[0])
    found = known(graph, node)
    return found.sources[0] if found.sources else safe(parts[0])


def _entry(graph: Graph, node: NodeId, depth: int, above: str) -> list[Item]:
    found = known(graph, node)
    key = f"{above}\n{node}"
    below: list[Item] = []
    if depth < _DEEPEST:
        parts = sorted(coming(graph, node, EdgeKind.OF), key=natural, reverse=True)
        below = [item for part in parts for item in _entry(graph, part, depth + 1, key)]
    runs = [end for kind in _RUNS for end in live(graph, node, kind)]
    below += [_image(graph, end, depth + 1, key) for end in runs]
    words = _words(graph, found, runs)
    item = Item(
        name=_name(node, found),
        depth=depth,
        node=node,
        kind=ids.kind_of(node),
        above=above,
        words=words,
        note=_told(graph, found, runs),
        odd=bool(_ODD & {*words}) or any(i.odd for i in below),
        closed=True,
    )
    return branch(item, below)


_DEEPEST = 3


def _name(node: NodeId, found: Known) -> Safe:
    if not node.startswith(("workload:", "revision:")):
        return found.label
    return safe("/".join(ids.content_of(node).split("/")[-2:]))


def _words(graph: Graph, found: Known, runs: list[NodeId]) -> tuple[str, ...]:
    """Return the state of what runs, and whether the name it was started by has moved on."""
    state = found.attrs.get("state") or found.attrs.get("status")
    words = [safe(state, 32)] if isinstance(state, str) and state else []
    if found.sources and runs and _moved_on(graph, found, runs):
        words.append(safe(DIFFERS))
    return (*words, *found.words)


def _moved_on(graph: Graph, found: Known, runs: list[NodeId]) -> bool:
    name = found.attrs.get("image_ref")
    if not isinstance(name, str) or "@" in name:
        return False
    repository, _, tag = name.rpartition(":")
    node = ids.tag(found.sources[0], repository, tag)
    if node not in graph:
        return False
    ends = meant(graph, live(graph, node, EdgeKind.POINTS_AT))
    return bool(ends) and not ends & meant(graph, runs)


def _told(graph: Graph, found: Known, runs: list[NodeId]) -> Safe:
    name = found.attrs.get("image_ref")
    if isinstance(name, str) and name:
        return safe(ids.short(name))
    return known(graph, runs[0]).label if runs else Safe("")


def _image(graph: Graph, node: NodeId, depth: int, above: str) -> Item:
    found = known(graph, node)
    return Item(
        name=found.label,
        depth=depth,
        node=node,
        kind=ids.kind_of(node),
        above=above,
        words=found.words,
        odd="damaged" in found.words,
    )
